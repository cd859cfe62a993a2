"""What a live run keeps in the cluster: the rollout's state, the lease, and what of this run is done already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from hera_rollout import state
from hera_rollout.cluster import Cluster
from hera_rollout.errors import RolloutError, in_words
from hera_rollout.gates import Check, judge, rules
from hera_rollout.state import Hold, Run, RunState, State

UNTOUCHED: Final = "flag not changed by hand"
_APPROVALS: Final = "approvals from"
_UNREAD: Final = "whether the flag was changed by hand could not be read"


@dataclass
class Keeping:
    """The cluster's memory of one live run.

    Attributes:
        state: what the rollout remembers.
        hold: the lease; held until the run is concluded or its kernel ends.
        run: this run, over all its attempts.
        by: who runs it.
        found: what had been changed by hand at the flag when this attempt began, a sentence each.
        approvals_from: approvals from before this moment do not count: it is when the run of this phase before this one
            ended, or when somebody changed the flag by hand.
    """

    state: State
    hold: Hold
    run: Run
    by: str
    found: list[str] = field(default_factory=list)
    approvals_from: datetime | None = None

    @classmethod
    def begin(
        cls, cluster: Cluster, *, rollout: str, phase: str, by: str, code_revision: str, asks: bool = False
    ) -> Self:
        """Take the lease, say where the rollout is, and go on with the run that was broken off, if there is one.

        If the flag was changed by hand since, the work of the attempt before proves nothing: it is done again. So is
        a canary that was rolled back meanwhile.

        Args:
            cluster: where.
            rollout: its id.
            phase: the notebook.
            by: who runs it.
            code_revision: the service's.
            asks: whether this phase asks for approvals, so that their time matters.

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
            ended = _ended(kept.facts.runs.get(phase))
            run = state.begin(kept, phase, by=by, code_revision=code_revision)
            if found and run.resumed and run.done:
                run.forget()
                ended = datetime.now(UTC).isoformat()
            elif asks and run.resumed and run.done and _taken_back(kept):
                run.forget()
                ended = kept.facts.flags[-1].at.isoformat()
            since = run.once(_APPROVALS, lambda: ended) if asks else ""
        except BaseException:
            hold.release()
            raise
        return cls(kept, hold, run, by, found, datetime.fromisoformat(since) if since else None)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """What an earlier attempt of this run left under the key; else make it and keep it."""
        return self.run.once(key, make)

    def keep(self, key: str, result: Any) -> None:
        """Keep a result under the key, in place of what is there."""
        self.run.keep(key, result)

    def flag_set(self, *, enabled: bool, percent: float = 100.0, why: str = "") -> None:
        """Note that the kit set the flag, so that another hand's change can be told from it."""
        self.state.flag_set(enabled=enabled, percent=percent, by=self.by, why=why)

    def pause(self) -> None:
        """Give the lease back and leave the run open: the next one goes on with it."""
        self.hold.release()

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


def _ended(run: RunState | None) -> str:
    """When a run that was concluded ended; empty for none, or one that goes on."""
    return run.touched.isoformat() if run and run.concluded else ""


def _taken_back(kept: State) -> bool:
    """Whether the kit's last word is off: what a canary had shown and had approved ended with that rollback."""
    return bool(kept.facts.flags) and not kept.facts.flags[-1].enabled


def untouched(keeping: Keeping) -> Check:
    """HOLD if somebody changed the flag by hand while this run was at work: its evidence is about neither setting."""
    try:
        now = keeping.state.drift()
    except RolloutError as error:
        now = [f"{_UNREAD}: {error.seen}"]
    return _untouched(keeping, now)


def read_untouched(keeping: Keeping | None, missing: list[str]) -> list[Check]:
    """The same at one look of many: what cannot be read is nobody's hand; it is told in `missing`, and looked at again.

    Args:
        keeping: None for a run that keeps nothing: then there is no such check.
        missing: what this look could not read.
    """
    if keeping is None:
        return []
    try:
        return [_untouched(keeping, keeping.state.drift())]
    except Exception as error:  # whatever it is, it must not hide the look's other checks
        missing.append(f"{_UNREAD}: {in_words(error)}")
        return []


def _untouched(keeping: Keeping, now: list[str]) -> Check:
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
