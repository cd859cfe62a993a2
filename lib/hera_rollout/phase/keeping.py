"""What a live run keeps in the cluster: the rollout's state, the lease, and what of this run is done already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from hera_rollout import state
from hera_rollout.cluster import Cluster
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.state import Hold, Run, State

UNTOUCHED: Final = "flag not changed by hand"


@dataclass
class Keeping:
    """The cluster's memory of one live run.

    Attributes:
        state: what the rollout remembers.
        hold: the lease; held until the run is concluded or its kernel ends.
        run: this run, over all its attempts.
        by: who runs it.
        found: what had been changed by hand at the flag when this attempt began, a sentence each.
    """

    state: State
    hold: Hold
    run: Run
    by: str
    found: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, cluster: Cluster, *, rollout: str, phase: str, by: str, code_revision: str) -> Self:
        """Take the lease, say where the rollout is, and go on with the run that was broken off, if there is one.

        If the flag was changed by hand since, the work of the attempt before proves nothing: it is done again.

        Raises:
            Refused: somebody else holds the rollout, or a right is missing.
            Conflicting: somebody wrote the rollout's state at the same moment.
        """
        hold = state.hold(cluster, by, rollout=rollout, doing=phase)
        try:
            kept = State.load(cluster)  # read after the lease is taken: nobody else writes now
            found = kept.drift()
            kept.enter(rollout, phase, by=by)
            kept.remember_known_good(by=by)
            run = state.begin(kept, phase, by=by, code_revision=code_revision)
            if found and run.resumed and run.done:
                run.forget()
        except BaseException:
            hold.release()
            raise
        return cls(kept, hold, run, by, found)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What an earlier attempt of this run left under the key; else make it and keep it."""
        return self.run.once(key, make)

    def flag_set(self, *, enabled: bool, percent: float = 100.0, why: str = "") -> None:
        """Note that the kit set the flag, so that another hand's change can be told from it."""
        self.state.flag_set(enabled=enabled, percent=percent, by=self.by, why=why)

    def conclude(self, verdict: str) -> None:
        """End the run and give the lease back; a cluster that does not answer now must not take the verdict away."""
        try:
            self.run.conclude(verdict)
        except RolloutError:
            pass  # the next run goes on from this one, and finds everything done
        finally:
            self.hold.release()

    def resumed_sentence(self) -> str:
        """What of this run an attempt before has done; empty for a new run."""
        if not self.run.resumed:
            return ""
        facts = self.run.facts
        done = f"{len(self.run.done)} pieces of work are done and are not done again" if self.run.done else "all anew"
        return f"attempt {facts.attempts} of run {facts.id}, begun {facts.began:%Y-%m-%d %H:%M:%S} UTC: {done}"

    @property
    def since(self) -> datetime:
        """When the run began, over all its attempts."""
        return self.run.facts.began


def untouched(keeping: Keeping) -> Check:
    """HOLD if somebody changed the flag by hand while this run was at work: its evidence is about neither setting."""
    try:
        now = keeping.state.drift()
    except RolloutError as error:
        now = [f"whether it was changed could not be read: {error.seen}"]
    before = f" Before this attempt: {' '.join(keeping.found)}" if keeping.found else ""
    return judge(
        name=UNTOUCHED,
        rule=rules.withheld if now else rules.holds,
        evidence={"holds": not now, "changes": now, "before": keeping.found},
        seen=(" ".join(now) or "since this run last set it, the flag says what the run set") + before,
        expected="nobody but this run changes the flag while it is at work",
        limit_source="kit",
        why="What ran while the flag was changed is evidence about neither setting.",
        todo="Ask who did it and why, then run this notebook again from its first cell." if now else "",
    )
