"""Which providers a rollback turns off: each that can bring Hera back, the fastest that is in effect first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hera_rollout.cluster import Cluster, environment, pods
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.flag import byhand
from hera_rollout.flag.changes import FlagChange
from hera_rollout.flag.file import Data, mounted, read_file
from hera_rollout.flag.media import plan
from hera_rollout.target import Medium

_OFF_WORDS: Final = frozenset({"", "false", "0", "off", "no"})


@dataclass(frozen=True)
class TurnOff:
    """The providers to turn off, in this order.

    Attributes:
        media: the file before the variable: it is in effect at once, and pods restart for the variable.
        by_hand: what a person has to do beside; empty if nothing. With medium `manual` nothing but the flag's own file
            is patched: the variable belongs to whoever deploys the service.
        unread: what could not be read, and so is not known to be off.
    """

    media: tuple[Medium, ...]
    by_hand: str = ""
    unread: tuple[str, ...] = ()


def to_turn_off(cluster: Cluster) -> TurnOff:
    """Read both providers, whatever the target's own is; nothing is changed.

    A file that says off is left; so is a variable that is unset where there is a file, for the file then decides.

    Raises:
        RolloutError: the target's own provider cannot be read, and no other one is known to say on.
    """
    own, unread = cluster.target.flag.medium, []
    try:
        file = _file(cluster)
    except RolloutError as error:
        file = None
        unread.append(
            f"that configmap/{cluster.target.flag.configmap} says off. {error.seen} By hand: {_by_file(cluster)}"
        )
    try:
        variable = cluster.env(cluster.target.flag.env)
    except RolloutError as error:
        if own == "env" and (file is None or _says_off(file)):
            raise
        variable = None
        if not (own == "manual" and isinstance(error, Missing)):
            unread.append(f"that {cluster.target.flag.env} says off. {error.seen}")
    media: list[Medium] = ["configmap"] if own == "configmap" or (file is not None and not _says_off(file)) else []
    if own == "manual":
        return _manual(cluster, media, variable, unread)
    if _may_be_on(variable) or (own == "env" and file is None):
        media.append("env")
    return TurnOff(tuple(media or ["configmap"]), "", tuple(unread))


def plans_off(cluster: Cluster, found: TurnOff | None = None) -> list[FlagChange]:
    """Every change that a rollback would make, in its order; nothing is changed."""
    return [plan(cluster.by(medium), enabled=False) for medium in (found or to_turn_off(cluster)).media]


def by_environment(cluster: Cluster) -> tuple[list[str], list[str]]:
    """Names of the ready pods whose container has the variable at false, and of those whose has not."""
    name = cluster.target.flag.env
    off: list[str] = []
    others: list[str] = []
    for pod in cluster.pod_documents(cluster.selector()):
        if pods.ready(pod):
            value = environment.value_in(pod["spec"]["containers"], cluster.target.container, name)
            (off if (value or "").strip().lower() == "false" else others).append(pod["metadata"]["name"])
    return off, others


def _manual(cluster: Cluster, media: list[Medium], variable: str | None, unread: list[str]) -> TurnOff:
    """The file is the kit's own, and in effect at once; the variable is a person's to change."""
    if not media:
        return TurnOff(("manual",), "", tuple(unread))
    how = byhand.plan(cluster, False, 0.0).command if _may_be_on(variable) else ""
    return TurnOff(tuple(media), how, tuple(unread))


def _file(cluster: Cluster) -> Data | None:
    """What the flag's file says, where the pods mount it; another's ConfigMap of that name is not ours to patch."""
    target = cluster.target
    try:
        deployment = environment.read(cluster.connection, target)
    except Missing:
        return None
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or []
    return read_file(cluster) if target.flag.configmap in mounted(volumes) else None


def _says_off(file: Data) -> bool:
    return file.get("enabled", "").strip().lower() == "false"


def _may_be_on(variable: str | None) -> bool:
    """Whether a service may read it as on; what it is read from elsewhere is not known."""
    return (variable or "").strip().lower() not in _OFF_WORDS


def _by_file(cluster: Cluster) -> str:
    target = cluster.target
    return (f"kubectl patch configmap {target.flag.configmap} -n {target.namespace} --type merge "
            """-p '{"data":{"enabled":"false","percent":"0"}}'""")  # fmt: skip
