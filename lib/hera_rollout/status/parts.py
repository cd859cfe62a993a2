"""What a status is made of, as plain documents. Each part is known, or it says why it is not. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Known(Generic[T]):
    """What was seen."""

    value: T


@dataclass(frozen=True)
class Unknown:
    """Why it could not be seen, and what to do about it."""

    why: str
    todo: str = ""


Part: TypeAlias = Known[T] | Unknown


@dataclass(frozen=True, kw_only=True)
class Attempted:
    """The run of the phase that the rollout is at, over all its attempts; `concluded` is its verdict, or empty."""

    id: str
    by: str
    attempts: int
    began: datetime
    touched: datetime
    concluded: str


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The flag as the kit last set it."""

    enabled: bool
    percent: float
    at: datetime
    by: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Which rollout, and where it stands; an empty id where nothing began yet."""

    id: str = ""
    phase: str = ""
    rung: float | None = None
    since: datetime | None = None
    run: Attempted | None = None
    last_set: Setting | None = None


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One path's workflows, and its submissions that were answered with an error."""

    workflows: int
    failures: int
    errors: int


@dataclass(frozen=True, kw_only=True)
class RungSeen:
    """What one rung has shown; `ended` is None while it stands."""

    percent: float
    began: datetime
    ended: datetime | None
    hera: Counted
    yaml: Counted
    tasks: int
    tasks_on_hera: int
    misplaced: int


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How long production was watched so far, in seconds; `beside` says it beside the guide's time."""

    seconds: float
    spells: int
    asked: float
    beside: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the run of the phase has kept so far.

    Attributes:
        pieces: pieces of work that are done.
        last: the newest of them.
        kept: when it was last written.
        concluded: the run's verdict; then its evidence is in its record, and no longer here.
        rungs: of the canary, lowest first.
        watched: of production; None before its watch began.
    """

    pieces: int = 0
    last: str = ""
    kept: datetime | None = None
    concluded: str = ""
    rungs: tuple[RungSeen, ...] = ()
    watched: Watched | None = None


@dataclass(frozen=True, kw_only=True)
class PodFlag:
    """What one pod reports of its flag; `problem` says why it reports nothing."""

    pod: str
    enabled: bool | None
    percent: float | None
    problem: str


@dataclass(frozen=True, kw_only=True)
class Flying:
    """A workflow by Hera that has not ended."""

    name: str
    phase: str
    created: datetime | None
    task: str


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who holds the rollout, and whether that run is alive; `how` says how we know."""

    holder: str
    doing: str
    rollout: str
    since: datetime
    renewed: datetime
    expires: datetime
    alive: bool
    how: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A record."""

    began: str
    rollout: str
    phase: str
    verdict: str
    target: str
    reason: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """All of it, at one moment.

    Attributes:
        cluster: the API server's version.
        lease: None where nobody holds it.
        drift: a sentence a medium that was changed by hand.
    """

    target: str
    title: str
    at: datetime
    cluster: Part[str]
    rollout: Part[Standing]
    evidence: Part[Evidence]
    flag: Part[tuple[PodFlag, ...]]
    in_flight: Part[tuple[Flying, ...]]
    lease: Part[Lease | None]
    drift: Part[tuple[str, ...]]
    records: Part[tuple[Kept, ...]]

    def plain(self) -> dict[str, Any]:
        """As plain JSON data: each part is {"known": true, "value": …} or {"known": false, "why": …, "todo": …}."""
        made: dict[str, Any] = {"target": self.target, "title": self.title, "at": self.at.isoformat()}
        for name in PARTS:
            part: Known[Any] | Unknown = getattr(self, name)
            made[name] = {"known": isinstance(part, Known), **_plain(asdict(part))}
        return made


PARTS = ("cluster", "rollout", "evidence", "flag", "in_flight", "lease", "drift", "records")
"""Fields of a status that are parts."""


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, datetime) else value
