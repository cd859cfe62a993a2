"""Notebook 03 on the lab by the kit's command: killed in the middle of a weight, and taken back by itself.

Healthy, to PASS: the reference copy in tests/nbval/, replayed by tests/run before these. What it asks for, and how it
is gone on with: test_refusals.py and test_going_on_with_a_run.py of tests/hera_rollout/small_cluster.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hera_rollout import records
from hera_rollout.cluster import Cluster
from hera_rollout.state import RecordHash, State, holder

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
RUNGS = (10, 25, 50, 75, 100)
COMMON = {"dry_run": "False", "user_issues": "none", "rollout": "canary-test"}


def words(folder, passed, target, **parameters):
    """The command line of one run."""
    given = {**COMMON, "records": str(passed["02_staging"].folder.parent.parent), **parameters}
    options = [word for name, value in given.items() for word in ("-p", name, str(value))]
    return [COMMAND, "run", "03", "--target", target, "--records", folder, *options]


def run(folder, passed, target, **parameters):
    """`hera-rollout run 03`; its exit code and its record."""
    done = subprocess.run(
        words(folder, passed, target, **parameters), cwd=ROOT, capture_output=True, text=True, timeout=450, check=False
    )
    found = [record for record in records.find(folder) if record.data["notebook"] == "03_canary"]
    assert found, done.stderr
    return done.returncode, found[0]


def approvals(*rungs):
    """As the parameter takes them."""
    return json.dumps([{"approver": "Ann", "rollout": "canary-test", "phase": "03_canary", "rung": rung,
                        "reason": "a test", "at": datetime.now(UTC).isoformat()} for rung in rungs])  # fmt: skip


def checks(record):
    return {check["name"]: check for check in record.data["checks"]}


def flags(lab):
    """What every pod says: enabled, percent."""
    return {(said["enabled"], said["percent"]) for said in lab.flags()}


def kept(cluster):
    """What the rollout remembers of the run."""
    return State.load(Cluster.connect(cluster.target)).facts.runs["03_canary"]


def kept_steps(cluster):
    """The keys of what the run has done; none before it began."""
    runs = State.load(Cluster.connect(cluster.target)).facts.runs
    return runs["03_canary"].steps if "03_canary" in runs else {}


@pytest.mark.soak  # at 10 % of the lab's few tasks the evidence takes minutes
def test_a_slow_path_is_taken_back_by_itself_and_it_says_what_to_look_at(clean_backend, passed, tmp_path, target_path):
    clean_backend.set_faults(slow_hera="1500")
    code, record = run(tmp_path, passed, target_path, approval=approvals(*RUNGS), traffic="0.6", patience_seconds=240)
    failed(clean_backend, code, record, "response times")
    assert "Performance degradation: what the guide says to look at" in record.report.read_text()


def failed(lab, code, record, check):
    """A bad path was taken back by itself, by this check, and it says who saw Hera."""
    found = checks(record)
    assert (code, record.verdict) == (1, "FAIL"), record.data["reason"]
    assert found[check]["verdict"] == "FAIL"
    assert re.search(r"% (failed|in time) over \d+ workflows", found[check]["seen"])
    assert re.search(r"decided after \d+ workflows by Hera, at \d+ %: \d+ of \d+ tasks \(.*%\) saw Hera",
                     found["exposure"]["seen"])  # fmt: skip
    assert found["rollback"]["verdict"] == "PASS"
    assert {enabled for enabled, _ in flags(lab)} == {False}


def test_failing_workflows_are_taken_back_whoever_writes_the_rollouts_state_meanwhile(
    clean_backend, passed, tmp_path, cluster, target_path
):
    """As `records add` of an old notebook does, each second, between any two looks."""
    clean_backend.set_faults(flaky_hera="0.9")
    over, added = threading.Event(), []

    def add():
        while not over.wait(1):
            if "rung 10" in kept_steps(cluster):
                record = RecordHash(at=datetime.now(UTC), rollout="old", phase="01_dev_testing", verdict="PASS",
                                    folder=f"old-{len(added)}", sha256=f"{len(added):064x}")  # fmt: skip
                State.load(cluster).recorded(record, by="Bo")
                added.append(record.folder)

    writer = threading.Thread(target=add)
    writer.start()
    try:
        code, record = run(
            tmp_path, passed, target_path, approval=approvals(*RUNGS), traffic="0.6", patience_seconds=240
        )
    finally:
        over.set()
        writer.join()
    failed(clean_backend, code, record, "success rate")
    assert holder(cluster) is None
    there = {one.folder for one in State.load(cluster).facts.records}
    assert len(added) > 1
    assert set(added) <= there, "what somebody else wrote is still there"
    assert kept(cluster).concluded == "FAIL"


def test_killed_in_mid_weight_it_is_gone_on_with_and_ended_by_a_signal_it_says_where_the_flag_stands(
    clean_backend, passed, tmp_path, cluster, target_path
):
    with started(tmp_path, passed, target_path, approval=approvals(10)) as running:
        until(lambda: "rung 10" in kept_steps(cluster), "the rung never began")
        os.killpg(running.pid, signal.SIGKILL)
    began = kept(cluster).steps["rung 10"]["began"]
    with started(tmp_path, passed, target_path) as again:
        until(lambda: kept(cluster).attempts == 2, "it did not go on")
        time.sleep(8)  # so that it looks a few times
        assert kept(cluster).steps["rung 10"]["began"] == began
        again.send_signal(signal.SIGTERM)
        assert again.wait(60) == 4
    record = next(record for record in records.find(tmp_path) if record.verdict == "BROKEN")
    assert "percent 10" in record.data["next"]
    assert f"hera-rollout rollback --target {target_path} --yes" in record.data["next"]
    assert flags(clean_backend) == {(True, 10)}
    code, record = run(tmp_path, passed, target_path, patience_seconds=3)
    assert (code, record.verdict) == (3, "HOLD"), "the lease of a kernel that is dead is free at once"
    assert "approved by Ann" in checks(record)["approval: rung 10 %"]["seen"]
    assert kept(cluster).steps["rung 10"]["began"] == began


def started(folder, passed, target, **parameters):
    """A run that watches its weight for minutes."""
    command = words(folder, passed, target, patience_seconds=300, **parameters)
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def until(condition, otherwise, seconds=120):
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(1)
