"""A span of time in which one path served all of the load. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Window:
    """One window.

    Attributes:
        number: its place; windows 0 and 1 are a pair, 2 and 3 the next.
        path: ``yaml`` or ``hera``.
        start, end: UTC.
        submissions: tasks submitted in it.
        pods: the service's pods in it.
        namespace: theirs.
    """

    number: int
    path: str
    start: datetime
    end: datetime
    submissions: int
    pods: tuple[str, ...]
    namespace: str

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.end - self.start).total_seconds()
