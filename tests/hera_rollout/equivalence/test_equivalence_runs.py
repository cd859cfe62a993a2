"""Finished runs: what must differ is masked, what may not differ is found, what cannot be read is said."""

import base64
import copy
import gzip
import json

import pytest

from hera_rollout.equivalence import compare_runs
from hera_rollout.equivalence.masking import Mask
from hera_rollout.errors import Refused


def run(name, code="0", said="hello", phase="Succeeded"):
    ids = {"root": name, "pod": f"{name}-main-1234567890", "second": f"{name}-main-987654321"}
    outputs = {"exitCode": code, "parameters": [{"name": "greeting", "value": said}], "artifacts": [{"name": "a"}]}

    def node(node_id, display, kind, **more):
        times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:05Z"}
        return {"id": node_id, "name": display, "displayName": display, "type": kind, "phase": phase, **times, **more}

    nodes = {
        ids["root"]: node(ids["root"], name, "DAG", templateName="main", children=[ids["pod"]]),
        ids["pod"]: node(ids["pod"], "say", "Pod", templateName="say", boundaryID=ids["root"], outputs=outputs),
        ids["second"]: node(ids["second"], "hear", "Pod", templateName="hear", boundaryID=ids["root"]),
    }
    status = {
        "phase": phase,
        "nodes": nodes,
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:10Z",
        "resourcesDuration": {"cpu": 3, "memory": 40},
    }
    return {"metadata": {"name": name, "uid": f"uid-of-{name}"}, "status": status}


def judged(one, other, *logs):
    return {(d.path, d.severity) for d in compare_runs(one, other, *logs).differences}


def test_two_runs_of_one_workflow_are_the_same_whatever_their_names():
    made = compare_runs(run("job-yaml-1"), run("job-hera-2"))
    assert made.same
    assert made.differences == ()
    assert made.nodes == 3
    figures = {(m.path, m.what): (m.yaml, m.hera) for m in made.measures}
    assert figures["workflow", "seconds"] == (10.0, 10.0)
    assert figures["workflow", "resourcesDuration cpu (indicative)"] == (3, 3)
    assert figures["<workflow>/say", "seconds"] == (5.0, 5.0)


def test_times_and_resources_are_shown_and_not_judged():
    slower = run("b")
    slower["status"] |= {"finishedAt": "2026-01-01T01:00:00Z", "resourcesDuration": {"cpu": 999}}
    made = compare_runs(run("a"), slower)
    assert made.same
    assert made.measures[0].hera == 3600.0


@pytest.mark.parametrize(
    ("other", "where"),
    [
        (run("b", code="1"), "nodes[<workflow>/say].outputs.exitCode"),
        (run("b", said="bye"), "nodes[<workflow>/say].outputs.parameters[greeting]"),
        (run("b", phase="Failed"), "nodes[<workflow>/hear].phase"),
    ],
)
def test_what_came_out_is_judged(other, where):
    made = judged(run("a"), other)
    assert (where, "behavioural") in made
    assert {path for path, _ in made} == {path for path, _ in judged(other, run("a"))}


def test_a_node_that_only_one_side_ran():
    other = run("b")
    other["status"]["nodes"].pop("b-main-987654321")
    assert judged(run("a"), other) == {("nodes[<workflow>/hear]", "behavioural")}
    lacks = run("c")
    lacks["status"]["nodes"]["c-main-1234567890"]["outputs"].pop("artifacts")
    assert judged(run("a"), lacks) == {("nodes[<workflow>/say].outputs.artifacts[a]", "behavioural")}


def test_packed_nodes_are_read():
    packed = run("b")
    nodes = packed["status"].pop("nodes")
    packed["status"]["compressedNodes"] = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    assert compare_runs(run("a"), packed).same
    nodes["b-main-1234567890"]["outputs"]["exitCode"] = "7"
    packed["status"]["compressedNodes"] = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()
    assert not compare_runs(run("a"), packed).same


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"phase": "Running"}, "it has not ended"),
        ({}, "it has not ended"),
        ({"phase": "Succeeded"}, "it has no nodes"),
        ({"phase": "Succeeded", "offloadNodeStatusVersion": "fnv:1"}, "in the controller's database"),
        ({"phase": "Succeeded", "compressedNodes": "!!"}, "cannot be read"),
        ({"phase": "Succeeded", "compressedNodes": base64.b64encode(gzip.compress(b"[1]")).decode()}, "no object"),
    ],
)
def test_what_cannot_be_compared_says_so(status, said):
    with pytest.raises(Refused, match=r"b is not comparable.*" + said):
        compare_runs(run("a"), {"metadata": {"name": "b"}, "status": status})


def test_logs_are_compared_after_masking():
    ours = {"a": "2026-01-01T00:00:01Z a says hello in 12ms\npod a-main-1234567890\n", "say": "x"}
    theirs = {"b": "2027-12-31 23:59:59.123 b says hello in 3.5s\npod b-main-55555555\n", "say": "x"}
    made = compare_runs(run("a"), run("b"), ours, theirs)
    assert [(d.path, d.severity) for d in made.differences] == [("logs[<workflow>]", "none")]
    assert made.logs == 2
    other = copy.copy(theirs) | {"say": "y"}
    assert ("logs[say]", "behavioural") in judged(run("a"), run("b"), ours, other)
    assert ("logs[say]", "behavioural") in judged(run("a"), run("b"), ours, {"b": theirs["b"]})


def test_a_mask_takes_names_and_times_and_nothing_else():
    mask = Mask({"metadata": {"name": "job", "uid": "1-2-3"}})
    assert mask("/tmp/venv-job/bin, job-main-1234567890, 1-2-3") == "/tmp/venv-<workflow>/bin, <pod>, <uid>"
    assert (
        mask("jobs joblib my-jobs job-x 12 apples 3.14 in 2 steps")
        == "jobs joblib my-jobs job-x 12 apples 3.14 in 2 steps"
    )


def test_the_executors_own_lines_are_left_out_and_the_programs_are_not():
    own = 'time=2026-11-25T00:44:31.623Z level=INFO msg="waiting for signals" argo=true signalPath=/var/run/argo\n'
    more = 'time=2026-11-25T00:44:39.437Z level=INFO msg="file signal handler exiting" argo=true\n'
    assert judged(run("a"), run("b"), {"a": own + "42\n"}, {"b": own + "42\n" + more}) == {("logs[<workflow>]", "none")}
    theirs = 'time=2026-11-25T00:44:31.623Z level=INFO msg="rows" count=1\n'
    assert ("logs[<workflow>]", "behavioural") in judged(run("a"), run("b"), {"a": own + theirs}, {"b": own})
