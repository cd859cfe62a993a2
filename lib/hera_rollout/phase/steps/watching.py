"""Look, again and again, until it is decided, patience ends, or the operator does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from hera_rollout import display
from hera_rollout.backend import traffic
from hera_rollout.errors import Conflicting, RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase

FASTEST, SLOWEST = 2.0, 60.0
"""Seconds between two looks."""
KEEP_SECONDS: Final = 30.0
"""So often the evidence is written into the rollout's state while it grows."""
MOST_SENT: Final = 2_000
"""Submissions of the kit's own in one watch."""
PICTURE_SECONDS: Final = 6.0
BLIND: Final = "last look"
UNKEPT: Final = "unkept"


@dataclass
class Eyes:
    """What a watch looks with.

    Attributes:
        look: one look: its checks.
        decided: whether they end the watch.
        draw: shows them while it goes on.
        keep: writes the evidence into the rollout's state.
        fresh: seconds within which a watch changes its face: looks are a fiftieth of it apart.
    """

    look: Callable[[], list[Check]]
    decided: Callable[[list[Check]], bool]
    draw: Callable[[list[Check], display.Live], None]
    keep: Callable[[], None]
    fresh: float
    _kept: float = field(default=0.0, init=False)
    _drawn: float = field(default=0.0, init=False)

    def until_decided(self, phase: Phase, label: str, live: display.Live) -> list[Check]:
        """What was seen last. What does not answer at a look is asked again at the next: an outage ends no watch.

        Args:
            phase: the run; its parameters say for how long, and what traffic of its own it sends meanwhile.
            label: of that traffic.
            live: where it is shown.

        Raises:
            Refused: this run lost its lease, or somebody else wrote the rollout's state.
        """
        ends = monotonic() + float(phase.parameters.model_dump()["patience_seconds"])
        pause = min(SLOWEST, max(FASTEST, self.fresh / 50))
        with ExitStack() as stack:
            load = _traffic(phase, label)
            if load:
                stack.enter_context(load)
            while True:
                found = self._seen(phase)
                self._shown(found, live)
                if self.decided(found) or monotonic() > ends or live.stop.is_set():
                    error = self._keep(at_once=True)
                    return found if error is None or self.decided(found) else [*_sighted(found), _unkept(error)]
                self._keep()
                live.stop.wait(pause)

    def _seen(self, phase: Phase) -> list[Check]:
        if phase.keeping:
            phase.keeping.hold.check()
        try:
            return self.look()
        except RolloutError as error:
            return [_blind(error)]

    def _shown(self, found: list[Check], live: display.Live) -> None:
        if monotonic() - self._drawn > PICTURE_SECONDS:
            self._drawn = monotonic()
            self.draw(found, live)

    def _keep(self, *, at_once: bool = False) -> RolloutError | None:
        """A state that cannot be written now is written at the next look; another's word in it ends the run.

        Returns:
            Why it was not written; None if it was, or need not be yet.
        """
        if not at_once and monotonic() - self._kept < KEEP_SECONDS:
            return None
        self._kept = monotonic()
        try:
            self.keep()
        except Conflicting:
            raise
        except RolloutError as error:
            self._kept = 0.0
            return error
        return None


def goes_on(found: list[Check]) -> str:
    """From where the next run goes on, in words: from what was seen last, if that could be kept."""
    kept = not any(check.name == BLIND and check.evidence.get(UNKEPT) for check in found)
    return f"run this notebook again, it goes on from {'here' if kept else 'what was kept before'}."


def _sighted(found: list[Check]) -> list[Check]:
    return [check for check in found if check.name != BLIND]


def _unkept(error: RolloutError) -> Check:
    """What was seen last is lost to the next run: it is looked at again, and what is gone by then is not counted."""
    return judge(
        name=BLIND, rule=rules.withheld, evidence={"error": type(error).__name__, UNKEPT: True},
        seen=f"what was seen since the evidence was last written is not kept: {error.seen}",
        expected=error.expected or "a rollout's state that can be written", limit_source="kit",
        why="The next run goes on from what was kept, and the time in between counts for nothing.",
        todo=error.todo or "Bring the API server back, then run this notebook again.",
    )  # fmt: skip


def _blind(error: RolloutError) -> Check:
    """A look that failed: nothing is known to be wrong, and nothing to be well."""
    return judge(
        name=BLIND, rule=rules.withheld, evidence={"error": type(error).__name__}, seen=error.seen,
        expected="a cluster that can be looked at", limit_source="kit",
        why="What was not seen is not shown to be well.",
        todo=error.todo or "Bring it back, then run this notebook again: it goes on from here.",
    )  # fmt: skip


def _traffic(phase: Phase, label: str) -> traffic.Traffic | None:
    """The run's own submissions, where nobody else submits; each attempt has marks of its own."""
    rate = float(phase.parameters.model_dump()["traffic"])
    if not rate:
        return None
    seconds = float(phase.parameters.model_dump()["patience_seconds"])
    plan = traffic.steady(rate, seconds, most=MOST_SENT)
    attempt = phase.keeping.run.facts.attempts if phase.keeping else 1
    return traffic.Traffic(phase.backend, plan, token=f"{phase.token}-{label}-{attempt}")
