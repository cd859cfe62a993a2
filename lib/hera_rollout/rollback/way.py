"""One way back: each provider of the flag turned off, and what came to light on it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pandas import DataFrame

from hera_rollout import clock, flag
from hera_rollout.cluster import Cluster, EnvChange, environment, rollouts
from hera_rollout.errors import Conflicting, RolloutError, in_words
from hera_rollout.flag import FlagChange, FlagEffect, ReportsFlag, TurnOff
from hera_rollout.rollback import observing
from hera_rollout.rollback.results import Provider, RollbackResult
from hera_rollout.state import State
from hera_rollout.target import Medium
from hera_rollout.workflows import Workflows

TRIES: Final = 3
FIRST_SECONDS: Final = 10.0
"""So long a provider may take until the next one is turned off too: one that no pod follows must not keep Hera on."""
Tell = Callable[[str], None]


def thrown(cluster: Cluster, tell: Tell, tries: int = TRIES) -> FlagChange:
    """Turn the flag off, whatever it says by now: off is off, so a change meanwhile is no reason to stop.

    Raises:
        RolloutError: it could not be turned off at all; the text says how to do it by hand.
    """
    change = flag.plan(cluster, enabled=False)
    try:
        flag.throw(cluster, change, tell)
    except RolloutError as error:
        if isinstance(error, Conflicting) and tries > 1:
            tell(error.seen)
            return thrown(cluster, tell, tries - 1)
        error.todo = f"Have it turned off by somebody who can: {change.undo_command}. {error.todo}".strip()
        raise
    return change


def _with_todo(error: Exception) -> str:
    """An error's words, with what to do about it."""
    return f"{in_words(error)} {getattr(error, 'todo', '')}".strip()


@dataclass
class Way:
    """One way back, and what came to light on it."""

    cluster: Cluster
    backend: ReportsFlag
    workflows: Workflows
    tell: Tell
    stop: threading.Event
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    changes: list[FlagChange] = field(default_factory=list)
    in_effect: set[str] = field(default_factory=set)
    effect: FlagEffect | None = None
    effective: datetime | None = None
    created: int | None = None
    hera_after: DataFrame = field(default_factory=lambda: observing.frame([]))
    in_flight: DataFrame = field(default_factory=lambda: observing.frame([]))
    unknown_after: DataFrame = field(default_factory=lambda: observing.frame([]))
    unknown_in_flight: DataFrame = field(default_factory=lambda: observing.frame([]))
    unverified: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _late: list[str] = field(default_factory=list, init=False)
    _left: list[Medium] = field(default_factory=list, init=False)
    _unnoted: str = field(default="", init=False)
    _noted_back: bool = field(default=False, init=False)

    @property
    def changed(self) -> bool:
        """Whether anything had to be changed."""
        return any(not change.noop for change in self.changes)

    def to_turn_off(self) -> TurnOff:
        """The providers to turn off; what could not be read, or only a person may change, is told as not verified."""
        found = flag.to_turn_off(self.cluster)
        self.unverified.extend(found.unread)
        self._left = list(found.media)
        if found.by_hand:
            name = self.cluster.target.flag.env
            self.unverified.append(f"that {name} says off: with medium manual it is not the kit's to change. Do it "
                                   f"{found.by_hand}. Else a later change of the file brings Hera back.")  # fmt: skip
        return found

    @contextmanager
    def to_the_end(self, state: State | None, by: str, why: str) -> Iterator[None]:
        """An interrupt ends the waiting, not the way back: each provider left is turned off first, or named."""
        try:
            yield
        except KeyboardInterrupt:
            for medium in list(self._left):
                self.tell(f"broken off; medium {medium} is turned off before it ends")
                try:
                    self.turned(thrown(self.cluster.by(medium), self.tell))
                except Exception as error:
                    self.tell(f"not turned off: medium {medium}. {_with_todo(error)}")
            self.note(state, by, why, changed=self.changed)
            raise

    def turned(self, change: FlagChange) -> None:
        """One provider is turned off."""
        self.changes.append(change)
        self._left = [medium for medium in self._left if medium != change.medium]

    def turn_off(
        self,
        media: Iterable[Medium],
        state: State | None,
        by: str,
        why: str,
        deadline_seconds: float | None,
        *,
        more: bool = False,
    ) -> None:
        """Turn off each provider, in this order; one that cannot be turned off does not keep the next one on.

        Each is seen in effect, or waited for a moment, before the next one is begun. It is noted before any waiting:
        whoever is broken off there has turned the flag all the same. `more`: something else follows the last one.

        Raises:
            RolloutError: none could be turned off at all; the text says how to do it by hand.
        """
        wanted = list(media)
        first_error: Exception | None = None
        for medium in wanted:
            try:
                change = thrown(self.cluster.by(medium), self.tell)
            except Exception as error:  # whatever it is, it keeps no other provider on
                first_error = first_error or error
                self.tell(in_words(error))
                self.unverified.append(f"that the flag is off by medium {medium}. {_with_todo(error)}")
                continue
            self.turned(change)
            self.note(state, by, why, changed=self.changed)
            self.take_effect(change, deadline_seconds, last=medium == wanted[-1] and not more)
        if first_error and not self.changes:
            raise first_error

    def take_effect(self, change: FlagChange, deadline_seconds: float | None, *, last: bool = True) -> None:
        """Wait until every pod reports the flag off; of a provider that is not the last, for a moment only."""
        deadline = deadline_seconds or float(self.cluster.target.limits.rollout_deadline_seconds)
        try:
            effect = flag.settled(
                self.cluster.by(change.medium), self.backend, change, self.tell, stop=self.stop,
                deadline_seconds=deadline if last else min(deadline, FIRST_SECONDS),
            )  # fmt: skip
        except Exception as error:  # whatever it is, it keeps no other provider on
            self._late.append(self._not_in_effect(change, error))
        else:
            self._late.clear()
            self.in_effect.add(change.medium)
            if self.effective is None:
                self.effect, self.effective = effect, datetime.now(UTC)
        self._paused(change)

    def _not_in_effect(self, change: FlagChange, error: Exception) -> str:
        """What is told of it, with what the pods' own environment says where they themselves do not."""
        told = f"that every pod has the flag off. {in_words(error)}"
        if change.medium != "env":
            return told
        try:
            off, others = flag.by_environment(self.cluster)
        except Exception:
            return told
        name, count = self.cluster.target.flag.env, len(off) + len(others)
        return f"{told} By their environment, {len(off)} of {count} ready pods have {name}=false" + (
            f"; not so: {', '.join(others)}." if others else "; whether the service follows it, no pod said."
        )

    def _paused(self, change: FlagChange) -> None:
        """A variable of a paused Deployment is in no pod: say so, and how it gets there."""
        if not isinstance(change.change, EnvChange) or not (change.change.paused or self._paused_meanwhile(change)):
            return
        try:
            _, others = flag.by_environment(self.cluster)
        except Exception:
            others = ["unknown"]
        if others:
            self.in_effect.discard(change.medium)
            self.notes.append(
                "The Deployment is paused: the variable was changed, no pod was replaced, the flag is not in effect on "
                f"the pods through it; {rollouts.resume_command(self.cluster.target)} puts it in effect."
            )

    def _paused_meanwhile(self, change: FlagChange) -> bool:
        """Whether a change that is not in effect met a pause that was not there when it was planned."""
        if change.medium in self.in_effect:
            return False
        try:
            return rollouts.paused(environment.read(self.cluster.connection, self.cluster.target))
        except Exception:
            return False

    def observe(self, seconds: float) -> None:
        """Watch for workflows that Hera still makes; list those in flight."""
        self.unverified.extend(self._late)
        try:
            moment = datetime.now(UTC)
            known = observing.uids(self.workflows, moment)
            self.tell(f"watching for workflows that Hera still makes, for {seconds:g} s")
            if clock.wait(self.stop, seconds):
                self.unverified.append("the whole observation. The operator stopped it.")
            made = observing.made_since(self.workflows, moment, known)
            self.created = len(made)
            after = observing.by_what_is_known(made, self.backend)
            flying = observing.by_what_is_known(observing.running(self.workflows), self.backend)
        except Exception as error:  # the flag is off: what cannot be seen after that is told
            self.unverified.append(f"that Hera makes no more workflows, and which are in flight. {in_words(error)}")
            return
        self.hera_after, self.unknown_after = observing.frame(after.proven), observing.frame(after.unknown)
        # What is listed as Hera's in flight may be stopped: only what is known as this service's is.
        self.in_flight, self.unknown_in_flight = observing.frame(flying.proven), observing.frame(flying.unknown)
        if len(self.unknown_after):
            names = list(self.unknown_after["name"])
            self.unverified.append(
                f"that Hera makes no more workflows. Of {len(made)} created after it, not known by which path or "
                f"whose: {len(names)} ({', '.join(names[:5])}{' …' if names[5:] else ''})."
            )

    def note(self, state: State | None, by: str, why: str, *, changed: bool) -> bool:
        """Into the rollout's state, so that the notebook that goes on knows; whether that could be written."""
        try:
            kept = state or State.load(self.cluster)
            for attempt in range(TRIES):
                # A rollback that was cut off before this left the flag off, and the state saying on.
                was_on = bool(kept.facts.flags) and kept.facts.flags[-1].enabled
                try:
                    kept.flag_set(enabled=False, percent=0, by=by, why=why)
                    if (changed and not self._noted_back) or was_on:
                        kept.rolled_back(by=by, why=why)
                        self._noted_back = True
                except Conflicting:  # somebody wrote at the same moment; it has been read afresh
                    if attempt == TRIES - 1:
                        raise
                else:
                    break
        except Exception as error:  # whatever it is, the flag is off all the same
            self._unnoted = in_words(error)
            return False
        self._unnoted = ""
        return True

    def noted_at_last(self, state: State | None, by: str, why: str, *, changed: bool) -> None:
        """Where it could not be noted at once it is tried again at the end; a rollback never fails for that."""
        if self._unnoted and not self.note(state, by, why, changed=changed):
            self.unverified.insert(0, "that the next notebook knows of it: the rollout's state was not written. "
                                   + self._unnoted)  # fmt: skip

    def result(self, observed_seconds: float) -> RollbackResult:
        """All of it."""
        done = [change for change in self.changes if not change.noop] or self.changes[:1]
        return RollbackResult(
            medium=self.changes[0].medium,
            command=" && ".join(change.command for change in done),
            changed=self.changed,
            began=self.began,
            effective=self.effective,
            seconds=(self.effective - self.began).total_seconds() if self.effective else None,
            effect=self.effect,
            observed_seconds=observed_seconds,
            created=self.created,
            hera_after=self.hera_after,
            in_flight=self.in_flight,
            unverified=tuple(self.unverified),
            providers=tuple(
                Provider(change.medium, change.command, not change.noop, change.medium in self.in_effect)
                for change in self.changes
            ),
            notes=tuple(self.notes),
            unknown_after=self.unknown_after,
            unknown_in_flight=self.unknown_in_flight,
        )
