"""The full rollback and what becomes of workflows in flight, on the real backend."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import yaml

from hera_rollout import flag, rollback
from hera_rollout.cluster import Cluster, environment, restoring
from hera_rollout.gates import Verdict
from hera_rollout.rollback.resubmitting import CLAIM
from hera_rollout.state import State

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

COMMAND = Path(sys.executable).parent / "hera-rollout"
RELEASE = "BACKEND_RELEASE"


@pytest.fixture(autouse=True)
def fresh(suspended):
    """No flag in either medium, nothing remembered, no later release. Workflows start no pod until resumed."""
    suspended.clear_flag()
    suspended.set_env(USE_HERA_SDK=None, BACKEND_RELEASE=None)
    suspended.forget()
    yield
    suspended.set_env(USE_HERA_SDK=None, BACKEND_RELEASE=None)


def by(target, medium):
    return Cluster.connect(target.by(medium))


def template(cluster):
    return environment.read(cluster.connection, cluster.target)["spec"]["template"]


def environment_of(one):
    (container,) = [c for c in one["spec"]["containers"] if c["name"] == "backend"]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def next_release(suspended, cluster, backend):
    """Known good is what runs; then a release that goes wrong, with the flag on."""
    State.load(cluster).remember_known_good(by="ann")
    before = template(cluster)
    suspended.set_env(BACKEND_RELEASE="2")
    flag.apply(cluster, backend, flag.plan(cluster, enabled=True))
    return before


@pytest.mark.parametrize("medium", ["env", pytest.param("configmap", marks=pytest.mark.soak)])
def test_the_revision_from_before_phase_1_is_back_in_one_restart_with_the_flag_off(
    suspended, target, backend, workflows, medium
):
    cluster = by(target, medium)
    before = next_release(suspended, cluster, backend)
    lines = []
    result = rollback.full(
        cluster, backend, workflows, by="ann", observe_seconds=1, deadline_seconds=90, on_progress=lines.append
    )
    assert result.unverified == ()
    assert result.check().verdict is Verdict.PASS
    assert (result.kind, result.changed) == ("full", True)
    assert "kubectl rollout undo deployment/backend --to-revision=" in result.command
    assert f"(image {before['spec']['containers'][0]['image']})" in " ".join(result.sentences())
    after = template(cluster)
    assert environment_of(after) == environment_of(before) | {"USE_HERA_SDK": "false"}
    assert RELEASE not in environment_of(after)
    assert {**after, "spec": 0} == {**before, "spec": 0}, "labels and annotations too"
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    assert sum("patched: kubectl rollout undo" in line for line in lines) == 1
    assert State.load(cluster).drift() == []

    again = rollback.full(cluster, backend, workflows, by="bo", observe_seconds=0, deadline_seconds=90)
    assert (again.changed, again.verified) == (False, True)


def test_without_a_recorded_revision_the_flag_is_off_and_the_rest_is_told(suspended, target, backend, workflows):
    cluster = by(target, "configmap")  # no restart
    flag.apply(cluster, backend, flag.plan(cluster, enabled=True))
    result = rollback.full(cluster, backend, workflows, by="ann", observe_seconds=0, deadline_seconds=90)
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    (told,) = result.unverified
    assert "it was not put back. No revision was recorded as known good" in told
    assert (result.check().verdict, result.revision) == (Verdict.HOLD, "")


def test_a_revision_that_the_deployment_keeps_no_more_is_told_with_the_line_that_puts_its_image_back(
    suspended, target, backend, workflows
):
    cluster = by(target, "configmap")  # no restart
    kept = State.load(cluster)
    good = kept.remember_known_good(by="ann")
    kept.change(lambda _: {"known_good": good.model_copy(update={"template_hash": "gone"})}, by="test", what="gone")
    flag.apply(cluster, backend, flag.plan(cluster, enabled=True))
    result = rollback.full(cluster, backend, workflows, by="ann", observe_seconds=0, deadline_seconds=90)
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    (told,) = result.unverified
    assert "keeps no ReplicaSet pod-template-hash=gone any more" in told
    assert f"kubectl set image deployment/backend backend={good.image} -n {target.namespace}" in told


@pytest.mark.soak  # three restarts; tests/live/test_rollback.py has another hand at the quick one
def test_a_change_by_another_hand_meanwhile_is_planned_anew_and_not_lost_sight_of(
    suspended, target, backend, workflows, monkeypatch
):
    cluster = by(target, "env")
    next_release(suspended, cluster, backend)
    real, hands = restoring.apply, iter(["3"])

    def meanwhile(connection, place, planned):
        for release in hands:
            suspended.operator.kubectl("set", "env", "deployment/backend", f"{RELEASE}={release}")
        real(connection, place, planned)

    monkeypatch.setattr(restoring, "apply", meanwhile)
    lines = []
    result = rollback.full(
        cluster, backend, workflows, by="ann", observe_seconds=0, deadline_seconds=90, on_progress=lines.append
    )
    assert any("was changed meanwhile" in line for line in lines)
    assert result.unverified == ()
    assert RELEASE not in environment_of(template(cluster))


# --- in flight --------------------------------------------------------------------------------------------------------


@pytest.fixture
def flying(suspended, target, backend, workflows, submit):
    """Two of Hera's workflows, not ended; the flag is off by now."""
    cluster = by(target, "configmap")
    flag.apply(cluster, backend, flag.plan(cluster, enabled=True))
    names = [submit(), submit()]
    result = rollback.quick(cluster, backend, workflows, by="ann", observe_seconds=0)
    assert set(names) <= set(result.in_flight["name"])
    return names


@pytest.fixture
def deal(cluster, backend, workflows, tmp_path):
    """Deal with workflows by a policy; evidence goes to a folder of the test's own."""

    def one(policy, names, folder="kept", seconds=60):
        return rollback.handle(
            policy, cluster, backend, workflows, names, folder=tmp_path / folder, by="ann", deadline_seconds=seconds
        )

    return one


def test_drain_waits_until_they_have_ended_and_says_which_did_not(suspended, deal, flying, tmp_path):
    first, second = flying
    suspended.operator.kubectl("patch", "workflow", first, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    (ended,) = deal("drain", [first], seconds=120).rows
    assert (ended["after"], ended["problem"]) == ("Succeeded", "")
    handled = deal("drain", flying, seconds=1)
    rows = {row["workflow"]: row for row in handled.rows}
    assert rows[first]["problem"] == ""
    assert "it has not ended" in rows[second]["problem"]
    assert handled.check().verdict is Verdict.HOLD
    assert list(tmp_path.iterdir()) == [], "nothing was touched, so nothing had to be kept"


def test_stop_keeps_what_is_known_of_each_first_and_its_record_stays(suspended, deal, flying, tmp_path):
    handled = deal("stop", flying)
    assert handled.check().verdict is Verdict.PASS, handled.rows
    for name in flying:
        kept = yaml.safe_load((tmp_path / "kept" / f"{name}.yaml").read_text())
        assert kept["metadata"]["name"] == name
        assert (kept.get("status") or {}).get("phase") not in ("Failed", "Error")
        assert (tmp_path / "kept" / f"{name}.log").is_file()
        assert (tmp_path / "kept" / f"{name}.events.csv").is_file()
        assert suspended.operator.workflow(name)["status"]["phase"] in ("Failed", "Error")


def test_what_cannot_be_kept_is_not_stopped(suspended, deal, flying, tmp_path):
    (tmp_path / "file").write_text("in the way")
    handled = deal("stop", flying, "file")
    assert all("cannot be kept" in row["problem"] for row in handled.rows)
    assert all("shutdown" not in suspended.operator.workflow(name)["spec"] for name in flying)


def runs(lab, task):
    return httpx.get(f"{lab.backend_url}/api/v1/tasks/{task}", timeout=20).json()["runs"]


def test_resubmitted_by_yaml_once_however_often_and_by_however_many_it_is_asked_for(suspended, deal, submit, flying):
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(
            lambda number: deal("resubmit", flying, str(number)), range(3)
        ))  # fmt: skip
    made.append(deal("resubmit", flying, "again"))
    for task, name in zip(submit.tasks, flying, strict=True):
        newest, first = runs(suspended, task)
        assert first["workflowId"] == name
        assert {row["again"] for one in made for row in one.rows if row["workflow"] == name} == {newest["workflowId"]}
        labels = suspended.operator.workflow(newest["workflowId"])["metadata"]["labels"]
        assert (labels["hera-rollout/path"], labels["hera-rollout/run"]) == ("yaml", "2")
        assert suspended.operator.workflow(name)["metadata"]["annotations"][CLAIM].startswith("ann at ")
    assert [one.check().verdict for one in made] == [Verdict.PASS] * 4


def test_a_claim_without_a_run_is_somebody_elses_and_told(suspended, deal, submit, flying):
    name, task = flying[0], submit.tasks[0]
    suspended.operator.kubectl("annotate", "workflow", name, f"{CLAIM}=bo at noon")
    (row,) = deal("resubmit", [name]).rows
    assert "bo at noon began to run it again" in row["problem"]
    assert len(runs(suspended, task)) == 1


@pytest.mark.soak
def test_the_command_does_all_of_it_and_without_yes_none(  # noqa: PLR0917
    suspended, target, target_path, backend, submit, tmp_path
):
    cluster = by(target, "env")
    next_release(suspended, cluster, backend)
    flux = '{"metadata":{"labels":{"kustomize.toolkit.fluxcd.io/name":"apps"}}}'
    suspended.operator.kubectl("patch", "deployment", "backend", "--type=merge", "-p", flux)
    name = submit()
    try:
        told = command(tmp_path, target_path, "--full", code=3)
        assert re.search(rf"(?m)^- +- name: {RELEASE}$", told)
        assert "Command: kubectl rollout undo deployment/backend --to-revision=" in told
        assert "is owned by Flux (Kustomization ?/apps)" in told
        assert 'env: [{name: USE_HERA_SDK, value: "false"}]' in told
        assert [said["enabled"] for said in suspended.flags()] == [True, True]
        kept = ("--in-flight", "stop", "--evidence", "kept")
        told = command(tmp_path, target_path, "--full", "--yes", "--observe", "0", *kept, code=0)
    finally:
        gone = '{"metadata":{"labels":{"kustomize.toolkit.fluxcd.io/name":null}}}'
        suspended.operator.kubectl("patch", "deployment", "backend", "--type=merge", "-p", gone)
    assert "The pod template of revision" in told
    assert "PASS" in told
    assert (tmp_path / "kept" / f"{name}.yaml").is_file()
    assert suspended.operator.workflow(name)["status"]["phase"] == "Failed"
    assert RELEASE not in environment_of(template(cluster))


def command(folder, target_path, *words, code):
    done = subprocess.run(
        [COMMAND, "rollback", "--target", target_path, *words], cwd=folder, text=True,
        capture_output=True, timeout=200, stdin=subprocess.DEVNULL, env={**os.environ, "COLUMNS": "200"}, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout
