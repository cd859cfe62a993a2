"""One way back: what is done after the flag was thrown, and what came to light on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pandas import DataFrame

from hera_rollout import flag
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Conflicting, RolloutError
from hera_rollout.flag import FlagChange, FlagEffect, ReportsFlag
from hera_rollout.rollback import observing
from hera_rollout.rollback.results import RollbackResult
from hera_rollout.state import State
from hera_rollout.workflows import Workflows

TRIES: Final = 3
Tell = Callable[[str], None]


def thrown(cluster: Cluster, tell: Tell, tries: int = TRIES) -> FlagChange:
    """Turn the flag off, whatever it says by now: off is off, so a change meanwhile is no reason to stop.

    Raises:
        RolloutError: it could not be turned off at all; the text says how to do it by hand.
    """
    change = flag.plan(cluster, enabled=False)
    try:
        flag.throw(cluster, change, tell)
    except Conflicting as error:
        if tries == 1:
            raise
        tell(error.seen)
        return thrown(cluster, tell, tries - 1)
    except RolloutError as error:
        error.todo = f"Have it turned off by somebody who can: {change.undo_command}. {error.todo}".strip()
        raise
    return change


@dataclass
class Way:
    """One way back, and what came to light on it."""

    cluster: Cluster
    backend: ReportsFlag
    workflows: Workflows
    tell: Tell
    stop: threading.Event
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    effect: FlagEffect | None = None
    effective: datetime | None = None
    created: int | None = None
    hera_after: DataFrame = field(default_factory=lambda: observing.frame([]))
    in_flight: DataFrame = field(default_factory=lambda: observing.frame([]))
    unverified: list[str] = field(default_factory=list)
    _unnoted: str = field(default="", init=False)

    def take_effect(self, change: FlagChange, deadline_seconds: float | None) -> None:
        """Wait until every pod reports the flag off."""
        try:
            self.effect = flag.settled(
                self.cluster, self.backend, change, self.tell, stop=self.stop, deadline_seconds=deadline_seconds
            )
        except RolloutError as error:
            self.unverified.append(f"that every pod has the flag off. {error.seen}")
            return
        self.effective = datetime.now(UTC)

    def observe(self, seconds: float) -> None:
        """Watch for workflows that Hera still makes; list those in flight."""
        try:
            moment = datetime.now(UTC)
            known = observing.uids(self.workflows, moment)
            self.tell(f"watching for workflows that Hera still makes, for {seconds:g} s")
            if self.stop.wait(seconds):
                self.unverified.append("the whole observation. The operator stopped it.")
            made = observing.made_since(self.workflows, moment, known)
            self.created = len(made)
            self.hera_after = observing.frame([document for document in made if observing.by_hera(document)])
            self.in_flight = observing.in_flight(self.workflows)
        except RolloutError as error:
            self.unverified.append(f"that Hera makes no more workflows, and which are in flight. {error.seen}")

    def note(self, state: State | None, by: str, why: str, *, changed: bool) -> bool:
        """Into the rollout's state, so that the notebook that goes on knows; whether that could be written."""
        try:
            kept = state or State.load(self.cluster)
            for attempt in range(TRIES):
                # A rollback that was cut off before this left the flag off, and the state saying on.
                was_on = bool(kept.facts.flags) and kept.facts.flags[-1].enabled
                try:
                    kept.flag_set(enabled=False, percent=0, by=by, why=why)
                    if changed or was_on:
                        kept.rolled_back(by=by, why=why)
                except Conflicting:  # somebody wrote at the same moment; it has been read afresh
                    if attempt == TRIES - 1:
                        raise
                else:
                    break
        except RolloutError as error:
            self._unnoted = error.seen
            return False
        self._unnoted = ""
        return True

    def noted_at_last(self, state: State | None, by: str, why: str, *, changed: bool) -> None:
        """Where it could not be noted at once it is tried again at the end; a rollback never fails for that."""
        if self._unnoted and not self.note(state, by, why, changed=changed):
            self.unverified.insert(0, "that the next notebook knows of it: the rollout's state was not written. "
                                   + self._unnoted)  # fmt: skip

    def result(self, change: FlagChange, observed_seconds: float) -> RollbackResult:
        """All of it."""
        return RollbackResult(
            medium=change.medium,
            command=change.command,
            changed=not change.noop,
            began=self.began,
            effective=self.effective,
            seconds=(self.effective - self.began).total_seconds() if self.effective else None,
            effect=self.effect,
            observed_seconds=observed_seconds,
            created=self.created,
            hera_after=self.hera_after,
            in_flight=self.in_flight,
            unverified=tuple(self.unverified),
        )
