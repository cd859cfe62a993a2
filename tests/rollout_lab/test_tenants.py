"""A tenant is made of the lab's own manifests, and nothing in them is left of namespace argo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout_lab import addresses, api, cluster, tenants
from rollout_lab.paths import Paths
from rollout_lab.tenants import Tenant

ROOT = Path(__file__).parents[2]
ARGOS_OWN = {"http://argo-server.argo:2746"}
"""What a tenant rightly says of that namespace: the Argo Server is there."""


@pytest.fixture
def documents(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """All of a tenant's; kustomizations are read without kubectl, whose work is only to put their files together."""
    monkeypatch.setattr(cluster, "rendered", by_hand)
    return tenants.documents(paths, Path("kubectl"), ROOT, Tenant(2), "rollout-lab/backend:of-argo")


def by_hand(_: Path, folder: Path, replaced: tuple[str, str] = ("", "")) -> list[dict[str, Any]]:
    base = ROOT / "deploy/base" if "overlays" in str(folder) else folder
    names = yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]
    found = [one for name in names for one in yaml.safe_load_all((base / name).read_text())]
    for one in found:
        if one["kind"] == "Deployment":
            one["spec"]["template"]["spec"]["containers"][0]["image"] = replaced[1]
    return found


def words(value: Any) -> list[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        return [word for one in value.values() for word in words(one)]
    return [word for one in value for word in words(one)] if isinstance(value, list) else [str(value)]


def of_kind(documents: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


def test_nothing_of_it_is_in_namespace_argo_or_takes_the_name_of_what_is(documents: list[dict[str, Any]]) -> None:
    """What has no namespace has a name of the tenant's own, or applying it would take argo's place."""
    for document in documents:
        _, _, namespaced = api.KINDS[document["kind"]]
        meta = document["metadata"]
        assert meta["namespace"] == "tenant-2" if namespaced else meta["name"].endswith("tenant-2"), meta
        assert "argo" not in words(document), document
    named = {word for one in documents for word in words(one) if "argo-server" in word or ".argo" in word}
    assert named == ARGOS_OWN


def test_it_has_what_the_installation_in_argo_has(documents: list[dict[str, Any]]) -> None:
    assert set(of_kind(documents, "ServiceAccount")) == {"workflow", "operator", "backend"}
    assert set(of_kind(documents, "Role")) == {"workflow", "operator", "backend"}
    assert set(of_kind(documents, "RoleBinding")) == {"workflow", "operator", "backend"}
    (bound,) = of_kind(documents, "ClusterRoleBinding").values()
    assert bound["roleRef"]["name"] == "hera-rollout-operator"
    assert bound["subjects"] == [{"kind": "ServiceAccount", "name": "operator", "namespace": "tenant-2"}]


def test_its_database_port_volume_and_image(documents: list[dict[str, Any]], paths: Paths) -> None:
    secret = of_kind(documents, "Secret")["backend-database"]["stringData"]["DATABASE_URL"]
    assert secret.endswith("/backend?options=-csearch_path%3Dtenant_2")
    assert of_kind(documents, "Service")["backend"]["spec"]["ports"][0]["nodePort"] == 8012
    (volume,) = of_kind(documents, "PersistentVolume").values()
    claim = of_kind(documents, "PersistentVolumeClaim")["task-results-pvc"]
    assert volume["spec"]["hostPath"]["path"] == f"{paths.state}/volumes/task-results-tenant-2"
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    (container,) = of_kind(documents, "Deployment")["backend"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "rollout-lab/backend:of-argo"
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["ARGO_NAMESPACE"] == "tenant-2"


def test_ports_of_tenants_are_node_ports_and_nobody_elses() -> None:
    own = {Tenant(number).endpoint.port for number in range(1, tenants.MOST + 1)}
    first, _, last = addresses.NODE_PORTS.partition("-")
    assert len(own) == tenants.MOST
    assert all(int(first) <= port <= int(last) for port in own)
    assert not own & {addresses.NOTICES_PORT, *(one.port for one in addresses.NODE_PORT_ENDPOINTS)}


@pytest.mark.parametrize("number", [0, tenants.MOST + 1])
def test_a_number_without_a_port_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 9"):
        Tenant(number)
