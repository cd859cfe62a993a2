"""Notebook 03 on the lab by the kit's command: gone on with after a HOLD or a kill, by another person, and stopped.

Healthy, to PASS: the reference copy in tests/nbval/, replayed by tests/run before these.
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
AGAIN = "roll out again what was rolled back"
COMMON = {"dry_run": "False", "user_issues": "none", "rollout": "canary-test"}


def words(folder, passed, target="lab", **parameters):
    """The command line of one run."""
    given = {**COMMON, "records": str(passed["02_staging"].folder.parent.parent), **parameters}
    options = [word for name, value in given.items() for word in ("-p", name, str(value))]
    return [COMMAND, "run", "03", "--target", target, "--records", folder, *options]


def run(folder, passed, **parameters):
    """`hera-rollout run 03`; its exit code and its record."""
    done = subprocess.run(
        words(folder, passed, **parameters), cwd=ROOT, capture_output=True, text=True, timeout=450, check=False
    )
    found = [record for record in records.find(folder) if record.data["notebook"] == "03_canary"]
    assert found, done.stderr
    return done.returncode, found[0]


def approvals(*rungs, again=""):
    """As the parameter takes them; `again`: why what was rolled back is tried once more."""
    subjects = [{"rung": rung, "reason": "a test"} for rung in rungs]
    if again:
        subjects.append({"what": AGAIN, "reason": again})
    return json.dumps([{"approver": "Ann", "rollout": "canary-test", "phase": "03_canary",
                        "at": datetime.now(UTC).isoformat(), **subject} for subject in subjects])  # fmt: skip


def checks(record):
    return {check["name"]: check for check in record.data["checks"]}


def flags(lab):
    """What every pod says: enabled, percent."""
    return {(said["enabled"], said["percent"]) for said in lab.flags()}


def kept(cluster):
    """What the rollout remembers of the run."""
    return State.load(Cluster.connect(cluster.target)).facts.runs["03_canary"]


def test_without_an_approval_it_holds_with_the_command_that_approves_and_turns_nothing(clean_backend, passed, tmp_path):
    code, record = run(tmp_path, passed)
    assert (code, record.verdict) == (3, "HOLD")
    assert checks(record)["testing checklist"]["evidence"]["record"] == passed["02_staging"].folder.name
    todo = checks(record)["approval: rung 10 %"]["todo"]
    assert "hera-rollout approve --rollout canary-test --phase 03_canary --rung 10" in todo
    assert flags(clean_backend) == {(False, 0)}
    code, record = run(tmp_path, passed, approval=approvals(25, 50))
    assert (code, record.verdict) == (3, "HOLD")
    assert "it approves rung 25 %" in checks(record)["approval: rung 10 %"]["seen"]
    assert flags(clean_backend) == {(False, 0)}


@pytest.mark.soak
def test_without_phase_2_or_a_drill_it_holds_before_anything_is_changed(clean_backend, passed, tmp_path):
    before = clean_backend.generation()
    code, record = run(tmp_path, passed, records=str(tmp_path))
    assert (code, record.verdict) == (3, "HOLD")
    assert "no live record of 02_staging" in checks(record)["entry gate"]["seen"]
    previous = str(passed["02_staging"].folder)
    code, record = run(tmp_path, passed, records=str(tmp_path), previous=previous)
    assert (code, record.verdict) == (3, "HOLD")
    assert "hera-rollout run drill" in checks(record)["drill on record"]["todo"]
    assert clean_backend.generation() == before


def test_without_prometheus_it_does_not_begin(clean_backend, passed, tmp_path):
    text = (ROOT / "targets" / "lab.toml").read_text(encoding="utf-8")
    (tmp_path / "blind.toml").write_text(re.sub(r"(?m)^prometheus_url = .*$", "", text), encoding="utf-8")
    before = clean_backend.generation()
    code, record = run(tmp_path, passed, target=str(tmp_path / "blind.toml"), approval=approvals(*RUNGS))
    assert (code, record.verdict) == (1, "FAIL")
    assert "Add prometheus_url to the target" in checks(record)["Prometheus"]["todo"]
    assert (clean_backend.generation(), flags(clean_backend)) == (before, {(False, 0)})


@pytest.mark.soak
def test_a_service_without_the_file_cannot_do_a_share_and_skipping_needs_an_approver_with_a_reason(
    clean_backend, passed, tmp_path, monkeypatch
):
    # The administrator may read any ConfigMap; Argo knows only the operator's token.
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", clean_backend.operator.token)
    text = (ROOT / "targets" / "lab.toml").read_text(encoding="utf-8")
    assert 'context = "lab"' in text
    other = text.replace('context = "lab"', 'context = "lab-admin"').replace(
        "[flag]", '[flag]\nconfigmap = "other-flag"'
    )
    (tmp_path / "other.toml").write_text(other, encoding="utf-8")
    before = clean_backend.generation()
    code, record = run(tmp_path, passed, target=str(tmp_path / "other.toml"))
    assert (code, record.verdict) == (3, "HOLD")
    assert "mount no ConfigMap other-flag" in checks(record)["flag by its file"]["seen"]
    assert '--what "skip the canary"' in checks(record)["approval: skip the canary"]["todo"].replace("'", '"')
    skip = {"approver": "Ann", "reason": "optional, says the guide", "rollout": "canary-test", "phase": "03_canary",
            "what": "skip the canary", "at": datetime.now(UTC).isoformat()}  # fmt: skip
    code, record = run(tmp_path, passed, target=str(tmp_path / "other.toml"), approval=json.dumps(skip))
    assert (code, record.verdict) == (3, "HOLD"), "skipped is not passed"
    assert [one["approver"] for one in record.data["approvals"]] == ["Ann"]
    assert clean_backend.generation() == before


def test_too_thin_traffic_holds_and_another_person_goes_on_from_there_and_a_change_by_hand_is_named(
    clean_backend, passed, tmp_path, cluster
):
    code, record = run(tmp_path, passed, approval=approvals(10), patience_seconds=6, operator="Ann")
    assert (code, record.verdict) == (3, "HOLD")
    held = checks(record)["rung 10 %"]
    assert held["verdict"] == "HOLD"
    assert "1 more workflows on Hera (never, at the present rate)" in held["todo"]
    assert flags(clean_backend) == {(True, 10)}
    began = kept(cluster).steps["rung 10"]["began"]

    code, record = run(tmp_path, passed, patience_seconds=3, operator="Bea")
    assert (code, record.verdict) == (3, "HOLD")
    assert record.data["operator"] == "Bea"
    assert "approved by Ann" in checks(record)["approval: rung 10 %"]["seen"]
    assert kept(cluster).attempts == 2
    assert kept(cluster).steps["rung 10"]["began"] == began

    clean_backend.set_flag(percent=90)
    code, record = run(tmp_path, passed, patience_seconds=3, operator="Bea")
    assert (code, record.verdict) == (3, "HOLD")
    seen = checks(record)["flag not changed by hand"]["seen"]
    assert "configmap/backend-flag now says" in seen
    assert "percent=90" in seen
    assert flags(clean_backend) == {(True, 90)}, "it is somebody else's, and not turned"


@pytest.mark.soak
def test_killed_at_a_rung_it_goes_on_from_the_clusters_state_and_the_flag_changed_meanwhile_ends_the_watch(
    clean_backend, passed, tmp_path, cluster
):
    command = words(tmp_path, passed, approval=approvals(10), patience_seconds=300)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          start_new_session=True) as running:  # fmt: skip
        deadline = time.monotonic() + 120
        while "rung 10" not in kept_steps(cluster):
            assert time.monotonic() < deadline, "the rung never began"
            time.sleep(1)
        os.killpg(running.pid, signal.SIGKILL)
    began = kept(cluster).steps["rung 10"]["began"]
    with subprocess.Popen(words(tmp_path, passed, patience_seconds=300), cwd=ROOT, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, start_new_session=True) as again:  # fmt: skip
        while kept(cluster).attempts < 2 or "looked" not in lately(cluster, began):
            assert time.monotonic() < deadline + 120, "it did not go on"
            time.sleep(1)
        time.sleep(8)
        assert kept(cluster).steps["rung 10"]["began"] == began
        clean_backend.set_flag(percent=30)
        assert again.wait(90) == 3
    record = next(one for one in records.find(tmp_path) if one.verdict == "HOLD")
    assert "percent=30" in checks(record)["flag not changed by hand"]["seen"]
    assert flags(clean_backend) == {(True, 30)}


def kept_steps(cluster):
    """The keys of what the run has done; none before it began."""
    runs = State.load(Cluster.connect(cluster.target)).facts.runs
    return runs["03_canary"].steps if "03_canary" in runs else {}


def lately(cluster, began):
    """Says so once the rung is there in the second attempt's state."""
    return "looked" if kept_steps(cluster).get("rung 10", {}).get("began") == began else ""


def test_users_words_take_it_back_by_itself(clean_backend, passed, tmp_path):
    code, record = run(tmp_path, passed, approval=approvals(10), patience_seconds=2, user_issues="jobs hang")
    found = checks(record)
    assert (code, record.verdict) == (1, "FAIL"), record.data["reason"]
    assert "jobs hang" in found["user-reported issues"]["seen"]
    assert found["rollback"]["verdict"] == "PASS"
    assert {enabled for enabled, _ in flags(clean_backend)} == {False}


@pytest.mark.soak  # at 10 % of the lab's few tasks the evidence takes minutes
@pytest.mark.parametrize(
    ("fault", "check"),
    [
        pytest.param({"flaky_hera": "0.9"}, "success rate", id="flaky-hera"),
        pytest.param({"slow_hera": "1500"}, "response times", id="slow-hera"),
    ],
)
def test_a_bad_path_is_taken_back_by_itself_and_it_says_who_saw_hera(clean_backend, passed, tmp_path, fault, check):
    clean_backend.set_faults(**fault)
    code, record = run(tmp_path, passed, approval=approvals(*RUNGS), traffic="0.6", patience_seconds=240)
    found = checks(record)
    assert (code, record.verdict) == (1, "FAIL"), record.data["reason"]
    assert found[check]["verdict"] == "FAIL"
    assert re.search(r"% (failed|in time) over \d+ workflows", found[check]["seen"])
    assert re.search(r"decided after \d+ workflows by Hera, at \d+ %: \d+ of \d+ tasks \(.*%\) saw Hera",
                     found["exposure"]["seen"])  # fmt: skip
    assert found["rollback"]["verdict"] == "PASS"
    assert {enabled for enabled, _ in flags(clean_backend)} == {False}
    if check == "response times":
        text = record.report.read_text()
        assert "Performance degradation: what the guide says to look at" in text


def test_a_fail_is_taken_back_whoever_writes_the_rollouts_state_meanwhile(clean_backend, passed, tmp_path, cluster):
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
        code, record = run(tmp_path, passed, approval=approvals(*RUNGS), traffic="0.6", patience_seconds=240)
    finally:
        over.set()
        writer.join()
    assert (code, record.verdict) == (1, "FAIL"), record.data["reason"]
    assert checks(record)["success rate"]["verdict"] == "FAIL"
    assert checks(record)["rollback"]["verdict"] == "PASS"
    assert {enabled for enabled, _ in flags(clean_backend)} == {False}
    assert holder(cluster) is None
    there = {one.folder for one in State.load(cluster).facts.records}
    assert len(added) > 1
    assert set(added) <= there, "what somebody else wrote is still there"
    assert kept(cluster).concluded == "FAIL"


def test_a_run_that_is_ended_in_mid_weight_says_where_the_flag_stands_and_keeps_nobody_out(
    clean_backend, passed, tmp_path, cluster
):
    command = words(tmp_path, passed, approval=approvals(10), patience_seconds=300)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 120
        while "rung 10" not in kept_steps(cluster):
            assert time.monotonic() < deadline, "the rung never began"
            time.sleep(1)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 4
    (record,) = records.find(tmp_path)
    assert record.verdict == "BROKEN"
    assert "percent 10" in record.data["next"]
    assert "hera-rollout rollback --target lab --yes" in record.data["next"]
    code, record = run(tmp_path, passed, patience_seconds=3)
    assert (code, record.verdict) == (3, "HOLD"), "the lease of a kernel that is dead is free at once"


def test_code_that_was_rolled_back_is_not_tried_again_without_a_reasoned_approval(
    clean_backend, passed, tmp_path, cluster
):
    state = State.load(cluster)
    state.enter("canary-test", "03_canary", by="test", rung=25.0)
    state.rolled_back(by="ann", why="too slow")
    code, record = run(tmp_path, passed, approval=approvals(*RUNGS))
    assert (code, record.verdict) == (3, "HOLD")
    assert AGAIN in checks(record)[f"approval: {AGAIN}"]["todo"]
    assert "(too slow)" in (record.folder / "notebook.ipynb").read_text()
    assert flags(clean_backend) == {(False, 0)}
    code, record = run(tmp_path, passed, approval=approvals(again="the node was slow, not the code"))
    assert (code, record.verdict) == (3, "HOLD")
    assert checks(record)[f"approval: {AGAIN}"]["verdict"] == "PASS"
    assert "approval: rung 10 %" in checks(record), "it went on to the first rung"


@pytest.mark.soak
def test_a_canary_that_stands_is_not_begun_anew_and_a_flag_that_is_on_is_not_turned_off_unasked(
    clean_backend, passed, tmp_path
):
    clean_backend.set_flag(percent=100)
    code, record = run(tmp_path, passed, approval=approvals(*RUNGS))
    assert (code, record.verdict) == (3, "HOLD")
    assert "on by its file, for 100" in checks(record)["flag by its file"]["seen"]
    assert flags(clean_backend) == {(True, 100)}
    clean_backend.clear_flag()
    clean_backend.set_env(USE_HERA_SDK="true")
    code, record = run(tmp_path, passed, approval=approvals(*RUNGS))
    assert (code, record.verdict) == (3, "HOLD")
    assert "turn the flag off first" in checks(record)["approval: turn the flag off first"]["todo"]
    assert {enabled for enabled, _ in flags(clean_backend)} == {True}
