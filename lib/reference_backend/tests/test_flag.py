"""The flag: what decides, for which tasks, and what the service says about it."""

from decimal import Decimal
from itertools import pairwise

import pytest

from reference_backend.flag import Decision, decide, parse_env, parse_file
from reference_backend.split import bucket, takes_hera

# SHA-256 computed elsewhere (coreutils sha256sum, bc); the kit's own copy of the function meets the same vectors.
VECTORS = {"task-000000000000": 7611, "task-0123456789ab": 9134, "": 1652}


@pytest.mark.parametrize(("task_id", "expected"), VECTORS.items())
def test_golden_buckets(task_id, expected):
    assert bucket(task_id) == expected


def test_each_rung_contains_the_one_before():
    ids = [f"task-{number:012x}" for number in range(2000)]
    rungs = [{task for task in ids if takes_hera(task, Decimal(percent))} for percent in (0, 10, 25, 50, 75, 100)]
    assert all(low < high for low, high in pairwise(rungs))
    assert len(rungs[0]) == 0
    assert len(rungs[-1]) == 2000
    assert abs(len(rungs[1]) - 200) < 50


def test_percent_is_exact():
    seven = [task for task in (f"task-{number:012x}" for number in range(30_000)) if bucket(task) == 7]
    assert seven
    assert not any(takes_hera(task, Decimal("0.07")) for task in seven)


@pytest.mark.parametrize(
    ("env", "file", "enabled", "percent", "by"),
    [
        (None, None, False, 0, "default"),
        ("true", None, True, 100, "env"),
        ("TRUE", None, True, 100, "env"),
        ("false", None, False, 0, "env"),
        ("1", None, False, 0, "env"),
        ("false", {"enabled": "true", "percent": "50"}, False, 0, "env"),
        ("true", {"enabled": "false", "percent": "50"}, False, 0, "file"),
        ("true", {"enabled": "true", "percent": "50"}, True, 50, "file"),
        (None, {"enabled": "true", "percent": "12.5"}, True, 12.5, "file"),
        (None, {"enabled": "True"}, True, 100, "file"),
        (None, {"enabled": "false"}, False, 0, "file"),
        ("", {"enabled": "true"}, True, 100, "file"),
        (None, {"percent": "50"}, False, 0, "default"),
    ],
)
def test_what_decides(env, file, enabled, percent, by):
    assert decide(parse_env(env), parse_file(file or {})) == Decision(enabled, Decimal(str(percent)), by)


@pytest.mark.parametrize(
    "entries",
    [
        {"enabled": "yes"},
        {"enabled": "true", "percent": "101"},
        {"enabled": "true", "percent": "x"},
        {"enabled": "true", "percent": "NaN"},
    ],
)
def test_a_file_that_cannot_be_read_is_off(make_client, flag_file, caplog, entries):
    client = make_client(use_hera_sdk="true")
    flag_file.put(**entries)
    answer = client.get("/api/v1/flag").json()
    assert (answer["enabled"], answer["percent"], answer["decidedBy"]) == (False, 0, "file")
    assert answer["file"] == entries
    assert "taken as off" in caplog.text


def test_route_tells_all(make_client, flag_file):
    client = make_client(use_hera_sdk="true", code_revision="sha256:abc")
    flag_file.put(enabled="true", percent="25")
    assert client.get("/api/v1/flag").json() == {
        "enabled": True,
        "percent": 25.0,
        "decidedBy": "file",
        "env": "true",
        "file": {"enabled": "true", "percent": "25"},
        "heraVersion": "7.1.0",
        "heraImport": "ok",
        "codeRevision": "sha256:abc+hera-7.1.0",
        "pod": "pod-1",
    }


def test_file_switches_without_a_restart_and_tasks_stay_on_their_side(client, submit, flag_file, argo):
    ids = [submit(client)["id"] for _ in range(15)]
    for percent in (0, 40, 100, 40):
        flag_file.put(enabled="true", percent=percent)
        for task_id in ids:
            workflow = argo.workflows[submit(client, taskId=task_id)["workflowId"]]
            expected = "hera" if bucket(task_id) < percent * 100 else "yaml"
            assert workflow["metadata"]["labels"]["hera-rollout/path"] == expected
            assert (
                workflow["metadata"]["annotations"]["hera-rollout/flag"]
                == f"file:on:{percent}%:bucket={bucket(task_id)}"
            )
