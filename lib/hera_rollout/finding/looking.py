"""One look at a cluster: its Deployments, and where the three servers answer. What may not be listed is noted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from hera_rollout.cluster.connection import Connection
from hera_rollout.errors import Missing, Refused
from hera_rollout.finding import addresses, deployments, probing
from hera_rollout.finding.deployments import Service
from hera_rollout.finding.probing import ARGO, BACKEND, Answered, Kind

Documents = list[dict[str, Any]]
_WORDS: Final = {"Argo Server": "argo-server", "Prometheus": "prometheus"}


@dataclass
class Sight:
    """What there is in one namespace, and around it.

    Attributes:
        namespace: which.
        services: its Deployments as candidates, the likeliest first.
        unseen: what could not be listed, and why; one sentence each.
    """

    namespace: str
    services: list[Service]
    host: str
    networks: Documents
    ingresses: Documents
    unseen: list[str] = field(default_factory=list)

    def tried(self, kind: Kind, service: Service) -> list[str]:
        """Where it may be: by the cluster's Services, and on loopback."""
        if kind is BACKEND:
            here = [one for one in self.networks if one["metadata"]["namespace"] == self.namespace]
            found = addresses.selecting(here, service.labels)
        else:
            found = addresses.called(self.networks, _WORDS[kind.name], kind.port)
        made = [url for one in found for url in addresses.of_service(one, self.ingresses, self.host)]
        return list(dict.fromkeys([*made, *addresses.on_loopback(kind.port)]))

    def answering(self, kind: Kind, service: Service) -> Answered | None:
        """Where it answers, if anywhere."""
        return probing.first(kind, self.tried(kind, service))


def look(connection: Connection, namespace: str) -> Sight:
    """Look at the cluster behind a connection.

    Raises:
        Missing: the namespace has no Deployment that could be the service.
        Refused: its Deployments may not be listed.
    """
    documents = connection.items(
        f"/apis/apps/v1/namespaces/{namespace}/deployments", f"list deployments -n {namespace}"
    )
    services = deployments.ranked(documents)
    if not services:
        raise _none(namespace, len(documents))
    unseen: list[str] = []
    return Sight(
        namespace=namespace,
        services=services,
        host=urlsplit(connection.host).hostname or "",
        networks=_listed(connection, "/api/v1", "services", namespace, unseen),
        ingresses=_listed(connection, "/apis/networking.k8s.io/v1", "ingresses", namespace, unseen),
        unseen=unseen,
    )


def _listed(connection: Connection, group: str, kind: str, namespace: str, unseen: list[str]) -> Documents:
    """Of all namespaces, else of this one; else nothing, with a note."""
    for where in ("", f"/namespaces/{namespace}"):
        try:
            return connection.items(f"{group}{where}/{kind}", f"list {kind}")
        except Refused as error:
            last = error
    unseen.append(f"{kind} cannot be listed, so addresses are only guessed on loopback: {last.seen}")
    return []


def _none(namespace: str, argos: int) -> Missing:
    more = f" but Argo's own ({argos})" if argos else ""
    return Missing(
        f"Namespace {namespace} has no Deployment{more}.",
        expected="the Deployment of the service that submits workflows.",
        todo=f"Look for it (kubectl get deployments -A), then give its namespace with --namespace. Where the service "
        f'is no Deployment, copy targets/staging.example.toml and set medium = "manual" there ({ARGO.name} and all).',
    )
