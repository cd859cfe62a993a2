"""The status of a real rollout: what pods, cluster, lease and records say, and that looking changes nothing."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from hera_rollout import state
from hera_rollout.cluster import Cluster
from hera_rollout.state import State
from hera_rollout.status import Known, Unknown, gather
from hera_rollout.status.parts import PARTS

pytestmark = [pytest.mark.live, pytest.mark.timeout(200)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
TASKS = "http://127.0.0.1:8000/api/v1/tasks"
KEPT = ("configmap/hera-rollout-backend", "configmap/backend-flag", "deployment/backend")


@pytest.fixture(autouse=True)
def fresh(suspended):
    """No flag in either medium, nothing remembered, nothing in flight that an earlier test left.

    Workflows start no pod, so they are in flight until resumed.
    """
    suspended.admin.kubectl("delete", "workflows", "--all", "--wait=false")
    suspended.clear_flag()
    suspended.set_env(USE_HERA_SDK=None)
    suspended.forget()


@pytest.fixture
def standing(suspended, target):
    """A canary at 25 % that the kit has set; its lease is held by this process."""
    by_file = target.by("configmap")
    cluster = Cluster.connect(by_file)
    with state.hold(cluster, "ann", rollout="status-test", doing="03_canary"):
        kept = State.load(cluster)
        suspended.set_env(USE_HERA_SDK="true")
        suspended.set_flag(percent=25)
        kept.enter("status-test", "03_canary", by="ann", rung=25.0)
        kept.flag_set(enabled=True, percent=25, by="ann", why="rung 25")
        state.begin(kept, "03_canary", by="ann")
        yield cluster


@pytest.fixture
def by_hera(suspended):
    """A workflow by Hera in flight: its name."""
    suspended.set_env(USE_HERA_SDK="true")
    answer = httpx.post(f"{TASKS}/submit", json={"pythonCode": "print('done')"}, timeout=20)
    assert answer.status_code == 200, answer.text
    yield answer.json()["workflowId"]
    httpx.delete(f"{TASKS}/{answer.json()['id']}/delete", timeout=20)


def versions(lab):
    """The resource versions of all that a rollout keeps on the cluster."""
    text = lab.operator.kubectl("get", *KEPT, "-o", "json", "--ignore-not-found")
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in json.loads(text)["items"]}


def command(*words, **streams):
    return subprocess.Popen(
        [COMMAND, "status", "--target", "lab", *words], cwd=ROOT, text=True, env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams,
    )  # fmt: skip


def test_nothing_began_and_nothing_is_written(suspended, target, tmp_path):
    before = versions(suspended)
    found = gather(target, tmp_path)
    assert {name for name in PARTS if isinstance(getattr(found, name), Unknown)} == set()
    assert found.rollout.value.id == ""
    assert (found.lease, found.in_flight) == (Known(None), Known(()))
    assert [(pod.enabled, pod.problem) for pod in found.flag.value] == [(False, "")] * 2
    assert versions(suspended) == before


def test_a_canary_at_25_is_seen_by_pods_state_and_lease(standing, tmp_path):
    found = gather(standing.target, tmp_path)
    assert (found.rollout.value.phase, found.rollout.value.rung) == ("03_canary", 25.0)
    assert found.rollout.value.since <= datetime.now(UTC)
    assert [(pod.enabled, pod.percent) for pod in found.flag.value] == [(True, 25.0)] * 2
    assert (found.lease.value.alive, found.lease.value.doing) == (True, "03_canary")
    assert found.drift.value == ()


@pytest.mark.soak
def test_a_flag_changed_by_hand_is_drift_by_name(standing, suspended, tmp_path):
    suspended.operator.kubectl("patch", "configmap", "backend-flag", "--type=merge", "-p", '{"data":{"percent":"50"}}')
    drift = gather(standing.target, tmp_path).drift.value
    assert len(drift) == 1
    assert "kubectl" in drift[0]


def test_what_hera_has_in_flight_is_named(by_hera, target, tmp_path):
    assert by_hera in [one.name for one in gather(target, tmp_path).in_flight.value]


def test_a_right_that_is_missing_leaves_the_rest(target, tmp_path):
    elsewhere = target.model_copy(update={"namespace": "nobodys"})  # the operator has no right there
    found = gather(elsewhere, tmp_path)
    assert isinstance(found.cluster, Known)
    assert {name for name in PARTS if isinstance(getattr(found, name), Unknown)} == set(PARTS) - {"cluster", "records"}


def test_the_command_shows_it_as_json_and_its_watch_ends_at_sigterm(standing, tmp_path):
    once = command("--records", tmp_path, "--json")
    text, errors = once.communicate(timeout=60)
    assert (once.returncode, errors) == (0, "")
    assert json.loads(text)["rollout"]["value"]["id"] == "status-test"
    watching = command("--records", tmp_path, "--watch")
    assert "status-test at 03_canary rung 25 %" in watching.stdout.readline()
    watching.send_signal(signal.SIGTERM)
    assert watching.communicate(timeout=60) == ("", "")
    assert watching.returncode == 0
