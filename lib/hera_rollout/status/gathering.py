"""Ask every source of a status, each for itself and within the target's request timeout. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from pandas import DataFrame

from hera_rollout import flag, records, state
from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing
from hera_rollout.flag import reporting
from hera_rollout.rollback import observing
from hera_rollout.state import Facts, State, picture, processes
from hera_rollout.state.drifting import drift
from hera_rollout.status import reading
from hera_rollout.status.bounding import answered, asked
from hera_rollout.status.parts import Flying, Kept, Known, Lease, Part, PodFlag, Status, T, Unknown
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows

MOST_RECORDS: Final = 3
GRACE_SECONDS: Final = 1.0
"""So much longer than the request timeout a part may take: a request that runs into it says itself what it was."""
NO_CLUSTER: Final = Unknown("the cluster cannot be reached.")
NO_STATE: Final = Unknown("the rollout's state cannot be read.")
S = TypeVar("S")


def gather(target: Target, folder: Path) -> Status:
    """Everything that can be seen now; what cannot be seen says why.

    It takes at most three times the target's `limits.request_timeout_seconds`, and a second each: to connect, to read
    the rollout's state, and all the rest side by side.

    Args:
        target: where.
        folder: where records are kept.
    """
    seconds = target.limits.request_timeout_seconds + GRACE_SECONDS
    cluster = asked(partial(Cluster.connect, target), seconds)()
    facts = _on(cluster, _facts, seconds, NO_CLUSTER)()
    rollout = _on(facts, reading.standing, seconds)()
    of = rollout.value.id if isinstance(rollout, Known) else ""
    # All are begun before the first is waited for.
    evidence = _on(facts, partial(reading.evidence, limits=target.limits), seconds, NO_STATE)
    pods = asked(partial(_pods, cluster, target), seconds)
    in_flight = _on(cluster, _in_flight, seconds, NO_CLUSTER)
    lease = _on(cluster, _lease, seconds, NO_CLUSTER)
    drifted = _drift(cluster, facts, seconds)
    kept = asked(partial(_records, folder, of), seconds)
    return Status(
        target=target.name, title=target.title, at=datetime.now(UTC), cluster=_version(cluster), rollout=rollout,
        evidence=evidence(), flag=pods(), in_flight=in_flight(), lease=lease(), drift=drifted(), records=kept(),
    )  # fmt: skip


def _on(
    source: Part[S], make: Callable[[S], T], seconds: float, otherwise: Unknown | None = None
) -> Callable[[], Part[T]]:
    """Ask it of a source that is there; of one that is not, `otherwise` is known, or what is known of the source."""
    if isinstance(source, Known):
        return asked(partial(make, source.value), seconds)
    return answered(otherwise or source)


def _version(cluster: Part[Cluster]) -> Part[str]:
    return Known(cluster.value.version) if isinstance(cluster, Known) else cluster


def _facts(cluster: Cluster) -> Facts:
    return State.load(cluster).facts


def _pods(cluster: Part[Cluster], target: Target) -> tuple[PodFlag, ...]:
    """As the pods report it; where they cannot be asked, as whoever answers at `backend_url` does."""
    backend = Backend(target)
    if isinstance(cluster, Known):
        return reading.pods(flag.report(cluster.value, backend))
    said = backend.flag()
    return reading.pods(DataFrame([reporting.row(str(said.get("pod") or "(backend_url)"), said)]))


def _in_flight(cluster: Cluster) -> tuple[Flying, ...]:
    return reading.flying(observing.in_flight(Workflows(cluster.target, cluster)))


def _lease(cluster: Cluster) -> Lease | None:
    return reading.lease(state.lease(cluster), processes.own(), datetime.now(UTC))


def _drift(cluster: Part[Cluster], facts: Part[Facts], seconds: float) -> Callable[[], Part[tuple[str, ...]]]:
    if isinstance(facts, Unknown):
        return answered(NO_STATE if isinstance(cluster, Known) else NO_CLUSTER)
    last = facts.value.flags[-1] if facts.value.flags else None
    return _on(cluster, lambda found: tuple(drift(found.target, last, picture.read(found))), seconds, NO_CLUSTER)


def _records(folder: Path, rollout: str) -> tuple[Kept, ...]:
    if not folder.is_dir():
        raise Missing(f"there is no folder {folder}.", todo="Name it with --records, or run this where it lies.")
    return tuple(islice(reading.kept(records.find(folder), rollout), MOST_RECORDS))
