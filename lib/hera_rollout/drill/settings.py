"""How a drill is driven. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hera_rollout.backend import traffic
from hera_rollout.backend.traffic import Plan

MOST: Final = 500
"""Submissions of one drill at most: each starts a pod."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a drill is driven.

    Attributes:
        percent: how far the flag goes on; all of the service's users take part, so a live service drills with a few
            percent by medium ``configmap``, and enough traffic that some of it is by Hera.
        per_second: submissions a second.
        before_seconds, on_seconds, after_seconds: of traffic with the flag off, on everywhere, and off again.
        task_seconds: how long a submitted task works, so that some are in flight at the way back.
        tasks: so many tasks are rerun in turn; None: each submission is a task of its own.
    """

    percent: float = 100.0
    per_second: float = 1.0
    before_seconds: float = 3.0
    on_seconds: float = 10.0
    after_seconds: float = 10.0
    task_seconds: float = 5.0
    tasks: int | None = None

    def plan(self, deadline_seconds: float) -> Plan:
        """Traffic for as long as the drill may take, with both flips at their deadline; it is ended sooner."""
        seconds = self.before_seconds + self.on_seconds + self.after_seconds + 2 * deadline_seconds
        return traffic.steady(self.per_second, seconds, most=MOST)

    @property
    def code(self) -> str:
        """What is submitted."""
        return f'import time\nprint("[{{mark}}] drill", flush=True)\ntime.sleep({self.task_seconds:g})'
