"""Notebook 04 on the lab by the kit's command: held back, watched over two runs, and each fault taken back by itself.

Healthy, to PASS: the reference copy in tests/nbval/, replayed by tests/run before these.
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


def run(folder, before, target="lab", **parameters):
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


def test_nobody_approved_and_nobody_was_told_so_nothing_is_turned(clean_backend, before, tmp_path, monkeypatch):
    monkeypatch.delenv("HERA_ROLLOUT_NOTICES", raising=False)
    generation = clean_backend.generation()
    code, record = run(tmp_path, before, told="", approval=approvals(OUTSIDE))
    assert (code, record.verdict) == (3, "HOLD")
    assert "names no address" in checks(record)["communication: before"]["seen"]
    code, record = run(tmp_path, before, approval=approvals(OUTSIDE))
    assert (code, record.verdict) == (3, "HOLD")
    todo = checks(record)[f"approval: {DEPLOY}"]["todo"]
    assert "hera-rollout approve --rollout production-test --phase 04_production" in todo
    assert clean_backend.generation() == generation
    assert enabled(clean_backend) == {False}


@pytest.mark.soak
def test_without_a_canary_it_does_not_begin_and_who_skipped_it_is_named(clean_backend, before, tmp_path, monkeypatch):
    code, record = run(tmp_path, str(tmp_path))
    assert (code, record.verdict) == (3, "HOLD")
    assert "no live record of 03_canary" in checks(record)["entry gate"]["seen"]
    code, record = run(tmp_path, before, previous=str(skipped(clean_backend, before, tmp_path, monkeypatch)))
    assert (code, record.verdict) == (3, "HOLD")
    gate = checks(record)["entry gate"]
    assert gate["verdict"] == "PASS"
    assert "the canary was skipped, approved by Ann: optional, says the guide" in gate["seen"]
    assert checks(record)["entry gate: staging"]["verdict"] == "PASS"
    assert f"approval: {OUTSIDE}" in checks(record) or f"approval: {DEPLOY}" in checks(record), "it went on"


def skipped(lab, before, folder, monkeypatch):
    """The record of a canary that a service without the flag's file could not do, and that somebody skipped."""
    # The administrator may read any ConfigMap; Argo knows only the operator's token.
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", lab.operator.token)
    text = (ROOT / "targets" / "lab.toml").read_text(encoding="utf-8")
    for old, new in (('context = "lab"', 'context = "lab-admin"'), ("[flag]", '[flag]\nconfigmap = "other-flag"')):
        text = text.replace(old, new)
    (folder / "other.toml").write_text(text, encoding="utf-8")
    skip = {"approver": "Ann", "reason": "optional, says the guide", "rollout": "skipping", "phase": "03_canary",
            "what": "skip the canary", "at": datetime.now(UTC).isoformat()}  # fmt: skip
    words = ["-p", "dry_run", "False", "-p", "rollout", "skipping", "-p", "records", before, "-p", "approval",
             json.dumps(skip)]  # fmt: skip
    subprocess.run([COMMAND, "run", "03", "--target", folder / "other.toml", "--records", folder, *words], cwd=ROOT,
                   capture_output=True, timeout=300, check=False)  # fmt: skip
    return next(one.folder for one in records.find(folder) if one.data["notebook"] == "03_canary")


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


@pytest.mark.soak
def test_page_leaves_the_flag_and_users_words_decide(clean_backend, before, patient, tmp_path):
    code, record = run(
        tmp_path, before, patient, approval=approvals(DEPLOY, OUTSIDE), on_fail="page", user_issues="jobs hang"
    )
    assert (code, record.verdict) == (1, "FAIL")
    assert "jobs hang" in checks(record)["user-reported issues"]["seen"]
    assert "communication: during" in checks(record)
    assert enabled(clean_backend) == {True}
