"""The status of a real rollout: what pods, cluster and lease say, and the command that shows it.

What is asked, missing or in trouble, and every word: tests/hera_rollout/status.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hera_rollout import state
from hera_rollout.cluster import Cluster
from hera_rollout.state import State
from hera_rollout.status import gather

pytestmark = [pytest.mark.live, pytest.mark.timeout(200)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"


@pytest.fixture
def standing(clean_backend, target):
    """A canary at 25 % that the kit has set; its lease is held by this process."""
    by_file = target.by("configmap")
    cluster = Cluster.connect(by_file)
    with state.hold(cluster, "ann", rollout="status-test", doing="03_canary"):
        kept = State.load(cluster)
        clean_backend.set_env(USE_HERA_SDK="true")
        clean_backend.set_flag(percent=25)
        kept.enter("status-test", "03_canary", by="ann", rung=25.0)
        kept.flag_set(enabled=True, percent=25, by="ann", why="rung 25")
        state.begin(kept, "03_canary", by="ann")
        yield cluster


def command(target, *words, **streams):
    return subprocess.Popen(
        [COMMAND, "status", "--target", target, *words], cwd=ROOT, text=True, env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams,
    )  # fmt: skip


def test_a_canary_at_25_is_seen_by_pods_state_and_lease_and_the_command_shows_it(standing, target_path, tmp_path):
    found = gather(standing.target, tmp_path)
    assert (found.rollout.value.phase, found.rollout.value.rung) == ("03_canary", 25.0)
    assert found.rollout.value.since <= datetime.now(UTC)
    assert [(pod.enabled, pod.percent) for pod in found.flag.value] == [(True, 25.0)] * 2
    assert (found.lease.value.alive, found.lease.value.doing) == (True, "03_canary")
    assert found.drift.value == ()

    once = command(target_path, "--records", tmp_path, "--json")
    text, errors = once.communicate(timeout=60)
    assert (once.returncode, errors) == (0, "")
    assert json.loads(text)["rollout"]["value"]["id"] == "status-test"
    watching = command(target_path, "--records", tmp_path, "--watch")
    assert "status-test at 03_canary rung 25 %" in watching.stdout.readline()
    watching.send_signal(signal.SIGTERM)
    assert watching.communicate(timeout=60) == ("", "")
    assert watching.returncode == 0
