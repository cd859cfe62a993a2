"""deploy/rbac and the backend's own Role: for each verb, what is refused by the real servers without it.

A ServiceAccount of the test's own gets a copy of the Role less one verb; then the call that needs the verb is made.
"""

import json
import ssl
import time
from pathlib import Path

import httpx
import pytest
import yaml
from kubernetes import client
from kubernetes.client.rest import ApiException

from reference_backend.argo import ArgoClient
from reference_backend.argo_session import ArgoSession
from reference_backend.errors import ArgoRefused
from reference_backend.settings import Settings

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
PROBE = "rights-probe"
CORE, APPS, ARGO = (
    "/api/v1/namespaces/{namespace}",
    "/apis/apps/v1/namespaces/{namespace}",
    "/apis/argoproj.io/v1alpha1/namespaces/{namespace}",
)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
REVIEWS = "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workflows.argoproj.io"
DRY = {"dryRun": "All"}
FORBIDDEN = 403


def documents(path, kind):
    return [d for d in yaml.safe_load_all((ROOT / path).read_text()) if d["kind"] == kind]


OPERATOR = documents("deploy/rbac/operator.yaml", "Role")[0]["rules"]
CLUSTER = documents("deploy/rbac/operator.yaml", "ClusterRole")[0]["rules"]
BACKEND = documents("deploy/base/role.yaml", "Role")[0]["rules"]


def verbs(rules):
    return [(index, rule["resources"][0], verb) for index, rule in enumerate(rules) for verb in rule["verbs"]]


def less(rules, index, verb):
    """The rules without one verb of one rule."""
    kept = [{**rule, "verbs": [v for v in rule["verbs"] if (i, v) != (index, verb)]} for i, rule in enumerate(rules)]
    return [rule for rule in kept if rule["verbs"]]


class Probe:
    """The test's own ServiceAccount, its Role and its ways to the two servers."""

    def __init__(self, lab):
        self.lab = lab
        self.cluster_name = f"{PROBE}-{lab.namespace}"
        account = {"metadata": {"name": PROBE}}
        subject = [{"kind": "ServiceAccount", "name": PROBE, "namespace": lab.namespace}]
        rbac = lab.admin.rbac
        _quietly(lab.admin.core.create_namespaced_service_account, lab.namespace, account)
        for kind, name, call, where in (
            ("Role", PROBE, rbac.create_namespaced_role_binding, [lab.namespace]),
            ("ClusterRole", self.cluster_name, rbac.create_cluster_role_binding, []),
        ):
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
            _quietly(call, *where, {"metadata": {"name": name}, "subjects": subject, "roleRef": reference})
        _quietly(rbac.create_namespaced_role, lab.namespace, {"metadata": {"name": PROBE}, "rules": []})
        _quietly(rbac.create_cluster_role, {"metadata": {"name": self.cluster_name}, "rules": []})
        request = client.AuthenticationV1TokenRequest(
            spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600)
        )
        token = lab.admin.core.create_namespaced_service_account_token(PROBE, lab.namespace, request).status.token
        host, ca = lab.admin.api.configuration.host, lab.admin.api.configuration.ssl_ca_cert
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(
            base_url=host, verify=ssl.create_default_context(cafile=ca), headers=headers, timeout=10
        )
        settings = Settings(argo_server=lab.argo_url, argo_token=token, argo_namespace=lab.namespace)
        self.argo = ArgoClient(settings, ArgoSession(settings))

    def may(self, rules=(), cluster=()):
        """Give exactly these rights."""
        rbac, name = self.lab.admin.rbac, self.cluster_name
        rbac.replace_namespaced_role(PROBE, self.lab.namespace, {"metadata": {"name": PROBE}, "rules": list(rules)})
        rbac.replace_cluster_role(name, {"metadata": {"name": name}, "rules": list(cluster)})

    def kube(self, method, path, body=None, kind="application/json", **params):
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": kind} if content else {}
        where = path.format(pod=self.lab.pods()[0].metadata.name, namespace=self.lab.namespace)
        return self.http.request(method, where, content=content, headers=headers, params=params).status_code

    def patch(self, path, body):
        return self.kube("PATCH", path, body, "application/merge-patch+json", **DRY)

    def argo_logs(self, name):
        """403 when refused; the trap: without the right on pods/log there is no refusal, just nothing."""
        try:
            return 200 if any(self.argo.logs(name).values()) else FORBIDDEN
        except ArgoRefused as error:
            return error.code

    def by_argo(self, call, *args):
        try:
            call(*args)
        except ArgoRefused as error:
            return error.code
        return 200

    def remove(self):
        rbac = self.lab.admin.rbac
        _quietly(rbac.delete_namespaced_role_binding, PROBE, self.lab.namespace)
        _quietly(rbac.delete_cluster_role_binding, self.cluster_name)
        _quietly(rbac.delete_namespaced_role, PROBE, self.lab.namespace)
        _quietly(rbac.delete_cluster_role, self.cluster_name)
        _quietly(self.lab.admin.core.delete_namespaced_service_account, PROBE, self.lab.namespace)


def _quietly(call, *args):
    try:
        call(*args)
    except ApiException as error:
        if error.status not in {404, 409}:
            raise


NOTE = {"metadata": {"annotations": {"hera-rollout/probe": "x"}}}
WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "rights-probe"},
    "spec": {"entrypoint": "main", "suspend": True, "templates": [{"name": "main", "suspend": {}}]},
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rights-probe"}, "data": {"a": "b"}}
STATE = {**CONFIG, "metadata": {"name": "hera-rollout-backend"}}
LEASE = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "metadata": {"name": "hera-rollout-backend"},
    "spec": {},
}


def review(namespace):
    """What the preflight asks: may the backend's own account do what its code needs?"""
    attributes = {"namespace": namespace, "verb": "create", "group": "argoproj.io", "resource": "workflows"}
    spec = {"user": f"system:serviceaccount:{namespace}:backend", "resourceAttributes": attributes}
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "LocalSubjectAccessReview"}
    return {**kind, "metadata": {"namespace": namespace}, "spec": spec}


WATCH = {"watch": "true", "timeoutSeconds": "1"}

# (resource, verb) -> the call that needs it; its HTTP status.
OPERATOR_CALLS = {
    ("pods", "get"): lambda p, _: p.kube("GET", CORE + "/pods/{pod}"),
    ("pods", "list"): lambda p, _: p.kube("GET", CORE + "/pods"),
    ("pods", "watch"): lambda p, finished: p.argo_logs(finished),
    ("pods", "patch"): lambda p, _: p.patch(CORE + "/pods/{pod}", NOTE),
    ("pods/log", "get"): lambda p, _: p.kube("GET", CORE + "/pods/{pod}/log", tailLines=1),
    ("pods/proxy", "get"): lambda p, _: p.kube("GET", CORE + "/pods/{pod}:8000/proxy/api/v1/flag"),
    ("events", "list"): lambda p, _: p.kube("GET", CORE + "/events"),
    ("deployments", "get"): lambda p, _: p.kube("GET", APPS + "/deployments/backend"),
    ("deployments", "list"): lambda p, _: p.kube("GET", APPS + "/deployments"),
    ("deployments", "watch"): lambda p, _: p.kube("GET", APPS + "/deployments", **WATCH),
    ("deployments", "patch"): lambda p, _: p.patch(APPS + "/deployments/backend", NOTE),
    ("replicasets", "list"): lambda p, _: p.kube("GET", APPS + "/replicasets"),
    ("persistentvolumeclaims", "get"): lambda p, _: p.kube("GET", CORE + "/persistentvolumeclaims/task-results-pvc"),
    ("configmaps", "create"): lambda p, _: p.kube("POST", CORE + "/configmaps", CONFIG, **DRY),
    ("configmaps", "get"): lambda p, _: p.kube("GET", CORE + "/configmaps/backend-flag"),
    ("configmaps", "patch"): lambda p, _: p.patch(CORE + "/configmaps/backend-flag", NOTE),
    ("configmaps", "update"): lambda p, _: p.kube("PUT", CORE + "/configmaps/hera-rollout-backend", STATE, **DRY),
    ("configmaps", "delete"): lambda p, _: p.kube("DELETE", CORE + "/configmaps/backend-flag", **DRY),
    ("leases", "create"): lambda p, _: p.kube("POST", LEASES, LEASE, **DRY),
    ("leases", "get"): lambda p, _: p.kube("GET", LEASES + "/hera-rollout-backend"),
    ("leases", "update"): lambda p, _: p.kube("PUT", LEASES + "/hera-rollout-backend", LEASE, **DRY),
    ("leases", "delete"): lambda p, _: p.kube("DELETE", LEASES + "/hera-rollout-backend", **DRY),
    ("workflows", "create"): lambda p, _: p.kube("POST", ARGO + "/workflows", WORKFLOW, **DRY),
    ("workflows", "get"): lambda p, finished: p.by_argo(p.argo.nodes, finished),
    ("workflows", "list"): lambda p, _: p.by_argo(p.argo.list, "hera-rollout/task=none"),
    ("workflows", "watch"): lambda p, _: p.kube("GET", ARGO + "/workflows", **WATCH),
    ("workflows", "patch"): lambda p, finished: p.patch(ARGO + f"/workflows/{finished}", NOTE),
    ("workflows", "delete"): lambda p, finished: p.kube("DELETE", ARGO + f"/workflows/{finished}", **DRY),
    ("workflowtemplates", "get"): lambda p, _: p.kube("GET", ARGO + "/workflowtemplates/none"),
    ("workflowtemplates", "list"): lambda p, _: p.kube("GET", ARGO + "/workflowtemplates"),
    ("localsubjectaccessreviews", "create"): lambda p, _: p.kube("POST", REVIEWS, review(p.lab.namespace)),
}
CLUSTER_CALLS = {("customresourcedefinitions", "get"): lambda p, _: p.kube("GET", CRD)}
# The backend's own: its own code makes the calls.
BACKEND_CALLS = {
    ("workflows", "create"): lambda p, _: p.by_argo(p.argo.create, WORKFLOW),
    ("workflows", "get"): lambda p, finished: p.by_argo(p.argo.nodes, finished),
    ("workflows", "list"): lambda p, _: p.by_argo(p.argo.list, "hera-rollout/task=none"),
    ("workflows", "patch"): lambda p, _: p.by_argo(p.argo.stop, "rights-probe-stop", "test"),
    ("workflows", "delete"): lambda p, _: p.by_argo(p.argo.delete, "rights-probe"),
    ("pods", "list"): lambda p, finished: p.argo_logs(finished),
    ("pods", "watch"): lambda p, finished: p.argo_logs(finished),
    ("pods/log", "get"): lambda p, finished: p.argo_logs(finished),
    ("persistentvolumeclaims", "get"): lambda p, _: p.kube("GET", CORE + "/persistentvolumeclaims/task-results-pvc"),
}
CASES = [
    pytest.param((which, index, resource, verb), id=f"{which}-{resource}-{verb}-{index}")
    for which, rules in (("operator", OPERATOR), ("cluster", CLUSTER), ("backend", BACKEND))
    for index, resource, verb in verbs(rules)
]
CALLS = {"operator": OPERATOR_CALLS, "cluster": CLUSTER_CALLS, "backend": BACKEND_CALLS}


@pytest.fixture(scope="module")
def probe(lab):
    lab.clean()
    made = Probe(lab)
    yield made
    made.remove()
    lab.admin.kubectl("delete", "workflow", "rights-probe", "rights-probe-stop", "--ignore-not-found")


@pytest.fixture(scope="module")
def finished(probe):
    """A finished workflow with a log; and one that can be stopped."""
    lab = probe.lab
    base = f"{lab.backend_url}/api/v1/tasks"
    task = httpx.post(f"{base}/submit", json={"pythonCode": "print('logged')"}, timeout=20).json()
    deadline = time.monotonic() + 90
    while httpx.get(f"{base}/{task['id']}", timeout=20).json()["runs"][0]["phase"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.5)
    stoppable = {**WORKFLOW, "metadata": {"name": "rights-probe-stop", "namespace": lab.namespace}}
    place = ("argoproj.io", "v1alpha1", lab.namespace, "workflows")
    _quietly(lab.admin.custom.create_namespaced_custom_object, *place, stoppable)
    yield task["workflowId"]
    httpx.delete(f"{base}/{task['id']}/delete", timeout=20)


def status(call, probe, finished, wanted, seconds=8):
    """The call's status, once the changed Role has reached the servers."""
    deadline = time.monotonic() + seconds
    while (code := call(probe, finished)) not in wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return code


@pytest.mark.parametrize("case", CASES)
def test_without_the_verb_it_is_refused_and_with_it_not(probe, finished, case):
    which, index, resource, verb = case
    assert (resource, verb) in CALLS[which], f"no call here shows what {verb} on {resource} is for"
    call = CALLS[which][resource, verb]
    rules = {"operator": OPERATOR, "cluster": CLUSTER, "backend": BACKEND}[which]
    grant = (lambda r: probe.may(cluster=r)) if which == "cluster" else probe.may
    grant(less(rules, index, verb))
    assert status(call, probe, finished, {FORBIDDEN}) == FORBIDDEN
    grant(rules)
    good = set(range(200, 300)) | {404, 409}
    assert status(call, probe, finished, good) in good


def test_no_call_is_for_a_verb_that_is_not_granted():
    for which, rules in (("operator", OPERATOR), ("cluster", CLUSTER), ("backend", BACKEND)):
        assert CALLS[which].keys() == {(resource, verb) for _, resource, verb in verbs(rules)}


def test_every_verb_says_what_needs_it():
    for path in ("deploy/rbac/operator.yaml", "deploy/base/role.yaml"):
        lines = (ROOT / path).read_text().splitlines()
        assert [line for line in lines if line.startswith("      - ") and "# " not in line] == []


def test_the_operator_has_exactly_these_rights(lab):
    """What the lab applied is what the file says."""
    found = lab.admin.rbac.read_namespaced_role("operator", lab.namespace)
    rules = [{"r": rule.resources, "v": sorted(rule.verbs), "n": rule.resource_names or []} for rule in found.rules]
    wanted = [{"r": r["resources"], "v": sorted(r["verbs"]), "n": r.get("resourceNames", [])} for r in OPERATOR]
    assert rules == wanted
