"""Running a drill: traffic, flag on, flag back, what the traffic met; whatever happens, it ends with the flag off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hera_rollout import flag, rollback
from hera_rollout.backend import Backend
from hera_rollout.backend.traffic import Traffic
from hera_rollout.cluster import Cluster
from hera_rollout.drill import measuring
from hera_rollout.drill.measuring import Turned
from hera_rollout.drill.results import DrillResult
from hera_rollout.drill.settings import Settings
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.flag import FlagChange, Medium
from hera_rollout.rollback import RollbackResult, observing
from hera_rollout.state import State
from hera_rollout.workflows import Workflows

Tell = Callable[[str], None]


def run(
    cluster: Cluster,
    backend: Backend,
    workflows: Workflows,
    *,
    by: str,
    token: str,
    medium: Medium | None = None,
    settings: Settings | None = None,
    state: State | None = None,
    stop: threading.Event | None = None,
    on_progress: Tell | None = None,
) -> DrillResult:
    """Turn the flag on and back under traffic by one medium, and measure both turns.

    Args:
        cluster: where.
        backend: whose flag, and where the traffic goes.
        workflows: lists what was made.
        by: who drills, for the rollout's state.
        token: what the traffic's marks begin with; one of its own for each drill.
        medium: another one than the target's.
        settings: how it is driven.
        state: the rollout's, so that both turns are the kit's own.
        stop: ends it early, by the way back.
        on_progress: told a line whenever there is news.

    Raises:
        Refused: The flag is on already, cannot be turned on by this medium, or the drill was stopped before it was;
            the flag was not touched.
        RolloutError: The flag could not be turned off again; the text says how to do it by hand.
    """
    place = cluster.by(medium or cluster.target.flag.medium)
    tell = on_progress or (lambda _: None)
    _refuse_on(place, backend)
    chosen = settings or Settings()
    change = flag.plan(place, enabled=True, percent=chosen.percent)
    plan = chosen.plan(float(place.target.limits.rollout_deadline_seconds))
    load = Traffic(backend, plan, token=token, tasks=chosen.tasks, code=chosen.code)
    drill = _Drill(place, backend, workflows, chosen, load, state, by, stop or threading.Event(), tell)
    with load:
        drill.forth_and_back(change)
    drill.look()
    return drill.result(change)


@dataclass
class _Drill:
    """One drill under way."""

    cluster: Cluster
    backend: Backend
    workflows: Workflows
    settings: Settings
    load: Traffic
    state: State | None
    by: str
    stop: threading.Event
    tell: Tell
    on: Turned | None = None
    off: Turned | None = None
    back: RollbackResult | None = None
    flying: list[str] = field(default_factory=list)
    phases: dict[str, str] = field(default_factory=dict)
    unverified: list[str] = field(default_factory=list)

    def forth_and_back(self, change: FlagChange) -> None:
        """The traffic is running; nothing after the first patch keeps the way back from being walked."""
        self._pause(self.settings.before_seconds, "traffic with the flag off")
        if self.stop.is_set():
            raise Refused("The drill was stopped before the flag was turned; nothing was touched.", todo="Drill again.")
        try:
            self._forth(change)
            self._pause(self.settings.on_seconds, "traffic with the flag on")
        finally:
            self._back()

    def _forth(self, change: FlagChange) -> None:
        patched = datetime.now(UTC)
        self.on = Turned(patched, None)
        flag.throw(self.cluster, change, self.tell)
        if self.state:
            self.state.flag_set(enabled=True, percent=change.percent, by=self.by, why=f"drill by {change.medium}")
        try:
            flag.settled(self.cluster, self.backend, change, self.tell, stop=self.stop)
        except RolloutError as error:
            self.unverified.append(f"that the flag took effect everywhere. {error.seen}")
            return
        self.on = Turned(patched, datetime.now(UTC))

    def _back(self) -> None:
        try:
            self.flying = list(observing.in_flight(self.workflows)["name"])
        except RolloutError as error:
            self.unverified.append(f"which workflows were in flight. {error.seen}")
        self.back = rollback.quick(
            self.cluster, self.backend, self.workflows, by=self.by,
            why=f"drill by {self.cluster.target.flag.medium}: the way back", state=self.state,
            observe_seconds=self.settings.after_seconds, on_progress=self.tell,
        )  # fmt: skip
        self.off = Turned(self.back.began, self.back.effective)
        self.unverified.extend(self.back.unverified)

    def look(self) -> None:
        """What the traffic met: paths, lost answers, and how the drill's own workflows in flight ended."""
        try:
            self.load.resolve(self.workflows)
        except RolloutError as error:
            self.unverified.append(f"which path made the workflows. {error.seen}")
            return
        own = {row.workflow for row in self.load.rows}
        for name in [name for name in self.flying if name in own]:
            self.tell(f"waiting for {name}, which was in flight")
            self.phases[name] = self._ended(name)

    def _ended(self, name: str) -> str:
        """How it ended; what was deleted without a trace has no phase."""
        seconds = float(self.cluster.target.limits.workflow_deadline_seconds)
        try:
            return self.workflows.wait(name, seconds, stop=self.stop).phase
        except RolloutError as error:
            self.unverified.append(f"how {name} ended. {error.seen}")
            return ""

    def result(self, change: FlagChange) -> DrillResult:
        """All of it."""
        assert self.on and self.off and self.back  # noqa: S101  (the way back was walked, or it has raised)
        rows, limits = self.load.rows, self.cluster.target.limits
        on = measuring.on_figures(rows, self.on, self.off, change.percent)
        off = measuring.off_figures(rows, self.off, list(self.back.hera_after["name"]))
        evidence = {
            "medium": change.medium,
            "percent": change.percent,
            "command_on": change.command,
            "command_off": self.back.command,
            "before": {"sent": sum(bool(row.sent and row.sent < self.on.patched) for row in rows)},
            "on": on | {"lost": measuring.lost_between(rows, self.on.patched, self.off.patched)},
            "off": off | {"lost": measuring.lost_between(rows, self.off.patched, None)},
            "requests": measuring.request_figures(rows, limits.error_rate_max) | {"unsent": self.load.unsent},
            "in_flight": [{"name": name, "phase": phase} for name, phase in self.phases.items()],
            "unverified": self.unverified,
        }
        return DrillResult(change.medium, evidence, self.load.frame, self.back, limits.source("error_rate_max"))

    def _pause(self, seconds: float, words: str) -> None:
        self.tell(f"{words}, for {seconds:g} s")
        if self.stop.wait(seconds):
            self.unverified.append(f"the whole of {words}. It was stopped")


def _refuse_on(cluster: Cluster, backend: Backend) -> None:
    """A drill ends with the flag off: it would end a canary that is under way."""
    rows = flag.report(cluster, backend).to_dict(orient="records")
    told = [f"pod {row['pod']} " + (f"did not say: {row['problem']}" if row["problem"] else "has the flag on")
            for row in rows if row["problem"] or row["enabled"] is not False]  # fmt: skip
    if told or not rows:
        raise Refused(
            f"A drill begins with the flag off, and {'; '.join(told) or 'no pod is ready'}.",
            expected="every ready pod reports the flag off.",
            why="A drill ends with the flag off: it would take a canary back that is under way.",
            todo="Drill before the first percent, or roll back first: hera-rollout rollback.",
        )
