"""Why a workflow does not run: each cause is found, and points to the guide's line."""

from datetime import UTC, datetime, timedelta

import pytest

from hera_rollout.troubleshooting import Entry
from hera_rollout.workflows.diagnosis import Diagnosis, findings

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


def workflow(phase="Failed", message="", container=None, nodes=None, volumes=None):
    return {
        "metadata": {"name": "w", "namespace": "argo", "creationTimestamp": (NOW - timedelta(minutes=1)).isoformat()},
        "spec": {"templates": [{"name": "main", "container": container or {"image": "python"}}],
                 "volumes": volumes or []},
        "status": {"phase": phase, "message": message, "nodes": nodes or {}},
    }  # fmt: skip


def pod(waiting=None, terminated=None, conditions=()):
    state = {"waiting": waiting} if waiting else {"terminated": terminated} if terminated else {"running": {}}
    return {
        "metadata": {"name": "w-pod"},
        "spec": {"containers": [{"name": "main", "image": "i"}]},
        "status": {"phase": "Pending", "conditions": list(conditions), "containerStatuses": [
            {"name": "main", "image": "i", "state": state}]},
    }  # fmt: skip


def event(message, reason="Failed", kind="Warning"):
    return {"type": kind, "reason": reason, "object": "pod/w-pod", "message": message, "count": 1}


def wrong(document, pods=(), events=(), claims=None):
    return [one for one in findings(document, pods, events, claims or {}, NOW) if one.wrong]


def test_an_image_that_is_not_there():
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image x:does-not-exist"}
    (found,) = wrong(workflow("Running"), [pod(waiting)])
    assert (found.part, found.entry) == ("pod w-pod", Entry.IMAGES)
    assert "does-not-exist" in found.seen
    assert "guide, “Workflows failing”: Container images" in found.sentence()


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        ('secret "db" not found', Entry.ENVIRONMENT),
        ('persistentvolumeclaim "task-results-pvc" not found', Entry.MOUNTS),
        ("MountVolume.SetUp failed for volume", Entry.MOUNTS),
        ("0/1 nodes are available: 1 Insufficient cpu", Entry.HEALTH),
        ("Failed to pull image", Entry.IMAGES),
    ],
)
def test_an_event_points_to_the_guides_line(message, entry):
    (found,) = wrong(workflow("Running"), events=[event(message), event("pulled", kind="Normal")])
    assert found.entry is entry


def test_an_exit_code_is_named_with_its_node():
    nodes = {"n": {"type": "Pod", "displayName": "main", "phase": "Failed", "message": "Error (exit code 3)",
                   "outputs": {"exitCode": "3"}}}  # fmt: skip
    told = [one.sentence() for one in wrong(workflow(message="child failed", nodes=nodes))]
    assert any(sentence.startswith("node main: Failed, exit code 3") for sentence in told)


def test_out_of_memory_is_a_matter_of_limits():
    ended = {"reason": "OOMKilled", "exitCode": 137}
    found = wrong(workflow(), [pod(terminated=ended)])
    assert [one.entry for one in found if one.part == "pod w-pod"] == [Entry.LIMITS]


def test_a_claim_that_is_not_bound():
    (found,) = wrong(workflow("Pending"), claims={"results": "Pending", "other": "Bound"})
    assert (found.part, found.entry) == ("PVC results", Entry.PVC)


def test_a_workflow_that_no_controller_has_seen():
    document = workflow()
    document["status"] = {}
    (found,) = wrong(document)
    assert "no controller has picked it up in 60 s" in found.seen


def test_a_mount_of_no_volume():
    container = {"image": "i", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    assert wrong(workflow("Succeeded", container=container))[0].entry is Entry.MOUNTS
    assert not wrong(workflow("Succeeded", container=container, volumes=[{"name": "data"}]))


def test_values_of_the_environment_are_never_shown():
    container = {"image": "i", "env": [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}],
                 "envFrom": [{"secretRef": {"name": "keys"}}]}  # fmt: skip
    told = str([one.seen for one in findings(workflow(container=container), [], [], {}, NOW)])
    assert "DB_PASSWORD, all of secret keys" in told
    assert "hunter2" not in told


def test_the_frame_has_what_is_wrong_first_and_a_good_workflow_says_nothing():
    bad = Diagnosis("w", tuple(findings(workflow("Running"), [], [event("x")], {"c": "Bound"}, NOW)))
    assert next(iter(bad.frame["wrong"])) == "yes"
    assert set(bad.frame["guide"]) <= {entry.reference for entry in Entry}
    good = Diagnosis("w", tuple(findings(workflow("Succeeded"), [pod()], [], {"c": "Bound"}, NOW)))
    assert good.sentences == ["w: nothing that can be read says what is wrong with it"]
