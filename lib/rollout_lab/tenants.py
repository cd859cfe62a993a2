"""Tenants: more installations of the practice backend in the one lab, each in a namespace of its own.

What a tenant has is what namespace `argo` has, out of the same manifests: accounts and rights, database (a schema),
results volume, Deployment and Service. Argo, PostgreSQL and Prometheus are the lab's, and serve all of them.
"""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rollout_lab import backend, checkout, cluster, database, kubeconfig, manifests, ports
from rollout_lab.addresses import LOOPBACK, Endpoint
from rollout_lab.api import Api, path_of
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths

FIRST_PORT: Final = 8010
MOST: Final = 9
RIGHTS: Final = "deploy/rbac"
SHARED: Final = {"ClusterRole"}
"""There is one for all; who has it is each tenant's own binding."""
OWN: Final = {
    "10-identities.yaml": {"workflow", "operator"},
    "20-settings.yaml": {"backend-database", "task-results", "task-results-pvc"},
}
"""What a tenant takes of the lab's own manifests, by name."""
GONE_SECONDS: Final = 180.0


@dataclass(frozen=True)
class Tenant:
    """One installation beside the one in namespace argo.

    Attributes:
        number: 1 to 9; all names and the port follow from it.
    """

    number: int

    def __post_init__(self) -> None:
        """Refuse a number whose port is not a tenant's."""
        if not 1 <= self.number <= MOST:
            raise ValueError(f"tenants have the numbers 1 to {MOST}, not {self.number}")

    @property
    def name(self) -> str:
        """Its namespace."""
        return f"tenant-{self.number}"

    @property
    def schema(self) -> str:
        """Its schema in the backend's database."""
        return f"tenant_{self.number}"

    @property
    def endpoint(self) -> Endpoint:
        """Where its backend answers."""
        return Endpoint(LOOPBACK, FIRST_PORT + self.number)

    @property
    def backend_url(self) -> str:
        """The address of its backend."""
        return f"http://{self.endpoint}"

    def kubeconfig(self, paths: Paths) -> Path:
        """Its kubeconfig: contexts `lab` and `lab-admin` as the lab's own has them, in its namespace."""
        return paths.kubeconfigs / f"{self.name}.yaml"


def ensure(paths: Paths, api: Api, inventory: Inventory, project: Path, tenant: Tenant) -> None:
    """Make the tenant, or bring it to what the checkout says; wait until its backend answers.

    It runs the image that namespace argo runs.

    Raises:
        PortTaken: somebody else listens on its port.
        LabError: it did not come up in time.
    """
    ports.require_free(tenant.endpoint, "node port")
    api.wait(f"The end of an earlier {tenant.name}", lambda: not _ending(api, tenant), GONE_SECONDS)
    database.run_sql(paths, "backend", f"CREATE SCHEMA IF NOT EXISTS {tenant.schema}")
    for document in documents(paths, inventory.program("kubectl"), project, tenant, backend.deployed(paths)):
        api.apply(document)
    kubeconfig.write_operator(paths, api.token("operator", tenant.name), tenant.kubeconfig(paths), tenant.name)
    cluster.wait_deployment(api, "backend", tenant.name)
    api.wait(f"An answer of the backend of {tenant.name}", lambda: backend.answers(tenant.backend_url), 60)


def remove(paths: Paths, api: Api, tenant: Tenant) -> None:
    """Remove the tenant and all it knew; one that is not there is fine."""
    api.delete(path_of("Deployment", "backend", tenant.name))
    api.delete(f"/api/v1/namespaces/{tenant.name}/pods")  # at once: nobody needs their last answers
    api.delete(path_of("Namespace", tenant.name))
    api.wait(f"The end of {tenant.name}", lambda: api.get(path_of("Namespace", tenant.name)) is None, GONE_SECONDS)
    api.delete(path_of("PersistentVolume", f"task-results-{tenant.name}"))
    api.delete(path_of("ClusterRoleBinding", f"hera-rollout-operator-{tenant.name}"))
    database.run_sql(paths, "backend", f"DROP SCHEMA IF EXISTS {tenant.schema} CASCADE")
    shutil.rmtree(paths.state / "volumes" / f"task-results-{tenant.name}", ignore_errors=True)
    tenant.kubeconfig(paths).unlink(missing_ok=True)


def documents(paths: Paths, kubectl: Path, project: Path, tenant: Tenant, image: str) -> list[dict[str, Any]]:
    """All that the tenant is made of, in the order in which it is applied."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tenant.name}}
    lab = [(document, names) for file, names in OWN.items() for document in manifests.load(paths, file)]
    own = [document for document, names in lab if document["metadata"]["name"] in names]
    rights = cluster.rendered(kubectl, project / RIGHTS)
    service = cluster.rendered(kubectl, project / checkout.OVERLAY, replaced=(checkout.BACKEND.newest, image))
    return [namespace, *(placed(one, tenant) for one in [*own, *rights, *service] if one["kind"] not in SHARED)]


def placed(document: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    """A document of namespace argo as the tenant's. Pure."""
    made = copy.deepcopy(document)
    if made["kind"] in {"PersistentVolume", "ClusterRoleBinding"}:
        made["metadata"]["name"] += f"-{tenant.name}"
    else:
        made["metadata"]["namespace"] = tenant.name
    for subject in made.get("subjects", []):
        subject["namespace"] = tenant.name
    if change := CHANGES.get((made["kind"], document["metadata"]["name"])):
        change(made, tenant)
    return made


def _volume(made: dict[str, Any], tenant: Tenant) -> None:
    made["spec"]["claimRef"]["namespace"] = tenant.name
    made["spec"]["hostPath"]["path"] += f"-{tenant.name}"


def _claim(made: dict[str, Any], tenant: Tenant) -> None:
    made["spec"]["volumeName"] += f"-{tenant.name}"


def _secret(made: dict[str, Any], tenant: Tenant) -> None:
    made["stringData"]["DATABASE_URL"] += f"?options=-csearch_path%3D{tenant.schema}"


def _deployment(made: dict[str, Any], tenant: Tenant) -> None:
    made["spec"]["paused"] = False  # as a test that was cut off may have left it
    own = {"ARGO_NAMESPACE": tenant.name, "ARGO_SERVER": "http://argo-server.argo:2746"}
    for entry in made["spec"]["template"]["spec"]["containers"][0]["env"]:
        entry.update({"value": own[entry["name"]]} if entry["name"] in own else {})


def _service(made: dict[str, Any], tenant: Tenant) -> None:
    made["spec"]["ports"][0]["nodePort"] = tenant.endpoint.port


CHANGES: Final = {
    ("PersistentVolume", "task-results"): _volume,
    ("PersistentVolumeClaim", "task-results-pvc"): _claim,
    ("Secret", "backend-database"): _secret,
    ("Deployment", "backend"): _deployment,
    ("Service", "backend"): _service,
}
"""What of a document names its installation beside its namespace."""


def _ending(api: Api, tenant: Tenant) -> bool:
    there = api.get(path_of("Namespace", tenant.name)) or {}
    return "deletionTimestamp" in there.get("metadata", {})
