"""The quick rollback on the real backend: under traffic, by both media, by the command, and half blind."""

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

from hera_rollout import flag, rollback, state
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Refused
from hera_rollout.gates import Verdict
from hera_rollout.state import State
from hera_rollout.workflows import Workflows

pytestmark = [pytest.mark.live, pytest.mark.timeout(200)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
NOBODY = "http://127.0.0.1:9"  # nothing listens there


@pytest.fixture(autouse=True)
def fresh(suspended):
    """No flag in either medium, nothing remembered. Workflows start no pod, so they are in flight until resumed."""
    suspended.clear_flag()
    suspended.set_env(USE_HERA_SDK=None)
    suspended.forget()


def by(target, medium):
    """The lab, with this medium for its flag."""
    return Cluster.connect(target.by(medium))


@pytest.fixture
def by_file(target):
    return by(target, "configmap")


class Traffic:
    """Tasks through the backend while something else happens; when each was asked for, and its workflow's name."""

    def __init__(self, submit):
        self.submit, self.sent, self._stop = submit, [], threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._stop.wait(0.3):
            began = datetime.now(UTC)
            self.sent.append((began, self.submit()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)


def turn_on(cluster, backend):
    flag.apply(cluster, backend, flag.plan(cluster, enabled=True))


def path_of(lab, name):
    return lab.operator.workflow(name)["metadata"]["labels"]["hera-rollout/path"]


def test_another_hand_at_the_same_moment_does_not_keep_it_from_being_turned_off(
    suspended, by_file, backend, workflows, monkeypatch
):
    turn_on(by_file, backend)
    real, hands = flag.plan, iter(['{"data":{"percent":"50"}}'])

    def meanwhile(cluster, *, enabled):
        planned = real(cluster, enabled)
        for data in hands:
            suspended.operator.kubectl("patch", "configmap", "backend-flag", "--type=merge", "-p", data)
        return planned

    monkeypatch.setattr(flag, "plan", meanwhile)
    lines = []
    result = rollback.quick(by_file, backend, workflows, by="ann", observe_seconds=0, on_progress=lines.append)
    assert (result.changed, result.verified) == (True, True)
    assert any("was changed meanwhile: it says enabled=true, percent=50" in line for line in lines)
    assert [said["enabled"] for said in suspended.flags()] == [False, False]


def test_what_cannot_be_listed_or_written_is_told_and_the_flag_is_off_all_the_same(suspended, by_file, backend, target):
    turn_on(by_file, backend)
    broken = {"metadata": {"name": "hera-rollout-backend"}, "data": {"schema": "99"}}
    suspended.operator.core.create_namespaced_config_map(suspended.namespace, broken)
    blind = Workflows(target.model_copy(update={"namespace": "nobodys"}), by_file)  # the operator has no right there
    result = rollback.quick(by_file, backend, blind, by="ann", observe_seconds=0)
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    assert result.seconds
    assert result.created is None
    state_unknown, list_unknown = result.unverified
    assert "that the next notebook knows of it" in state_unknown
    assert "schema '99'" in state_unknown
    assert "that Hera makes no more workflows, and which are in flight" in list_unknown
    assert "answered 403" in list_unknown
    assert result.check().verdict is Verdict.HOLD


def test_the_stop_button_ends_the_watching_and_not_the_rollback(suspended, by_file, backend, workflows):
    turn_on(by_file, backend)
    stop = threading.Event()
    result = rollback.quick(
        by_file, backend, workflows, by="ann", observe_seconds=60, stop=stop,
        on_progress=lambda line: threading.Timer(0.5, stop.set).start() if line.startswith("watching") else None,
    )  # fmt: skip
    assert result.unverified == ("the whole observation. The operator stopped it.",)
    assert [said["enabled"] for said in suspended.flags()] == [False, False]


# --- hera-rollout rollback --------------------------------------------------------------------------------------------


class Command:
    """`hera-rollout rollback` at a target file of the test's own."""

    def __init__(self, target_path, folder):
        self.source, self.file = Path(target_path), folder / "lab.toml"

    def place(self, **changes):
        """The place's target by medium `configmap`, some lines changed."""
        text = self.source.read_text()
        for key, value in {"medium": "configmap", **changes}.items():
            written = f'"{value}"' if isinstance(value, str) else value
            text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {written}", text)
            assert found == 1, key
        self.file.write_text(text)

    def start(self, *words):
        return subprocess.Popen(
            [COMMAND, "rollback", "--target", self.file, *words], cwd=ROOT, text=True,
            env={**os.environ, "COLUMNS": "200"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *words):
        process = self.start(*words)
        told, heard = process.communicate(timeout=90)
        assert "Traceback" not in told + heard
        return process.returncode, told, heard


@pytest.fixture
def command(target_path, tmp_path):
    made = Command(target_path, tmp_path)
    made.place()
    return made


def until(process, words):
    """Read the command's progress until it says so."""
    for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"it never said {words!r}")


def test_without_yes_the_patch_is_shown_and_nothing_is_changed(suspended, by_file, backend, command):
    turn_on(by_file, backend)
    code, told, _ = command.run()
    assert code == 3
    assert '-enabled: "true"\n-percent: "100"\n+enabled: "false"\n+percent: "0"' in told
    assert f"Command: kubectl patch configmap backend-flag -n {suspended.namespace} --type merge -p" in told
    assert "HOLD: nothing was changed. Run it again with --yes" in told
    assert [said["enabled"] for said in suspended.flags()] == [True, True]
    assert State.load(by_file).facts.flags == ()


def test_with_yes_it_says_what_it_did_and_saw_also_while_the_argo_server_is_out_of_reach(
    suspended, by_file, backend, command, submit
):
    turn_on(by_file, backend)
    flying = submit()
    command.place(argo_url=NOBODY)
    with state.hold(by_file, "bo", doing="03_canary") as held:
        code, told, heard = command.run("--yes", "--observe", "1", "--operator", "ann")
    assert code == 0, told + heard
    assert f"Note: {held.holder} is at work on this rollout (03_canary); tell them." in told
    assert "Flag off by medium configmap: kubectl patch configmap backend-flag" in told
    assert re.search(r"2 of 2 report it off \d+\.\d s after the patch", told)
    assert "In the 1 s after that, 0 workflows were created, 0 of them by Hera." in told
    assert flying in told
    assert "PASS  kubectl patch configmap" in told
    assert "2 of 2 report the flag off" in heard
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    (noted,) = State.load(by_file).facts.flags
    assert re.fullmatch(r"ann@\S+ \(hera-rollout rollback\)", noted.by)


def test_a_workflow_that_hera_still_makes_is_a_failure_by_name_and_names_the_full_rollback(
    suspended, by_file, backend, command, submit
):
    turn_on(by_file, backend)
    made = suspended.operator.workflow(submit())
    name = f"{made['metadata']['name']}-late"
    # What a forgotten pod with the flag on would still create: the very spec of Hera's path.
    late = {"apiVersion": made["apiVersion"], "kind": "Workflow", "spec": made["spec"],
            "metadata": {"name": name, "labels": made["metadata"]["labels"]}}  # fmt: skip
    process = command.start("--yes", "--observe", "3")
    until(process, "watching for workflows")
    try:
        time.sleep(0.5)
        place = ("argoproj.io", "v1alpha1", suspended.namespace, "workflows")
        suspended.operator.custom.create_namespaced_custom_object(*place, late)
        told, _ = process.communicate(timeout=60)
    finally:
        suspended.operator.kubectl("delete", "workflow", name, "--ignore-not-found")
    assert process.returncode == 1
    assert "1 workflows were created, 1 of them by Hera" in told
    assert "FAIL  kubectl patch configmap" in told
    assert f"See what made {name}" in told
    assert "kubectl rollout undo" in told


def test_a_backend_that_does_not_answer_is_turned_off_all_the_same_and_that_is_a_hold(
    suspended, by_file, backend, command
):
    turn_on(by_file, backend)
    command.place(backend_url=NOBODY, rollout_deadline_seconds=2)
    code, told, heard = command.run("--yes", "--observe", "0")
    assert code == 3, told + heard
    assert "Not verified: that every pod has the flag off." in told
    assert "the service did not answer" in told
    assert "HOLD  kubectl patch configmap" in told
    assert [said["enabled"] for said in suspended.flags()] == [False, False]


def test_broken_off_it_says_that_the_flag_may_be_off_and_the_next_notebook_knows_that_it_is(
    suspended, by_file, backend, command
):
    turn_on(by_file, backend)
    process = command.start("--yes", "--observe", "60")
    until(process, "watching for workflows")
    process.send_signal(signal.SIGINT)
    told, heard = process.communicate(timeout=100)
    assert process.returncode == 4
    assert "Broken off: the flag may be off all the same. Run it again to see." in heard
    assert "Traceback" not in told + heard
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    assert [one.enabled for one in State.load(by_file).facts.flags] == [False]


def test_what_may_not_be_changed_is_refused_with_the_line_for_somebody_who_may(suspended, by_file, backend, command):
    turn_on(by_file, backend)
    read_only = suspended.operator.core.read_namespaced_config_map("backend-flag", suspended.namespace)
    read_only.immutable = True
    suspended.operator.core.replace_namespaced_config_map("backend-flag", suspended.namespace, read_only)
    code, told, heard = command.run("--yes", "--observe", "0")
    assert code == 2, told
    assert "immutable" in heard
    assert "Have it turned off by somebody who can: kubectl patch configmap backend-flag" in heard
    assert command.run("--target", "nowhere")[0] == 2


# --- every provider, and a paused Deployment --------------------------------------------------------------------------


def test_a_canary_by_the_file_where_the_targets_medium_is_the_variable_goes_off_by_both(
    suspended, target, backend, command
):
    suspended.set_env(USE_HERA_SDK="true")
    suspended.set_flag(percent=25)
    command.place(medium="env")
    shown = command.run()
    assert shown[0] == 3
    assert "Command: kubectl patch configmap backend-flag" in shown[1]
    assert "Command: kubectl set env deployment/backend USE_HERA_SDK=false" in shown[1]

    code, told, heard = command.run("--yes", "--observe", "1")
    assert code == 0, told + heard
    assert "Flag off by medium configmap: kubectl patch configmap backend-flag" in told
    assert "Flag off by medium env: kubectl set env deployment/backend USE_HERA_SDK=false" in told
    assert heard.index("report the flag off") < heard.index("patched: kubectl set env"), "the file was in effect first"
    seconds = re.search(r"2 of 2 report it off (\d+\.\d) s after the patch", told)
    assert seconds
    assert suspended.env()["USE_HERA_SDK"] == "false"
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    kept = State.load(by(target, "env"))
    assert (kept.facts.flags[-1].env, kept.facts.flags[-1].file) == ("false", {"enabled": "false", "percent": "0"})
    assert kept.drift() == []

    suspended.operator.kubectl("patch", "configmap", "backend-flag", "--type=merge", "-p",
                               '{"data":{"enabled":"true","percent":"100"}}')  # fmt: skip
    time.sleep(2)
    assert [said["enabled"] for said in suspended.flags()] == [False, False], "the variable keeps it off"
    suspended.operator.kubectl("patch", "configmap", "backend-flag", "--type=merge", "-p",
                               '{"data":{"enabled":"false","percent":"0"}}')  # fmt: skip
    suspended.set_env(USE_HERA_SDK="true")
    assert [said["enabled"] for said in suspended.flags()] == [False, False], "the file keeps it off"


@pytest.fixture
def paused(suspended):
    """The Deployment's rollouts paused, the flag on by its variable in every pod."""
    suspended.set_env(USE_HERA_SDK="true")
    suspended.operator.kubectl("rollout", "pause", "deployment/backend")
    yield suspended
    if suspended.operator.apps.read_namespaced_deployment("backend", suspended.namespace).spec.paused:
        suspended.operator.kubectl("rollout", "resume", "deployment/backend")
    suspended.settled()


def test_a_paused_deployment_is_not_said_to_be_off_until_it_is_resumed(paused, command):
    resume = f"kubectl rollout resume deployment/backend -n {paused.namespace}"
    command.place(medium="env")
    began = time.monotonic()
    code, told, heard = command.run("--yes", "--observe", "0")
    assert time.monotonic() - began < 60, "its deadline is not waited for"
    assert code == 3, told + heard
    assert "no pod was replaced" in told
    assert resume in told
    assert "Flag off" not in told
    assert "rollout undo" not in told + heard
    assert [said["enabled"] for said in paused.flags()] == [True, True]
    code, told, _ = command.run("--full", "--yes", "--observe", "0")
    assert code == 3
    assert "rollout undo" not in told

    paused.operator.kubectl("rollout", "resume", "deployment/backend")
    paused.settled()
    assert [said["enabled"] for said in paused.flags()] == [False, False]
    code, told, heard = command.run("--yes", "--observe", "0")
    assert code == 0, told + heard


def test_a_paused_deployment_is_off_by_its_file_at_once(paused, command):
    paused.set_flag(percent=25)
    command.place(medium="env")
    code, told, heard = command.run("--yes", "--observe", "0")
    assert code == 0, told + heard
    assert [said["enabled"] for said in paused.flags()] == [False, False]
    assert "Flag set to off by medium env, not seen in effect" in told


def test_the_flag_is_not_turned_on_by_the_variable_of_a_paused_deployment(paused, target):
    with pytest.raises(Refused, match="is paused"):
        flag.plan(by(target, "env"), enabled=True)


# --- under traffic (last: the variable that it leaves is taken away with the module) ----------------------------------


@pytest.mark.parametrize(
    "medium",
    ["configmap", pytest.param("env", marks=pytest.mark.soak)],  # tests/run drills by the variable too
)
def test_under_traffic_every_pod_is_off_hera_makes_no_more_and_what_is_in_flight_is_listed(  # noqa: PLR0917
    suspended, target, backend, workflows, submit, medium
):
    cluster = by(target, medium)
    turn_on(cluster, backend)
    long = submit()
    with Traffic(submit) as traffic:
        time.sleep(1)
        result = rollback.quick(
            cluster, backend, workflows, by="ann@laptop", why="too slow", observe_seconds=3, deadline_seconds=60
        )
        time.sleep(0.5)
    assert [said["enabled"] for said in suspended.flags()] == [False, False]
    assert (result.medium, result.changed, result.unverified) == (medium, True, ())
    assert (result.check().verdict, list(result.hera_after["name"])) == (Verdict.PASS, [])

    names = [name for _, name in traffic.sent]
    hera = {name for name in (long, *names) if path_of(suspended, name) == "hera"}
    late = {name for began, name in traffic.sent if began > result.effective}
    assert hera - {long}, "there was traffic by Hera"
    assert late, "there was traffic after it"
    assert not hera & late
    assert 0 < result.created <= len(late) + 1  # one may have been asked for right before
    listed = set(result.in_flight["name"])
    assert hera <= listed
    assert not listed & (set(names) - hera)

    (noted,) = State.load(cluster).facts.flags
    assert (noted.enabled, noted.percent, noted.by, noted.why) == (False, 0.0, "ann@laptop", "too slow")
    assert (noted.medium, noted.env) == (medium, "false" if medium == "env" else None)
    assert noted.file == ({"enabled": "false", "percent": "0"} if medium == "configmap" else None)
    assert State.load(cluster).drift() == []

    suspended.operator.kubectl("patch", "workflow", long, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    assert workflows.wait(long, 60).phase == "Succeeded", "what is in flight goes on"
    again = rollback.quick(cluster, backend, workflows, by="bo@desk", observe_seconds=0)
    assert (again.changed, again.verified, len(State.load(cluster).facts.flags)) == (False, True, 1)
