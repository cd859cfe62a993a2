"""What a rung has shown so far, as plain data of bounded size. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any, Self

from hera_rollout.gates import Durations, Errors, Moments, Outcomes, RungShare, Settled, Shares, Stratum, Watermark
from hera_rollout.gates.judging import plain, read
from hera_rollout.gates.rung import LADDER

UNCOUNTED = 0.1
"""Up to this share of its workflows a rung may have more than the service counted: people resubmit some by hand."""
MOST_NAMED = 10
"""So many misplaced workflows are named; all are counted."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One path's workflows of one rung, each counted once.

    Attributes:
        outcomes: how they ended, in the order submitted.
        seconds: log seconds from creation to the end of those that succeeded.
        mark: up to where they were counted.
    """

    outcomes: Outcomes
    seconds: Moments = field(default_factory=Moments)
    mark: Watermark = field(default_factory=Watermark)

    def after(self, settled: Settled) -> Self:
        """With what one more look adds; what is ahead is counted afresh by each look."""
        outcomes = self.outcomes.settled + settled.outcomes
        return replace(self, outcomes=outcomes, seconds=self.seconds + settled.log_seconds, mark=settled.watermark)


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One rung.

    Attributes:
        percent: of tasks on Hera.
        began: when every pod reported it; seconds since 1970.
        ended: when it was decided to leave it; 0 while it stands.
        until: when the next one began; 0 while there is none. What was made in between still counts for its outcome.
        hera, yaml: the workflows.
        answers: log seconds of answers to submissions, by path.
        errors: submissions answered with an error, by path.
        log_errors: error entries in the service's logs.
        submissions: by both paths.
        share: task keys seen, each once.
        misplaced: workflows by another path than the split says, and how many there are.
        created: workflows that the service says it created by Hera; None while its count is not known.
        early: workflows by Hera from right before it began that are in that count too.
        late: workflows by Hera that are too new to be in it.
    """

    percent: float
    code_revision: str
    began: float
    ended: float = 0.0
    until: float = 0.0
    hera: Arm
    yaml: Arm
    answers: Stratum
    errors: Errors
    share: RungShare
    log_errors: int = 0
    submissions: int = 0
    misplaced: tuple[str, ...] = ()
    misplaced_count: int = 0
    created: int | None = None
    early: int = 0
    late: int = 0

    @classmethod
    def begin(cls, percent: float, code_revision: str, now: datetime) -> Self:
        """Nothing seen yet."""
        arm = Arm(outcomes=Outcomes(code_revision=code_revision))
        return cls(
            percent=percent, code_revision=code_revision, began=now.timestamp(), hera=arm, yaml=arm,
            answers=Stratum(percent=percent), errors=Errors(code_revision=code_revision),
            share=RungShare(percent=percent),
        )  # fmt: skip

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Out of the rollout's state.

        Raises:
            Refused: it is not what this kit wrote.
        """
        return read(cls, data)

    def plain(self) -> dict[str, Any]:
        """As plain JSON data."""
        return plain(self)

    @property
    def open(self) -> bool:
        """Whether a workflow of it may still end, or the service's count of it is still to be asked for."""
        return not self.ended or self.created is None or bool(self.hera.outcomes.ahead or self.yaml.outcomes.ahead)

    @property
    def workflows(self) -> int:
        """Hera's workflows that were seen of what the service counted, in flight or ended."""
        return self.hera.outcomes.workflows + self.hera.outcomes.ahead + self.early

    @property
    def uncounted(self) -> int:
        """Hera's workflows that the service's counter lacks, where they are too many to be made by hand."""
        seen = self.hera.outcomes.workflows + self.hera.outcomes.ahead
        # Not those from right before it began: some of them may be in the count, and none of them must be.
        lacking = seen - self.late - (self.created or 0)
        return lacking if self.created is not None and lacking > UNCOUNTED * seen else 0

    def seconds(self, now: float) -> float:
        """How long it has stood."""
        return (self.ended or now) - self.began


def key(percent: float) -> str:
    """Under this key a run keeps a rung's evidence in the rollout's state."""
    return f"rung {percent:g}"


def kept(steps: Mapping[str, Any]) -> tuple[Rung, ...]:
    """The rungs among what a run has kept, lowest first.

    Raises:
        Refused: one of them is not what this kit wrote.
    """
    return tuple(Rung.read(steps[key(percent)]) for percent in LADDER if key(percent) in steps)


@dataclass(frozen=True, kw_only=True)
class Before:
    """The service before the first rung: error entries in its logs, and submissions, over the same time."""

    log_errors: int = 0
    submissions: int = 0


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """All rungs so far; evidence is carried from rung to rung, for one code revision."""

    code_revision: str
    rungs: tuple[Rung, ...] = ()
    before: Before = field(default_factory=Before)

    def with_rung(self, rung: Rung) -> Self:
        """With this rung in place of what there is of it."""
        others = tuple(one for one in self.rungs if one.percent != rung.percent)
        return replace(self, rungs=tuple(sorted((*others, rung), key=lambda one: one.percent)))

    def rung(self, percent: float) -> Rung | None:
        """The rung of this percentage, if it began."""
        return next((one for one in self.rungs if one.percent == percent), None)

    @property
    def outcomes(self) -> Outcomes:
        """Hera's workflows of all rungs.

        A rung whose last workflows are open is followed by one that has already begun: what that one settled counts
        only as ahead, since outcomes are counted in the order submitted.
        """
        total, blocked = Outcomes(code_revision=self.code_revision), False
        for rung in self.rungs:
            mine = rung.hera.outcomes
            if blocked:
                mine = Outcomes(
                    code_revision=mine.code_revision,
                    ahead=mine.workflows + mine.ahead,
                    ahead_failures=mine.failures + mine.ahead_failures,
                )
            total, blocked = total + mine, blocked or bool(mine.ahead)
        return total

    @property
    def service(self) -> dict[str, int | None]:
        """What the service counted as created by Hera beside the workflows seen, for the rule of the success gate.

        What one rung has too many of makes up for nothing that another lacks, and a counter that lacks workflows lacks
        what became of others too.
        """
        counts = [rung.created for rung in self.rungs]
        known = [count for count in counts if count is not None]
        whole = bool(counts) and len(known) == len(counts)
        missing = sum(max(0, (rung.created or 0) - rung.workflows) for rung in self.rungs)
        return {
            "created": sum(known) if whole else None,
            "workflows": sum(rung.workflows for rung in self.rungs),
            "unaccounted": missing if whole else None,
            "uncounted": sum(rung.uncounted for rung in self.rungs),
        }

    @property
    def durations(self) -> Durations:
        """Execution times, one stratum a rung."""
        strata = (Stratum(percent=one.percent, hera=one.hera.seconds, yaml=one.yaml.seconds) for one in self.rungs)
        return Durations(code_revision=self.code_revision, strata=tuple(strata))

    @property
    def answers(self) -> Durations:
        """Response times of submissions, one stratum a rung."""
        return Durations(code_revision=self.code_revision, strata=tuple(one.answers for one in self.rungs))

    @property
    def errors(self) -> Errors:
        """Submissions answered with an error, by path."""
        return _summed(Errors(code_revision=self.code_revision), (one.errors for one in self.rungs))

    @property
    def log_errors(self) -> Errors:
        """Error entries: since the first rung beside before it, a submission."""
        during = sum(one.submissions for one in self.rungs)
        entries = sum(one.log_errors for one in self.rungs)
        exposure = (max(during, entries), max(self.before.submissions, self.before.log_errors))
        return Errors.between(self.code_revision, exposure, (entries, self.before.log_errors))

    @property
    def shares(self) -> Shares:
        """Task keys on Hera, a row a rung."""
        return Shares(code_revision=self.code_revision, rungs=tuple(one.share for one in self.rungs))

    @property
    def saw_hera(self) -> tuple[int, int]:
        """Tasks that were on Hera, and all tasks seen, rung by rung: a task of two rungs counts in both."""
        return sum(one.share.hera for one in self.rungs), sum(one.share.tasks for one in self.rungs)

    @property
    def at_the_end(self) -> bool:
        """Whether the last rung stands."""
        return self.rung(LADDER[-1]) is not None


def _summed(first: Errors, rest: Iterable[Errors]) -> Errors:
    return reduce(lambda left, right: left + right, rest, first)
