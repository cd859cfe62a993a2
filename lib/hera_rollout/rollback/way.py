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

    def note(self, state: State | None, by: str, why: str, *, changed: bool) -> None:
        """Into the rollout's state, so that the notebook that goes on knows; a rollback never fails for that."""
        try:
            kept = state or State.load(self.cluster)
            for attempt in range(TRIES):
                try:
                    kept.flag_set(enabled=False, percent=0, by=by, why=why)
                    if changed:
                        kept.rolled_back(by=by, why=why)
                except Conflicting:  # somebody wrote at the same moment; it has been read afresh
                    if attempt == TRIES - 1:
                        raise
                else:
                    return
        except RolloutError as error:
            self.unverified.append(
                f"that the next notebook knows of it: the rollout's state was not written. {error.seen}"
            )

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
