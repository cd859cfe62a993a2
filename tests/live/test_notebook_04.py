"""Notebook 04 on the lab by the kit's command: watched over two runs, and each fault taken back by itself.

Healthy, to PASS: the reference copy in tests/nbval/, replayed by tests/run before these. What it asks for, and what
users' words do: test_refusals.py and test_going_on_with_a_run.py of tests/hera_rollout/small_cluster.
"""

import json
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hera_rollout import records
from hera_rollout.cluster import Cluster
from hera_rollout.state import State

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
DEPLOY, OUTSIDE = "deploy to all production traffic", "deploy outside of the low-traffic hours"
COMMON = {"dry_run": "False", "user_issues": "none", "rollout": "production-test", "told": "nobody else is here"}


@pytest.fixture
def before(clean_backend, passed, tmp_path):
    """Where the records are that 04 asks for: the canary's that passed, of nbval's run."""
    assert "03_canary" in passed, "tests/run leaves it; by hand: tests/nbval/prepare.py FOLDER 03_canary"
    return str(passed["02_staging"].folder.parent.parent)


@pytest.fixture
def patient(target_file):
    """The lab, but for times: the pure tests run beside these, and the canary's times are from when nothing did."""
    return target_file(slowdown_max=20.0)


def approvals(*subjects):
    """As the parameter takes them."""
    return json.dumps([{"approver": "Ann", "rollout": "production-test", "phase": "04_production", "what": what,
                        "reason": "a test", "at": datetime.now(UTC).isoformat()} for what in subjects])  # fmt: skip


def run(folder, before, target, **parameters):
    """`hera-rollout run 04`; its exit code and its record."""
    given = {**COMMON, "records": before, **parameters}
    options = [word for name, value in given.items() for word in ("-p", name, str(value))]
    done = subprocess.run([COMMAND, "run", "04", "--target", target, "--records", folder, *options], cwd=ROOT,
                          capture_output=True, text=True, timeout=450, check=False)  # fmt: skip
    found = [record for record in records.find(folder) if record.data["notebook"] == "04_production"]
    assert found, done.stderr
    return done.returncode, found[0]


def checks(record):
    return {check["name"]: check for check in record.data["checks"]}


def enabled(lab):
    """What the pods say."""
    return {said["enabled"] for said in lab.flags()}


@pytest.mark.soak
def test_two_runs_add_up_to_one_watch_and_the_second_turns_nothing(clean_backend, before, patient, tmp_path, cluster):
    code, record = run(tmp_path, before, patient, approval=approvals(DEPLOY, OUTSIDE), patience_seconds=8, traffic=0.6)
    assert (code, record.verdict) == (3, "HOLD")
    first = checks(record)["stable"]
    assert "the guide asks for 48+ hours: 30 s is a deviation of target lab" in first["seen"]
    assert enabled(clean_backend) == {True}
    generation = clean_backend.generation()
    code, record = run(tmp_path, before, patient, patience_seconds=8, traffic=0.6, operator="Bea")
    assert (code, record.verdict) == (3, "HOLD")
    second = checks(record)["stable"]["evidence"]
    assert second["watched"] > first["evidence"]["watched"] + 5
    assert second["spells"][0][0] == first["evidence"]["spells"][0][0]
    assert clean_backend.generation() == generation
    assert checks(record)["success rate"]["evidence"]["seen"]["workflows"] > 0
    assert State.load(Cluster.connect(cluster.target)).facts.runs["04_production"].attempts == 2


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(({"leak": "48"}, "memory"), id="leak"),
        pytest.param(({"slow_hera": "2500"}, "response times"), id="slow-hera", marks=pytest.mark.soak),
    ],
)
def test_a_fault_is_taken_back_by_itself_for_the_right_reason(clean_backend, before, target_file, tmp_path, case):
    fault, check = case
    clean_backend.set_faults(**fault)
    target = target_file() if check == "response times" else target_file(slowdown_max=20.0)
    code, record = run(tmp_path, before, target, approval=approvals(DEPLOY, OUTSIDE), patience_seconds=200, traffic=0.8)
    found = checks(record)
    assert (code, record.verdict) == (1, "FAIL"), record.data["reason"]
    assert found[check]["verdict"] == "FAIL"
    assert found["rollback"]["verdict"] == "PASS"
    assert enabled(clean_backend) == {False}


@pytest.mark.soak
def test_a_crash_loop_is_taken_back_by_itself(clean_backend, before, patient, tmp_path, target):
    """The service's first process is killed in its pods, again and again, until the flag is off."""
    over = threading.Event()

    def crash():
        while not over.wait(4):
            with suppress(Exception):  # a pod that is down right now is met at the next round
                if deployed(target) and not taken_back(target):
                    for pod in clean_backend.pods():
                        # The first process of a container takes no SIGKILL from inside; this one it handles, and ends.
                        end = "import os, signal; os.kill(1, signal.SIGTERM)"
                        clean_backend.admin.kubectl("exec", pod.metadata.name, "--", "python3", "-c", end)

    crashing = threading.Thread(target=crash, daemon=True)
    crashing.start()
    try:
        code, record = run(tmp_path, before, patient, approval=approvals(DEPLOY, OUTSIDE), patience_seconds=200)
    finally:
        over.set()
        crashing.join(30)
    found = checks(record)
    assert (code, record.verdict) == (1, "FAIL"), record.data["reason"]
    assert found["pods stay up"]["verdict"] == "FAIL"
    assert "restarts since the deploy" in found["pods stay up"]["seen"]
    clean_backend.settled()
    assert enabled(clean_backend) == {False}


def deployed(target):
    """Whether the run has kept that it deployed."""
    runs = State.load(Cluster.connect(target)).facts.runs
    return "04_production" in runs and "deployed" in runs["04_production"].steps


def taken_back(target):
    """Whether the kit's last word on the flag is off."""
    flags = State.load(Cluster.connect(target)).facts.flags
    return bool(flags) and not flags[-1].enabled
