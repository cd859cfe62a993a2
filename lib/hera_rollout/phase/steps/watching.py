"""Look, again and again, until it is decided, patience ends, or the operator does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hera_rollout import clock, display
from hera_rollout.backend import traffic
from hera_rollout.errors import Conflicting, in_words
from hera_rollout.gates import Check, Verdict, judge, rules, worst
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
BLIND_BEFORE: Final = "blind seconds"
"""Under this key a run keeps for how long its attempts, one after the other, have seen nothing complete."""
ANSWERS_SECONDS: Final = 2.0
"""So long answers to the kit's own submissions are waited for after a FAIL."""


@dataclass
class Eyes:
    """What a watch looks with.

    Attributes:
        look: one look: its checks.
        decided: whether they end the watch.
        draw: shows them while it goes on.
        keep: writes the evidence into the rollout's state.
        fresh: seconds within which a watch changes its face: looks are a fiftieth of it apart.
        missing: what the newest look could not read, in words; a look that raises, or lacks anything, is incomplete.
    """

    look: Callable[[], list[Check]]
    decided: Callable[[list[Check]], bool]
    draw: Callable[[list[Check], display.Live], None]
    keep: Callable[[], None]
    fresh: float
    missing: Callable[[], Sequence[str]] = tuple
    _kept: float = field(default=0.0, init=False)
    _drawn: float = field(default=0.0, init=False)
    _good: float = field(default=0.0, init=False)
    _good_at: str = field(default="", init=False)
    _before: float = field(default=0.0, init=False)

    def until_decided(self, phase: Phase, label: str, live: display.Live) -> list[Check]:
        """What was seen last. What does not answer at a look is asked again at the next: an outage ends no watch.

        Whatever is raised in a look makes it an incomplete one. After `blind_seconds` without a complete one the check
        `last look` says FAIL, which does what any FAIL does.

        Args:
            phase: the run; its parameters say for how long, and what traffic of its own it sends meanwhile.
            label: of that traffic.
            live: where it is shown.

        Raises:
            Refused: somebody else holds the rollout, or wrote its state; where a FAIL was found that comes first.
        """
        load = _traffic(phase, label)
        if load is None:
            return self._watched(phase, live)
        found: list[Check] = []
        try:
            load.start()
            found = self._watched(phase, live)
        finally:
            if _failed(found):
                with suppress(Exception):  # neither an answer that does not come nor an error delays what a FAIL does
                    load.end(ANSWERS_SECONDS)
            else:
                load.end()
        return found

    def _watched(self, phase: Phase, live: display.Live) -> list[Check]:
        ends = clock.monotonic() + float(phase.parameters.model_dump()["patience_seconds"])
        pause = min(SLOWEST, max(FASTEST, self.fresh / 50))
        self._before = float(phase.once(BLIND_BEFORE, float)) if phase.done(BLIND_BEFORE) else 0.0
        self._good = clock.monotonic() - self._before
        while True:
            found = self._seen(phase)
            self._shown(found, live)
            if self.decided(found) or clock.monotonic() > ends or live.stop.is_set():
                if not _failed(found) and any(check.name == BLIND for check in found):
                    self._count(phase, clock.monotonic() - self._good)
                return self._ended(found)
            self._keep()
            clock.wait(live.stop, pause)

    def _ended(self, found: list[Check]) -> list[Check]:
        """What was found, and whether it could be kept; another's word in the state is said, after what a FAIL does."""
        try:
            error = self._keep(at_once=True)
        except Conflicting as another:
            if not _failed(found):
                raise
            return [*found, _unkept(another)] if BLIND not in {check.name for check in found} else found
        return found if error is None or self.decided(found) else [*_sighted(found), _unkept(error)]

    def _seen(self, phase: Phase) -> list[Check]:
        hold = phase.keeping.hold if phase.keeping else None
        found: list[Check] = []
        try:
            if hold:
                hold.check()
            found = self.look()
            missing = "; ".join(self.missing())
        except Exception as error:
            if hold and hold.given_up:
                raise
            return [*found, self._blind(phase, in_words(error), error)]
        if missing:
            return [*found, self._blind(phase, missing)]
        self._good, self._good_at = clock.monotonic(), f"{datetime.now(UTC):%H:%M:%S} UTC"
        if self._before:
            self._count(phase, 0.0)
        return found

    def _count(self, phase: Phase, seconds: float) -> None:
        """Keep how long nothing complete was seen: attempts that are shorter than is allowed come to an end too."""
        with suppress(Exception):  # a state that cannot be written is told by whoever keeps the evidence
            phase.keep(BLIND_BEFORE, round(seconds, 1))
            self._before = seconds

    def _blind(self, phase: Phase, what: str, error: Exception | None = None) -> Check:
        """An incomplete look: nothing is known to be wrong, and nothing to be well; not for longer than is allowed."""
        seconds, limits = clock.monotonic() - self._good, phase.target.limits
        since = f"the last good one was at {self._good_at}" if self._good_at else "this watch had none"
        since += f", nor had attempts before for {self._before:.0f} s" if self._before and not self._good_at else ""
        todo = str(getattr(error, "todo", "")) or "Bring it back."
        return judge(
            name=BLIND, rule=rules.raised if seconds > limits.blind_seconds else rules.withheld,
            evidence={"error": type(error).__name__ if error else "", "seconds": round(seconds, 1),
                      "most": limits.blind_seconds, "missing": what},
            seen=f"no complete sample for {seconds:.0f} s; {since}. Not read: {what}",
            expected=f"workflows, cluster, Prometheus and logs all read at least every {limits.blind_seconds} s",
            limit_source=limits.source("blind_seconds"), why="What was not seen is not shown to be well.",
            todo=f"{todo} Then run this notebook again: it goes on from here.",
        )  # fmt: skip

    def _shown(self, found: list[Check], live: display.Live) -> None:
        if clock.monotonic() - self._drawn > PICTURE_SECONDS:
            self._drawn = clock.monotonic()
            with suppress(Exception):  # a picture is for the eye alone: a watch goes on without it
                self.draw(found, live)

    def _keep(self, *, at_once: bool = False) -> Exception | None:
        """A state that cannot be written now is written at the next look; another's word in it ends the run.

        Returns:
            Why it was not written; None if it was, or need not be yet.
        """
        if not at_once and clock.monotonic() - self._kept < KEEP_SECONDS:
            return None
        self._kept = clock.monotonic()
        try:
            self.keep()
        except Conflicting:
            raise
        except Exception as error:
            self._kept = 0.0
            return error
        return None


def _failed(found: list[Check]) -> bool:
    return worst(check.verdict for check in found) is Verdict.FAIL


def goes_on(found: list[Check]) -> str:
    """From where the next run goes on, in words: from what was seen last, if that could be kept."""
    kept = not any(check.name == BLIND and check.evidence.get(UNKEPT) for check in found)
    return f"run this notebook again, it goes on from {'here' if kept else 'what was kept before'}."


def _sighted(found: list[Check]) -> list[Check]:
    return [check for check in found if check.name != BLIND]


def _unkept(error: Exception) -> Check:
    """What was seen last is lost to the next run: it is looked at again, and what is gone by then is not counted."""
    return judge(
        name=BLIND, rule=rules.withheld, evidence={"error": type(error).__name__, UNKEPT: True},
        seen=f"what was seen since the evidence was last written is not kept: {in_words(error)}",
        expected=str(getattr(error, "expected", "")) or "a rollout's state that can be written", limit_source="kit",
        why="The next run goes on from what was kept, and the time in between counts for nothing.",
        todo=str(getattr(error, "todo", "")) or "Bring the API server back, then run this notebook again.",
    )  # fmt: skip


def _traffic(phase: Phase, label: str) -> traffic.Traffic | None:
    """The run's own submissions, where nobody else submits; each attempt has marks of its own."""
    rate = float(phase.parameters.model_dump()["traffic"])
    if not rate:
        return None
    seconds = float(phase.parameters.model_dump()["patience_seconds"])
    plan = traffic.steady(rate, seconds, most=MOST_SENT)
    phase.changing("submissions")
    attempt = phase.keeping.run.facts.attempts if phase.keeping else 1
    return traffic.Traffic(phase.backend, plan, token=f"{phase.token}-{label}-{attempt}")
