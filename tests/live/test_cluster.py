"""The cluster package as the operator, on a real cluster."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from hera_rollout.cluster import Cluster, environment
from hera_rollout.errors import Conflicting, DeadlineExceeded, Missing, Refused

pytestmark = pytest.mark.live

PROBE = "KIT_TEST_PROBE"


@pytest.fixture
def probe_removed(cluster):
    """The variable these tests play with is gone afterwards, and the rollout has ended."""
    yield
    change = cluster.plan_env(PROBE, None)
    if not change.noop:
        cluster.apply_env(change)
    cluster.rollout_status(120)


def test_connects_as_the_least_operator_and_not_as_an_administrator(cluster):
    assert cluster.version.startswith("v1.")
    assert not cluster.can_i("delete", "deployments", "apps")
    assert not cluster.can_i("get", "secrets")
    assert cluster.can_i("patch", "deployments", "apps")


@pytest.fixture
def other_pod(admin):
    """A pod that is not the backend's, and never starts; its name."""
    folder, name = f"/api/v1/namespaces/{admin.target.namespace}/pods", "kit-test-other"
    spec = {"schedulerName": "nobody", "containers": [{"name": "main", "image": "none"}]}
    admin.connection.create(folder, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})
    yield name
    admin.connection.delete(f"{folder}/{name}")


def test_pods_deployment_and_the_lines_they_stand_for(cluster, other_pod):
    pods = cluster.pods(cluster.selector())
    assert list(pods["ready"]) == ["1/1"] * len(pods)
    assert set(pods["status"]) == {"Running"}
    assert f"kubectl get pods -n {cluster.target.namespace} -l " in pods.attrs["command"]
    deployment = cluster.deployment().iloc[0]
    assert deployment["name"] == "backend"
    assert deployment["ready"] == f"{len(pods)}/{len(pods)}"
    assert other_pod in set(cluster.pods()["name"]) - set(pods["name"]), "no selector means every pod of the namespace"


def test_logs_and_describe_of_a_pod(cluster):
    pod = cluster.pods(cluster.selector())["name"].iloc[0]
    assert cluster.logs(pod).strip()
    assert len(cluster.logs(pod, max_bytes=50)) <= 50
    assert cluster.logs(pod, since=datetime.now(UTC) + timedelta(hours=1)) == ""
    text = cluster.describe_pod(pod)
    assert "Containers:" in text
    assert "DATABASE_URL" in text
    assert "postgresql" not in text, "values of variables may be secrets"
    with pytest.raises(Missing):
        cluster.logs("no-such-pod")


@pytest.mark.parametrize(
    ("resource", "verbs", "needed_for"),
    [("pods/log", ["get"], "logs"), ("leases", ["get", "create", "update", "delete"], "one operator at a time")],
)
def test_every_right_is_there_and_a_missing_one_is_named(cluster, admin, resource, verbs, needed_for):
    frame = cluster.permissions()
    assert set(frame.columns) == {"who", "verb", "resource", "needed_for", "allowed"}
    assert frame[~frame["allowed"]].to_dict(orient="records") == []
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{cluster.target.namespace}/roles/operator"
    role = admin.connection.get(path)
    without = [{**rule, "resources": [one for one in rule["resources"] if one != resource]} for rule in role["rules"]]
    admin.connection.patch(path, {"rules": [rule for rule in without if rule["resources"]]}, "merge-patch")
    try:
        missing = cluster.permissions().query("not allowed")
        assert missing[["who", "verb", "resource"]].to_numpy().tolist() == [["operator", v, resource] for v in verbs]
        assert needed_for in missing["needed_for"].iloc[0]
    finally:
        admin.connection.patch(path, {"rules": role["rules"]}, "merge-patch")


def test_the_backends_own_missing_right_is_named(cluster, admin):
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{cluster.target.namespace}/roles/backend"
    role = admin.connection.get(path)
    rules = json.loads(json.dumps(role["rules"]))
    for rule in rules:
        if "workflows" in rule["resources"]:
            rule["verbs"].remove("patch")
    admin.connection.patch(path, {"rules": rules}, "merge-patch")
    try:
        missing = cluster.permissions().query("not allowed")
        assert missing[["who", "verb", "resource"]].to_numpy().tolist() == [["backend (backend)", "patch", "workflows"]]
    finally:
        admin.connection.patch(path, {"rules": role["rules"]}, "merge-patch")


def test_claims_and_kinds(cluster, target):
    assert cluster.pvc(target.workflow.pvc) == "Bound"
    assert cluster.pvc("no-such-claim") == "missing"
    kinds = cluster.crds().set_index("name")
    assert kinds.loc["workflows.argoproj.io", "full"], "the lab has the full CRDs"


def test_planning_changes_nothing_and_applying_does_what_was_shown_and_leaves_events(cluster, probe_removed):
    before = cluster.deployment()["revision"].iloc[0]
    change = cluster.plan_env(PROBE, "one two")
    assert (change.before, change.after, change.noop) == (None, "one two", False)
    assert f"+- name: {PROBE}" in change.diff()
    assert change.command == f"kubectl set env deployment/backend {PROBE}='one two' -n {cluster.target.namespace}"
    assert cluster.env(PROBE) is None
    assert cluster.deployment()["revision"].iloc[0] == before

    old, since = set(cluster.pods(cluster.selector())["name"]), datetime.now(UTC) - timedelta(seconds=1)
    cluster.apply_env(change)
    lines = []
    status = cluster.rollout_status(120, lines.append)
    assert cluster.env(PROBE) == "one two"
    assert cluster.plan_env(PROBE, "one two").noop
    now = set(cluster.pods(cluster.selector())["name"])
    assert now == set(status.pods), "old pods are gone when the rollout has ended"
    assert not now & old
    assert lines[-1].startswith("rolled out")

    events = cluster.events(since=since, about="backend")
    assert {"Created", "Started"} <= set(events["reason"])
    assert events["time"].is_monotonic_increasing
    assert cluster.events(since=datetime.now(UTC) + timedelta(hours=1)).empty


def test_a_change_by_somebody_else_since_the_plan_is_refused(cluster, target, probe_removed):
    mine = cluster.plan_env(PROBE, "mine")
    cluster.apply_env(cluster.plan_env(PROBE, "theirs"))
    with pytest.raises(Conflicting, match="changed meanwhile") as caught:
        cluster.apply_env(mine)
    assert "'theirs'" in caught.value.seen
    assert cluster.env(PROBE) == "theirs"


def test_a_status_update_since_the_plan_is_no_conflict(cluster, admin, target, probe_removed):
    change = cluster.plan_env(PROBE, "mine")
    note = {"metadata": {"annotations": {"kit-test": str(time.time())}}}
    admin.connection.patch(environment.path(target), note, "merge-patch")
    cluster.apply_env(change)
    assert cluster.env(PROBE) == "mine"


@pytest.mark.soak  # three restarts for a change that no phase makes
def test_undo_goes_back_to_the_revision_before(cluster, probe_removed):
    cluster.apply_env(cluster.plan_env(PROBE, "one"))
    cluster.rollout_status(120)
    cluster.apply_env(cluster.plan_env(PROBE, "two"))
    cluster.rollout_status(120)
    assert cluster.undo() == f"kubectl rollout undo deployment/backend -n {cluster.target.namespace}"
    cluster.rollout_status(120)
    assert cluster.env(PROBE) == "one"
    with pytest.raises(Missing, match="no earlier revision 999"):
        cluster.undo("999")


def test_a_rollout_that_cannot_end_stops_early_and_says_which_pod_and_why(cluster, admin, target):
    patch = {
        "spec": {"template": {"spec": {"containers": [{"name": target.container, "image": "nosuch.invalid/b:1"}]}}}
    }
    admin.connection.patch(environment.path(target), patch, "strategic-merge-patch")
    try:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            cluster.rollout_status(120)
        assert time.monotonic() - began < 60
        assert "nosuch.invalid/b:1" in caught.value.seen
        assert "kubectl rollout undo" in caught.value.todo
    finally:
        admin.undo()
        cluster.rollout_status(120)


def test_a_deadline_is_kept(cluster, probe_removed):
    cluster.apply_env(cluster.plan_env(PROBE, "slow"))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="did not end") as caught:
        cluster.rollout_status(0.5)
    assert time.monotonic() - began < 30
    assert "Pods: backend-" in caught.value.seen


def test_each_pod_is_asked_itself_past_the_service(cluster):
    for pod in cluster.pods(cluster.selector())["name"]:
        assert cluster.ask_pod(pod, 8000, "/api/v1/flag")["pod"] == pod


def test_a_wrong_token_is_refused_with_what_to_do(target, tmp_path):
    text = target.kubeconfig.read_text()
    token = Cluster.connect(target).bearer_token()
    path = tmp_path / "kubeconfig"
    path.write_text(text.replace(token, "wrong"))
    changed = target.model_copy(update={"kubeconfig": path})
    with pytest.raises(Refused, match="401"):
        Cluster.connect(changed).pods()


def test_many_readers_at_once_get_whole_answers(cluster):
    names: list[list[str]] = []
    threads = [threading.Thread(target=lambda: names.append(list(cluster.pods()["name"]))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(names) == 12
    assert all(one == names[0] for one in names)
