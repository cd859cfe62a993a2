"""The one waiter: initial read, watch, one deadline, typed outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Reached = Literal["finished", "deadline", "gone", "stopped early"]


@dataclass(frozen=True)
class WorkflowView:
    """A workflow while it is waited for."""

    name: str
    phase: str
    progress: str
    message: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a wait ended. `phase` is the last one seen; only `reached == "finished"` makes it final."""

    name: str
    uid: str
    phase: str
    reached: Reached
    message: str
    seconds: float
    document: dict[str, Any] = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the workflow ended, and ended well."""
        return self.reached == "finished" and self.phase == "Succeeded"
