"""Argo's log stream and its names of pods."""

import json

import pytest

from reference_backend.argo import _lines_by_pod
from reference_backend.errors import ArgoRefused
from reference_backend.runlogs import entries


def test_nodes_become_entries_in_the_order_they_started():
    nodes = {
        "wf": {"name": "wf", "type": "Retry", "startedAt": "2026-01-01T00:00:00Z"},
        "wf-222": {
            "name": "wf(1)",
            "type": "Pod",
            "phase": "Succeeded",
            "templateName": "main",
            "startedAt": "2026-01-01T00:00:09Z",
        },
        "wf-111": {
            "name": "wf(0)",
            "type": "Pod",
            "phase": "Failed",
            "templateName": "main",
            "startedAt": "2026-01-01T00:00:01Z",
        },
    }
    found = entries("wf", nodes, {"wf-main-111": "first", "wf-main-222": "second"})
    assert [(entry.node, entry.pod, entry.phase, entry.logs) for entry in found] == [
        ("wf-111", "wf-main-111", "Failed", "first"),
        ("wf-222", "wf-main-222", "Succeeded", "second"),
    ]


def test_the_root_nodes_pod_has_the_workflows_name():
    (entry,) = entries(
        "wf", {"wf": {"name": "wf", "type": "Pod", "phase": "Running", "templateName": "main"}}, {"wf": "x"}
    )
    assert (entry.pod, entry.logs) == ("wf", "x")


def test_lines_of_several_pods_are_kept_apart():
    lines = [
        json.dumps({"result": {"content": text, "podName": pod}}) for text, pod in (("a", "1"), ("b", "2"), ("c", "1"))
    ]
    assert _lines_by_pod(lines) == {"1": "a\nc", "2": "b"}


def test_an_error_inside_the_stream_is_an_error():
    line = json.dumps({"error": {"grpc_code": 7, "http_code": 403, "message": "pods is forbidden"}})
    with pytest.raises(ArgoRefused, match="forbidden") as caught:
        _lines_by_pod([line])
    assert caught.value.code == 403
