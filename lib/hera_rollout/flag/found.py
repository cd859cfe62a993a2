"""Both media as they were found: whoever borrows the flag puts them back so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from hera_rollout.cluster import Cluster
from hera_rollout.flag import variable
from hera_rollout.flag.changes import ALL, Tell
from hera_rollout.flag.file import Data, read_file, restore_file

_ON, _REFERENCE = "true", "(from "


@dataclass(frozen=True)
class Found:
    """What the variable on the Deployment and the flag's file said; None where there is none."""

    env: str | None
    file: Data | None

    @classmethod
    def now(cls, cluster: Cluster) -> Self:
        """As the cluster says it now."""
        return cls(cluster.env(cluster.target.flag.env), read_file(cluster))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """What `plain` gave."""
        return cls(data["env"], data["file"])

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return asdict(self)

    @property
    def percent(self) -> float:
        """The share of the tasks for which the two say on together; off in either wins, as in the pods."""
        said = (self.env or "").strip().lower()
        if self.file_says_off or (said and said != _ON):
            return 0.0
        if self.file is not None and "enabled" in self.file:
            return _number(self.file.get("percent", str(ALL)))
        return ALL if said else 0.0

    @property
    def file_says_off(self) -> bool:
        """Whether the file alone keeps the flag off."""
        return self.file is not None and "enabled" in self.file and self.file["enabled"].lower() != _ON


def _number(text: str) -> float:
    """A share that does not read as one is off, as in the pods."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def put_back(cluster: Cluster, found: Found, tell: Tell) -> None:
    """Make both media say again what was found, that which says off first: the flag is never on in between.

    A variable that came from elsewhere (`valueFrom`) was overwritten when the flag was turned; it is left at false, and
    told: only whoever deploys the service has its source.

    Raises:
        RolloutError: a medium could not be written, or the pods did not come up with the variable as it was.
    """
    if found.file_says_off:
        restore_file(cluster, found.file)
        _variable(cluster, found.env, tell)
    else:
        _variable(cluster, found.env, tell)
        restore_file(cluster, found.file)


def _variable(cluster: Cluster, value: str | None, tell: Tell) -> None:
    name = cluster.target.flag.env
    now = cluster.env(name)
    if value is not None and value.startswith(_REFERENCE) and value != now:
        tell(f"{name} was {value}; it is left at false, and the service's next deploy puts its source back")
        value = "false"
    change = cluster.plan_env(name, value)
    if change.noop:
        return
    variable.apply(cluster, change)
    tell(f"patched: {change.command}")
    cluster.rollout_status(float(cluster.target.limits.rollout_deadline_seconds), tell)
