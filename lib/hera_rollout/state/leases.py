"""One operator at a time: a Lease, held while a notebook runs, renewed behind it, given back at its end."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from hera_rollout.cluster import Cluster
from hera_rollout.errors import Ambiguous, Conflicting, Missing, Refused, RolloutError
from hera_rollout.state import processes
from hera_rollout.state.comparing import clock
from hera_rollout.state.holding import Holding, parsed, refused

SECONDS: Final = 60
"""How long a lease lasts unrenewed; a second operator waits no longer than that for one who died."""
_PART: Final = 4  # renewed this many times in that span
_SOONER: Final = 5  # after a renewal that failed the next comes so many times sooner
_TRIES: Final = 4
_holds: dict[str, Hold] = {}
"""Of this process, one a Lease: a notebook begun again in the same kernel replaces its own hold."""


class Hold:
    """The lease, held. Use it as a context manager, or call `release` at the end; the interpreter's end does too."""

    def __init__(self, leases: _Leases, taken: Holding) -> None:
        self._leases = leases
        self._now = taken
        self._stop = threading.Event()
        self._lost = ""
        self._unrenewed = ""
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._renew_until_stopped, name="hera-rollout-lease", daemon=True)
        self._thread.start()
        atexit.register(self.release)

    @property
    def holder(self) -> str:
        """Who holds it: user@machine."""
        return self._now.holder

    @property
    def since(self) -> datetime:
        """Since when."""
        return self._now.since

    @property
    def lost(self) -> str:
        """Why it is no longer held; empty while it is."""
        if not self._lost and datetime.now(UTC) >= self._now.expires:
            return f"it could not be renewed since {clock(self._now.renewed)}: {self._unrenewed}".rstrip(": ")
        return self._lost

    @property
    def given_up(self) -> bool:
        """Whether it is lost for good: somebody else's by now, or given back. One that only expired may come back."""
        return bool(self._lost)

    def check(self) -> None:
        """Refused if the lease was lost: to be called before anything is changed."""
        if self.lost:
            raise Refused(
                f"This run no longer holds the rollout (lease {self._leases.name}): {self.lost}.",
                expected="the lease, from the begin of the notebook to its end.",
                why="Somebody else may be at work on this rollout by now.",
                todo="See who holds it, then run the notebook again from its first cell: it goes on where it stopped.",
            )

    def release(self) -> None:
        """Give it back; no harm if it is not held any more."""
        if self._stop.is_set() or os.getpid() != self._pid:  # a forked child must not give its parent's away
            return
        self._stop.set()
        atexit.unregister(self.release)
        self._thread.join(self._leases.timeout)
        _holds.pop(self._leases.path, None)
        try:
            self._leases.give_back()
        except RolloutError:
            self._lost = "it was given up, but the API server could not be told: it expires by itself"
        else:
            self._lost = "it was given back"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()

    def _renew_until_stopped(self) -> None:
        """Only somebody else who holds it ends this; what an API server in trouble answers is asked again until then.

        One that just started forbids what it will allow, and `lost` tells once the lease has expired.
        """
        pause = self._now.seconds / _PART
        while not self._stop.wait(pause) and os.getpid() == self._pid:
            pause = self._now.seconds / _PART
            try:
                self._now, self._unrenewed = self._leases.renewed(self._now), ""
            except _TakenOver as error:
                self._lost = str(error)
                return
            except RolloutError as error:
                self._unrenewed = error.seen
                pause /= _SOONER


class _TakenOver(Exception):  # noqa: N818  (never leaves this module)
    """Somebody else holds the lease by now; the text says who."""


class _Leases:
    """The Lease of one rollout, as this process sees it."""

    def __init__(self, cluster: Cluster) -> None:
        self.name = cluster.target.state_name
        self.me = processes.own()
        self.timeout = float(cluster.target.limits.request_timeout_seconds)
        self._connection = cluster.connection
        self._namespace = cluster.target.namespace
        self._folder = f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"
        self.path = f"{self._folder}/{self.name}"

    def read(self) -> Holding | None:
        try:
            return parsed(self._connection.get(self.path, f"get lease {self.name}"))
        except Missing:
            return None

    def taken(self, wanted: Holding) -> Holding:
        """Take it; Refused, by name, if somebody else has it."""

        def free(found: Holding | None) -> Holding:
            now = datetime.now(UTC)
            if found and not found.free_for(self.me, now):
                raise refused(self.name, found, now, self.me)
            return replace(wanted, transitions=found.transitions + 1 if found else 0)

        return self._written(free)

    def renewed(self, held: Holding) -> Holding:
        """Renew it; `_TakenOver`, by name, if somebody else has it by now."""

        def again(found: Holding | None) -> Holding:
            now = datetime.now(UTC)
            if found and found.process != self.me:
                raise _TakenOver(refused(self.name, found, now, self.me).seen)
            return replace(held, renewed=now)

        return self._written(again)

    def give_back(self) -> None:
        for _ in range(_TRIES):
            found = self.read()
            if found is None or found.process != self.me:
                return
            try:
                self._connection.delete(self.path, f"delete lease {self.name}", version=found.version)
            except (Conflicting, Missing, Ambiguous):
                continue  # it was just renewed or is gone: look again
            return

    def _written(self, make: Callable[[Holding | None], Holding]) -> Holding:
        """Read, judge and write, until a write is neither overtaken nor lost."""
        for attempt in range(_TRIES):
            found = self.read()
            try:
                return self._write(replace(make(found), version=found.version if found else ""))
            except (Conflicting, Missing, Ambiguous):
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("not reached")

    def _write(self, wanted: Holding) -> Holding:
        body = wanted.document(self.name, self._namespace)
        if wanted.version:
            return parsed(self._connection.replace(self.path, body, f"write lease {self.name}"))
        return parsed(self._connection.create(self._folder, body, name=self.name, what=f"create lease {self.name}"))


def hold(cluster: Cluster, who: str, *, rollout: str = "", doing: str = "", seconds: int = SECONDS) -> Hold:
    """Take the rollout's lease for this process, and keep renewing it.

    What an expired or certainly dead run left is taken over at once: a notebook that was killed is simply run again.

    Args:
        cluster: where.
        who: the operator's name; the machine's is added.
        rollout: the rollout's id, told to whoever is refused.
        doing: what for, such as the notebook's name.
        seconds: how long it lasts unrenewed.

    Raises:
        Refused: Somebody else holds it; the text says who, since when, and when it expires.
    """
    leases = _Leases(cluster)
    before = _holds.pop(leases.path, None)
    if before:
        before.release()
    now = datetime.now(UTC)
    wanted = Holding(f"{who}@{processes.host()}", rollout, doing, now, now, seconds, leases.me)
    held = Hold(leases, leases.taken(wanted))
    _holds[leases.path] = held
    return held


def lease(cluster: Cluster) -> Holding | None:
    """What the Lease says, also where it has expired; None if there is none. Nothing is taken."""
    return _Leases(cluster).read()


def holder(cluster: Cluster) -> Holding | None:
    """Who holds the rollout now, to be shown; None if nobody does. Nothing is taken."""
    found = lease(cluster)
    return found if found and found.holder and datetime.now(UTC) < found.expires else None
