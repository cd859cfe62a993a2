"""Workflows on a real Argo: submitted once, waited for truly, read back; outages end in words and in time."""

import base64
import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hera.workflows import Container, Workflow

from hera_rollout.errors import Conflicting, Missing, Refused
from hera_rollout.workflows import Workflows, hello

pytestmark = pytest.mark.live


def one_pod(target, *, args: str, image: str | None = None, deadline: int = 120) -> Workflow:
    with Workflow(
        generate_name="kit-test-",
        entrypoint="main",
        service_account_name=target.workflow.service_account,
        active_deadline_seconds=deadline,
        labels={"hera-rollout/made-by": "kit-test"},
    ) as workflow:
        Container(name="main", image=image or target.workflow.image, command=["sh", "-c"], args=[args])
    return workflow


@pytest.fixture
def submitted(workflows, target, unique):
    """Submit under a name of the test's own; what is left is deleted afterwards."""
    names: list[str] = []

    def submit(workflow: Workflow, suffix: str = "") -> str:
        name = f"kit-test-{unique}{suffix}"
        names.append(name)
        return workflows.submit(workflow, name=name).name

    yield submit
    for name in names:
        workflows.delete(name)


def test_the_server_says_which_argo_it_is(workflows):
    assert workflows.check_server().lstrip("v").startswith("4.0")


def test_hello_runs_and_is_read_back_whole(workflows, target, unique):
    name = f"kit-test-hello-{unique}"
    views = []
    first = workflows.submit(hello(target), name=name)
    try:
        assert not first.adopted
        outcome = workflows.wait(name, 120, views.append)
        assert (outcome.reached, outcome.phase, outcome.uid) == ("finished", "Succeeded", first.uid), outcome.message
        assert outcome.succeeded
        assert views[-1].phase == "Succeeded"
        assert {view.phase for view in views} >= {"Running"}
        nodes = workflows.nodes(outcome.document).set_index("display_name")
        assert list(nodes.loc[["say", "hear"], "phase"]) == ["Succeeded", "Succeeded"]
        assert nodes.loc["say", "outputs"] == "greeting=hello from Hera"
        assert workflows.outputs(name)["say.greeting"] == "hello from Hera"
        logs = workflows.logs(name).set_index("node")["logs"]
        assert "step one wrote its output" in logs["say"]
        assert "step two heard: hello from Hera" in logs["hear"]
        row = workflows.list("hera-rollout/made-by=notebook").set_index("name").loc[name]
        assert row["phase"] == "Succeeded"
        assert row["seconds"] > 0
    finally:
        workflows.delete(name)


def test_the_same_submission_again_is_adopted_and_never_doubled(workflows, target, unique):
    name = f"kit-test-{unique}"
    try:
        first = workflows.submit(one_pod(target, args="true"), name=name)
        again = workflows.submit(one_pod(target, args="true"), name=name)
        assert (again.uid, again.adopted) == (first.uid, True)
        with pytest.raises(Conflicting, match="is already there"):
            workflows.submit(one_pod(target, args="echo other"), name=name)
    finally:
        workflows.delete(name)


def test_many_submitting_one_name_at_once_make_one_workflow(workflows, target, unique):
    name = f"kit-test-{unique}"
    try:
        with ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda _: workflows.submit(one_pod(target, args="true"), name=name), range(6)))
        assert len({one.uid for one in made}) == 1
    finally:
        workflows.delete(name)


def test_a_failure_is_told_with_its_exit_code(workflows, target, submitted):
    outcome = workflows.wait(submitted(one_pod(target, args="echo broken; exit 3")), 120)
    assert (outcome.reached, outcome.phase, outcome.succeeded) == ("finished", "Failed", False)
    assert "3" in outcome.message
    assert "broken" in workflows.logs(outcome.name)["logs"].iloc[0]


def test_pending_is_never_done_and_the_deadline_is_kept(workflows, target, submitted):
    name = submitted(one_pod(target, args="sleep 60"))
    began = time.monotonic()
    outcome = workflows.wait(name, 1.5)
    assert outcome.reached == "deadline"
    assert outcome.phase in {"", "Pending", "Running"}
    assert "still" in outcome.message
    assert time.monotonic() - began < 30
    workflows.stop(name)


def test_an_image_that_is_not_there_ends_the_wait_early_and_is_named(workflows, target, submitted):
    name = submitted(one_pod(target, args="true", image="nosuch.invalid/image:1"))
    began = time.monotonic()
    outcome = workflows.wait(name, 120)
    assert outcome.reached in {"stopped early", "finished"}
    assert "nosuch.invalid/image:1" in outcome.message
    assert not outcome.succeeded
    assert time.monotonic() - began < 60


def test_a_stopped_workflow_ends_failed_and_keeps_its_record(workflows, target, submitted):
    name = submitted(one_pod(target, args="sleep 300"))
    workflows.stop(name)
    outcome = workflows.wait(name, 60)
    assert (outcome.reached, outcome.phase) == ("finished", "Failed")
    assert workflows.live(name)["spec"]["shutdown"] == "Stop"


def test_a_finished_workflow_that_was_deleted_is_found_in_the_archive(workflows, target, submitted):
    name = submitted(one_pod(target, args="true"))
    uid = workflows.wait(name, 120).uid
    workflows.delete(name)
    with pytest.raises(Missing):
        workflows.live(name)
    outcome = workflows.wait(name, 30)
    assert (outcome.reached, outcome.phase, outcome.uid) == ("finished", "Succeeded", uid)


def test_a_workflow_deleted_while_waited_for_is_gone(workflows, target, submitted):
    name = submitted(one_pod(target, args="sleep 300"))
    timer = threading.Timer(3, workflows.delete, [name])
    timer.start()
    outcome = workflows.wait(name, 60)
    timer.join()
    assert outcome.reached == "gone"
    assert outcome.seconds < 30


def test_one_that_never_was_is_gone_within_seconds(workflows):
    began = time.monotonic()
    outcome = workflows.wait("kit-test-never-was", 60)
    assert outcome.reached == "gone"
    assert "not in the archive" in outcome.message
    assert time.monotonic() - began < 30
    with pytest.raises(Missing):
        workflows.get("kit-test-never-was")


def test_a_wait_can_be_stopped_from_outside(workflows, target, submitted):
    name = submitted(one_pod(target, args="sleep 300"))
    stop = threading.Event()
    timer = threading.Timer(2, stop.set)
    timer.start()
    outcome = workflows.wait(name, 60, stop=stop)
    timer.join()
    assert outcome.reached == "stopped early"
    assert outcome.seconds < 30
    workflows.stop(name)


def test_a_token_the_server_does_not_take_is_told(target, cluster, monkeypatch):
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", "not-a-token")
    with pytest.raises(Refused, match="401"):
        Workflows(target, cluster).check_server()


def test_5000_packed_nodes_of_a_stored_workflow_are_read_whole_and_its_one_failure_is_named(workflows, admin, unique):
    """As the controller stores a workflow that has grown too large; a finished one is nothing to it any more."""
    name, moment, namespace = f"kit-test-{unique}-packed", "2026-11-29T00:00:00Z", admin.target.namespace
    nodes = {
        f"{name}-{number}": {
            "id": f"{name}-{number}", "name": f"{name}[{number}]", "displayName": f"step-{number}", "type": "Pod",
            "phase": "Failed" if number == 4_321 else "Succeeded", "startedAt": moment, "finishedAt": moment,
            "message": "OOMKilled (exit code 137)" if number == 4_321 else "",
        }
        for number in range(5_000)
    }  # fmt: skip
    status = {"phase": "Failed", "startedAt": moment, "finishedAt": moment, "progress": "4999/5000",
              "compressedNodes": base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()}  # fmt: skip
    labels = {"workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": "Failed"}
    spec = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}
    document = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec, "status": status,
                "metadata": {"name": name, "namespace": namespace, "labels": labels}}  # fmt: skip
    admin.connection.create(f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows", document)
    try:
        frame = workflows.nodes(name)
        assert len(frame) == 5_000
        assert frame.loc[frame["phase"] == "Failed", "display_name"].tolist() == ["step-4321"]
        listed = workflows.list(selector="workflows.argoproj.io/phase=Failed").set_index("name")
        assert "step-4321: OOMKilled" in listed.loc[name, "message"]
    finally:
        workflows.delete(name)
