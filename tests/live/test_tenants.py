"""Two tenants of the lab do not see each other's workflows, flags and rows; one that is removed leaves nothing."""

import httpx
import psycopg
import pytest
from kubernetes.client.rest import ApiException

from rollout_lab import database
from rollout_lab.lab import Lab
from rollout_lab.tenants import MOST

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def neighbour():
    """A second tenant, with a number that no run of tests takes before all others are taken; gone afterwards."""
    machine = Lab()
    yield machine.tenant(MOST)
    machine.remove_tenant(MOST)


def tasks(url):
    return {task["id"] for task in httpx.get(f"{url}/api/v1/tasks", timeout=10).json()["tasks"]}


def test_a_flag_a_workflow_and_a_row_of_one_are_not_the_others(suspended, neighbour, submit):
    suspended.set_flag(True, 100)
    name = submit()
    assert suspended.operator.workflow(name)["metadata"]["namespace"] == suspended.namespace
    assert submit.tasks[0] in tasks(suspended.backend_url)
    assert submit.tasks[0] not in tasks(neighbour.backend_url)
    said = httpx.get(f"{neighbour.backend_url}/api/v1/flag", timeout=10).json()
    assert (said["enabled"], said["file"]) == (False, None)
    for refused in (
        lambda: suspended.operator.custom.list_namespaced_custom_object(
            "argoproj.io", "v1alpha1", neighbour.name, "workflows"
        ),
        lambda: suspended.operator.core.read_namespaced_config_map("backend-flag", neighbour.name),
        lambda: suspended.operator.core.read_namespaced_config_map("backend-flag", "argo"),
    ):
        with pytest.raises(ApiException, match="Forbidden"):
            refused()


@pytest.mark.parametrize("path", ["workflows/{}", "archived-workflows?listOptions.fieldSelector=metadata.namespace={}"])
def test_the_argo_server_gives_an_operator_its_own_namespace_alone(suspended, neighbour, path):
    headers = {"Authorization": f"Bearer {suspended.operator.token}"}
    where = f"{suspended.argo_url}/api/v1/{path}"
    assert httpx.get(where.format(suspended.namespace), headers=headers, timeout=10).status_code == 200
    for other in (neighbour.name, "argo", ""):
        assert httpx.get(where.format(other), headers=headers, timeout=10).status_code == 403


def test_prometheus_tells_their_pods_apart(suspended, neighbour):
    query = {"query": 'count by (namespace) (up{job="backend"})'}
    found = httpx.get(f"{suspended.prometheus_url}/api/v1/query", params=query, timeout=10).json()["data"]["result"]
    assert {suspended.namespace, neighbour.name, "argo"} <= {one["metric"]["namespace"] for one in found}


def test_one_that_was_left_in_the_middle_of_something_is_mended(suspended, neighbour):
    """A run of tests that is cut off leaves its tenant to the next one."""
    suspended.admin.kubectl("rollout", "pause", "deployment/backend", namespace=neighbour.name)
    suspended.admin.kubectl("delete", "role/operator", "service/backend", namespace=neighbour.name)
    Lab().tenant(MOST)
    found = suspended.admin.apps.read_namespaced_deployment("backend", neighbour.name)
    assert not found.spec.paused
    assert suspended.admin.rbac.read_namespaced_role("operator", neighbour.name).rules
    assert httpx.get(f"{neighbour.backend_url}/healthz", timeout=10).is_success


def test_one_that_is_removed_is_gone_with_its_rows_and_can_be_made_again(suspended, neighbour):
    machine = Lab()
    made = httpx.post(f"{neighbour.backend_url}/api/v1/tasks/submit", json={"pythonCode": "pass"}, timeout=20).json()
    assert made["id"] in tasks(neighbour.backend_url)
    machine.remove_tenant(MOST)
    assert not neighbour.kubeconfig(machine.paths).exists()
    with pytest.raises(ApiException, match="Not Found"):
        suspended.admin.core.read_namespace(neighbour.name)
    with psycopg.connect(database.url(machine.paths, "backend", "postgresql"), connect_timeout=5) as rows:
        assert rows.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [neighbour.schema]).fetchall() == []
    again = machine.tenant(MOST)
    assert tasks(again.backend_url) == set()
