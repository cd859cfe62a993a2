"""Which Deployment is the service that submits workflows, and what its pod template says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

FLAG: Final = "USE_HERA_SDK"
_NAMES: Final = {"image": "WORKFLOW_IMAGE", "account": "WORKFLOW_SERVICE_ACCOUNT", "claim": "RESULTS_PVC"}
_ARGOS: Final = ("argo-server", "workflow-controller")


@dataclass(frozen=True)
class Service:
    """One Deployment as a candidate.

    Attributes:
        name: the Deployment's.
        container: the one that carries the flag, else the one called like the Deployment, else the first.
        account: the pods' ServiceAccount.
        labels: the pods' labels, by which a Service selects them.
        flagged: whether it has the flag's variable.
        workflow: what its variables say of its workflows: image, account, claim; without what they do not say.
    """

    name: str
    container: str
    account: str
    labels: Mapping[str, str]
    flagged: bool
    workflow: Mapping[str, str]


def ranked(documents: Iterable[Mapping[str, Any]]) -> list[Service]:
    """Every Deployment but Argo's own, the likeliest first."""
    services = [_service(one) for one in documents if one["metadata"]["name"] not in _ARGOS]
    return sorted(services, key=lambda one: (not one.flagged, one.name != "backend", one.name))


def likely(services: list[Service]) -> Service | None:
    """The one that is meant, if that can be told: it has the flag, is called `backend`, or is the only one."""
    if not services:
        return None
    first = services[0]
    told = first.flagged or first.name == "backend" or len(services) == 1
    rivals = [one for one in services[1:] if one.flagged == first.flagged and first.name != "backend"]
    return first if told and not rivals else None


def _service(document: Mapping[str, Any]) -> Service:
    name, template = document["metadata"]["name"], document["spec"]["template"]
    containers = template["spec"]["containers"]
    container = _container(name, containers)
    env = _env(container)
    return Service(
        name=name,
        container=container["name"],
        account=template["spec"].get("serviceAccountName") or "default",
        labels=(template.get("metadata") or {}).get("labels") or {},
        flagged=any(FLAG in _env(one) for one in containers),
        workflow={key: value for key, variable in _NAMES.items() if (value := env.get(variable))},
    )


def _container(name: str, containers: list[dict[str, Any]]) -> dict[str, Any]:
    return min(containers, key=lambda one: (FLAG not in _env(one), one["name"] != name))


def _env(container: Mapping[str, Any]) -> dict[str, str]:
    """Variables by name; empty where the value comes from elsewhere."""
    return {entry["name"]: str(entry.get("value") or "") for entry in container.get("env") or []}
