"""What a flip is, whatever its medium: planned, and in effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pandas import DataFrame

from hera_rollout.target import Medium

Tell = Callable[[str], None]
ALL = 100.0


class ReportsFlag(Protocol):
    """What is needed of the backend's client here (it is a sibling layer, so it is not imported)."""

    def flag(self) -> Mapping[str, Any]:
        """GET /api/v1/flag over a fresh connection."""
        ...


class Change(Protocol):
    """A change in one medium, planned against what was there."""

    @property
    def command(self) -> str:
        """The command line it stands for."""
        ...

    @property
    def noop(self) -> bool:
        """Whether the medium already says so."""
        ...

    def diff(self) -> str:
        """The change as a unified diff; empty if there is none."""
        ...


@dataclass(frozen=True)
class FlagChange:
    """A planned flip."""

    enabled: bool
    change: Change
    undo_command: str
    medium: Medium = "env"
    percent: float = ALL

    @property
    def command(self) -> str:
        """The command line it stands for."""
        return self.change.command

    @property
    def noop(self) -> bool:
        """Whether the medium already says so. Whether it is in effect is another question."""
        return self.change.noop

    def diff(self) -> str:
        """The patch as a diff of what the medium holds."""
        return self.change.diff()


@dataclass(frozen=True)
class FlagEffect:
    """A flip that is in effect on every pod."""

    enabled: bool
    pods: list[str]
    seconds: float
    rollout_seconds: float
    report: DataFrame = field(repr=False)
    medium: Medium = "env"
    percent: float = ALL


def word(enabled: bool, percent: float = ALL) -> str:
    """The flag in words."""
    return "off" if not enabled else "on" if percent == ALL else f"on for {percent:g} %"
