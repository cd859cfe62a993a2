"""The ladder as this run remembers it: its evidence, its looks, and what a look shows. Kept in the rollout's state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import sqrt
from typing import Any, Final

import pandas as pd

from hera_rollout import canary, display
from hera_rollout.canary import Before, Ladder, Look, Rung, judging
from hera_rollout.canary.evidence import key
from hera_rollout.display.ladder import LOOKS, SHARES, TIMES
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check
from hera_rollout.gates.judging import plain, read
from hera_rollout.gates.rung import LADDER
from hera_rollout.phase.spine import Phase

MEMORY: Final = "climb"
BEFORE, HISTORY = "before the ladder", "looks"
MOST_LOOKS: Final = 120
"""So many looks are kept for the plot; more are thinned."""


def standing(phase: Phase) -> bool:
    """Whether an earlier attempt of this run has begun the ladder, or has deployed: then the flag is left alone."""
    return any(phase.done(key(percent)) for percent in LADDER)


@dataclass
class Climb:
    """The ladder under way in this kernel.

    Attributes:
        phase: the run.
        ladder: its evidence.
        look: what looks.
        looks: (percent, workflows, failed, low, high, and YAML's workflows, failed) a look, for the plot.
        missing: what the newest look could not read, of whichever rung, in words.
    """

    phase: Phase
    ladder: Ladder
    look: Look
    looks: list[list[float]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, phase: Phase) -> Climb:
        """This run's: out of the rollout's state, where an earlier attempt began it."""
        if MEMORY not in phase.memory:
            phase.memory[MEMORY] = _begun(phase)
        found: Climb = phase.memory[MEMORY]
        return found

    def refresh(self, *, logs: bool = True) -> None:
        """Look at every rung of which something may still change, and keep it.

        Raises:
            RolloutError: the workflows cannot be listed.
        """
        now, self.missing = datetime.now(UTC), []
        for rung in self.ladder.rungs:
            if rung.open:
                self.ladder = self.ladder.with_rung(self.look.at(rung, now, logs=logs))
                self.missing += [line for line in self.look.missing if line not in self.missing]
        self._remember()

    def keep(self) -> None:
        """Into the rollout's state, so that the next attempt goes on from here."""
        for rung in self.ladder.rungs:
            self.phase.keep(key(rung.percent), rung.plain())
        self.phase.keep(HISTORY, self.looks)

    def begin(self, percent: float) -> None:
        """This rung stands now, on every pod; the one before ended when it was left."""
        now = datetime.now(UTC)
        for rung in self.ladder.rungs:
            if not rung.until:
                self.ladder = self.ladder.with_rung(replace(rung, until=now.timestamp()))
        self.ladder = self.ladder.with_rung(Rung.begin(percent, self.ladder.code_revision, now))
        self.keep()

    def end(self, percent: float) -> None:
        """This rung is left."""
        rung = self.ladder.rung(percent)
        if rung and not rung.ended:
            self.ladder = self.ladder.with_rung(replace(rung, ended=datetime.now(UTC).timestamp()))
            self.keep()

    def left(self, percent: float) -> bool:
        """Whether it was left already."""
        rung = self.ladder.rung(percent)
        return rung is not None and bool(rung.ended)

    def checks(self) -> list[Check]:
        """Every gate over all rungs, and where each task's workflows were made."""
        return [*canary.checks(self.ladder, self.phase.target.limits, self.rate()), canary.misplaced(self.ladder)]

    def rate(self) -> float:
        """Workflows by Hera a second, over the time that the newest rung has stood."""
        if not self.ladder.rungs:
            return 0.0
        rung = self.ladder.rungs[-1]
        outcomes = rung.hera.outcomes
        return (outcomes.workflows + outcomes.ahead) / max(1.0, rung.seconds(datetime.now(UTC).timestamp()))

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """What the plots take: looks, times by rung and path, shares by rung."""
        times = [
            [rung.percent, path, arm.seconds.n, arm.seconds.mean, sqrt(arm.seconds.squares / max(1, arm.seconds.n - 1))]
            for rung in self.ladder.rungs
            for path, arm in (("yaml", rung.yaml), ("hera", rung.hera))
        ]
        shares = [[rung.percent, rung.share.tasks, rung.share.hera] for rung in self.ladder.rungs]
        return (
            pd.DataFrame(self.looks, columns=LOOKS),
            pd.DataFrame(times, columns=TIMES),
            pd.DataFrame(shares, columns=SHARES),
        )

    def _remember(self) -> None:
        """One more point of the plot."""
        seen, limits = self.ladder.outcomes, self.phase.target.limits
        if not seen.workflows:
            return
        gate = judging.success_gate(limits)
        low, high = gate.interval(seen.workflows, seen.failures)
        yaml = [rung.yaml.outcomes for rung in self.ladder.rungs]
        point = [self.ladder.rungs[-1].percent, float(seen.workflows), float(seen.failures), low, high,
                 float(sum(one.workflows for one in yaml)), float(sum(one.failures for one in yaml))]  # fmt: skip
        if not self.looks or self.looks[-1][:3] != point[:3]:
            self.looks.append(point)
        if len(self.looks) > MOST_LOOKS:
            self.looks = self.looks[::2]


def _begun(phase: Phase) -> Climb:
    try:
        prometheus = phase.prometheus
    except RolloutError as error:
        display.note(f"No answers and no errors by path: {error.seen}")
        prometheus = None
    look = Look(phase.workflows, phase.cluster, prometheus, phase.workflow_deadline)
    rungs = [Rung.read(phase.once(key(percent), dict)) for percent in LADDER if phase.done(key(percent))]
    before = phase.once(BEFORE, lambda: plain(look.before(datetime.now(UTC))))
    ladder = Ladder(code_revision=phase.code_revision, rungs=tuple(rungs), before=read(Before, before))
    return Climb(phase, ladder, look, _looks(phase))


def _looks(phase: Phase) -> list[list[float]]:
    found: Any = phase.once(HISTORY, list) if phase.done(HISTORY) else []
    return [list(one) for one in found]
