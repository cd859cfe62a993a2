"""What a wait shows while it lasts, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hera_rollout.workflows.documents import Document

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
    document: Document = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether the workflow ended, and ended well."""
        return self.reached == "finished" and self.phase == "Succeeded"
