"""The feature flag: plan a flip, apply it, and believe only what each pod itself reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pandas import DataFrame

from hera_rollout.cluster import Cluster, EnvChange


class ReportsFlag(Protocol):
    """What is needed of the backend's client here (it is a sibling, so it is not imported)."""

    def flag(self) -> Mapping[str, Any]:
        """GET /api/v1/flag over a fresh connection."""
        ...


@dataclass(frozen=True)
class FlagChange:
    """A planned flip."""

    enabled: bool
    change: EnvChange
    undo_command: str

    @property
    def command(self) -> str:
        """The kubectl line it stands for."""
        return self.change.command

    @property
    def noop(self) -> bool:
        """Whether the variable already says so."""
        return self.change.noop

    def diff(self) -> str:
        """The patch as a diff."""
        return self.change.diff()


@dataclass(frozen=True)
class FlagEffect:
    """A flip that is in effect on every pod."""

    enabled: bool
    pods: list[str]
    seconds: float
    rollout_seconds: float
    report: DataFrame


def plan(cluster: Cluster, enabled: bool) -> FlagChange:
    """Plan a flip; nothing is changed."""
    raise NotImplementedError


def apply(
    cluster: Cluster, backend: ReportsFlag, change: FlagChange, on_progress: Callable[[str], None] | None = None
) -> FlagEffect:
    """Patch, wait for the rollout, then wait until every ready pod and the service report it."""
    raise NotImplementedError


def report(cluster: Cluster, backend: ReportsFlag) -> DataFrame:
    """One row a pod: pod, enabled, decided_by, hera_version, hera_import, code_revision."""
    raise NotImplementedError
