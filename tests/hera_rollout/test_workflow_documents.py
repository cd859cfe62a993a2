import base64
import gzip
import json

from hera_rollout.target import Target
from hera_rollout.workflows import documents, hello
from hera_rollout.workflows.submission import spec_hash

NODES = {
    "w-2": {
        "displayName": "hear", "name": "w.hear", "type": "Pod", "phase": "Failed", "message": "exit code 3",
        "startedAt": "2026-11-24T10:00:05Z", "finishedAt": "2026-11-24T10:00:09Z",
    },
    "w-1": {
        "displayName": "say", "name": "w.say", "type": "Pod", "phase": "Succeeded",
        "startedAt": "2026-11-24T10:00:01Z", "finishedAt": "2026-11-24T10:00:04Z",
        "outputs": {"parameters": [{"name": "greeting", "value": "hello"}]},
    },
}  # fmt: skip


def workflow(phase="Failed", **status):
    labels = {"hera-rollout/path": "hera", "hera-rollout/task": "task-1", "hera-rollout/run": "2"}
    meta = {"name": "w", "namespace": "argo", "labels": labels, "creationTimestamp": "2026-11-24T10:00:00Z"}
    return {"metadata": meta, "spec": {}, "status": {"phase": phase, "nodes": NODES, **status}}


def test_pending_and_not_yet_seen_are_never_finished():
    assert [documents.finished(workflow(phase)) for phase in ("", "Pending", "Running")] == [False] * 3
    assert [documents.finished(workflow(phase)) for phase in ("Succeeded", "Failed", "Error")] == [True] * 3
    assert not documents.finished({"metadata": {"name": "w"}})


def test_nodes_are_told_in_the_order_they_started():
    frame = documents.node_frame(workflow())
    assert list(frame["display_name"]) == ["say", "hear"]
    assert list(frame["seconds"]) == [3.0, 4.0]
    assert frame.attrs["command"] == "argo get w -n argo"


def test_packed_nodes_are_unpacked():
    packed = base64.b64encode(gzip.compress(json.dumps(NODES).encode())).decode()
    assert documents.nodes(workflow(nodes=None, compressedNodes=packed)) == NODES


def test_outputs_carry_the_node_they_come_from():
    own = {"parameters": [{"name": "total", "value": 3}]}
    assert documents.outputs(workflow(outputs=own)) == {"total": "3", "say.greeting": "hello"}


def test_the_message_of_a_failed_node_is_told():
    assert documents.message(workflow(message="child failed")) == "child failed; hear: exit code 3"


def test_a_row_has_what_lists_and_figures_need():
    row = documents.row(workflow(startedAt="2026-11-24T10:00:01Z", finishedAt="2026-11-24T10:00:09Z"))
    assert (row["phase"], row["path"], row["task"], row["run"], row["seconds"]) == (
        "Failed",
        "hera",
        "task-1",
        "2",
        8.0,
    )


def test_a_workflow_nobody_has_looked_at_reads_as_pending():
    row = documents.row({"metadata": {"name": "w"}, "spec": {}})
    assert (row["phase"], row["seconds"], row["message"]) == ("Pending", None, "")


def test_the_hash_tells_specs_apart_and_not_the_order_of_keys():
    assert spec_hash({"a": 1, "b": 2}) == spec_hash({"b": 2, "a": 1})
    assert spec_hash({"a": 1}) != spec_hash({"a": 2})


def test_the_sample_is_the_same_each_time_it_is_built(make_target):
    target: Target = make_target()
    first, second = (hello(target).to_dict()["spec"] for _ in range(2))
    assert spec_hash(first) == spec_hash(second)
    assert first["templates"][-1]["dag"]["tasks"][1]["depends"] == "say"
