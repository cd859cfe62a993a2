"""The rollout's state and lease on a cluster, with the operator's own rights."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hera_rollout import flag, state
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Conflicting, Missing, Refused, Retryable
from hera_rollout.state import Approval, RecordHash, State, processes
from hera_rollout.state.holding import Holding
from hera_rollout.state.processes import Process

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_kept")]

CONFIGMAP = "/api/v1/namespaces/argo/configmaps/hera-rollout-backend"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/argo/leases"
LEASE = f"{LEASES}/hera-rollout-backend"
PHASE = "01_dev_testing"
OPENING = f"""
import os, signal, sys, time
from hera_rollout import state
from hera_rollout.cluster import Cluster
from hera_rollout.state import State
from hera_rollout.target import Target
cluster = Cluster.connect(Target.load({str(Path(__file__).parents[2] / "targets" / "lab.toml")!r}))
"""


@pytest.fixture
def nothing_kept(cluster):
    """Neither state nor lease, before and after."""

    def clean():
        for path in (CONFIGMAP, LEASE):
            try:
                cluster.connection.delete(path)
            except Missing:
                continue

    clean()
    yield
    clean()


@pytest.fixture
def notebook():
    """Another process, as a notebook's kernel is one; ended with the test."""
    started = []

    def start(code, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", OPENING + textwrap.dedent(code)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def foreign(seconds=60, renewed=None, holder="ann@laptop"):
    """A lease of another machine's."""
    now = renewed or datetime.now(UTC)
    process = Process("laptop/boot/pid:[1]", 42, "7")
    return Holding(holder, "backend-2026-11", PHASE, now, now, seconds, process)


def put_lease(cluster, holding):
    cluster.connection.create(LEASES, holding.document("hera-rollout-backend", "argo"))


# --- state ------------------------------------------------------------------------------------------------------------


def test_reading_writes_nothing(cluster):
    assert State.load(cluster).facts == state.Facts()
    with pytest.raises(Missing):
        cluster.connection.get(CONFIGMAP)


def test_whoever_opens_the_next_notebook_goes_on_from_it(cluster):
    now = datetime.now(UTC)
    first = State.load(cluster)
    first.enter("backend-2026-11", PHASE, by="ann@laptop")
    good = first.remember_known_good(by="ann@laptop")
    first.flag_set(enabled=False, percent=0, by="ann@laptop", why="baseline")
    first.approved(Approval(at=now, by="bo", rollout="backend-2026-11", phase="03_canary", rung=25, reason="fine"))
    first.recorded(RecordHash(at=now, rollout="r", phase=PHASE, verdict="PASS", folder="f", sha256="ab"), by="ann")
    second = State.load(cluster)
    assert second.facts == first.facts
    assert second.facts.rollout.phase == PHASE
    assert second.facts.flags[-1].env == cluster.env("USE_HERA_SDK")
    assert good == second.facts.known_good
    assert good.image == cluster.deployment()["image"][0]
    assert good.template_hash in cluster.pods(cluster.selector())["name"][0]


def test_known_good_is_what_ran_before_phase_1_and_not_what_runs_later(cluster):
    kept = State.load(cluster)
    kept.enter("backend-2026-11", PHASE, by="ann")
    first = kept.remember_known_good(by="ann")
    assert State.load(cluster).remember_known_good(by="bo") == first
    kept.enter("backend-2027-01", PHASE, by="ann")
    assert kept.facts.known_good is None


def test_a_write_that_was_overtaken_says_who_did_what_and_goes_on_from_there(cluster):
    mine, theirs = State.load(cluster), State.load(cluster)
    mine.enter("backend-2026-11", PHASE, by="ann@laptop")
    theirs.reload()
    theirs.flag_set(enabled=False, percent=0, by="bo@desk (hera-rollout rollback)")
    with pytest.raises(Conflicting) as caught:
        mine.enter("backend-2026-11", "02_staging", by="ann@laptop")
    assert "bo@desk (hera-rollout rollback) wrote at" in caught.value.seen
    assert "the flag was set off by bo@desk" in caught.value.seen
    assert State.load(cluster).facts.rollout.phase == PHASE
    mine.enter("backend-2026-11", "02_staging", by="ann@laptop")
    assert State.load(cluster).facts.flags[-1].by == "bo@desk (hera-rollout rollback)"


@pytest.mark.parametrize("made_first", [True, False])
def test_deleted_or_created_meanwhile_is_noticed_too(cluster, made_first):
    mine = State.load(cluster)
    if made_first:
        mine.enter("a", PHASE, by="ann")
        cluster.connection.delete(CONFIGMAP)
    else:
        State.load(cluster).enter("b", PHASE, by="bo")
    with pytest.raises(Conflicting, match="was changed since it was read"):
        mine.enter("c", PHASE, by="ann")
    mine.enter("c", PHASE, by="ann")
    assert State.load(cluster).facts.rollout.id == "c"


def test_steps_that_end_side_by_side_are_all_kept(cluster):
    kept = State.load(cluster)
    kept.enter("backend-2026-11", PHASE, by="ann")
    run = state.begin(kept, PHASE, by="ann")
    threads = [threading.Thread(target=lambda n=n: run.once(f"scenario {n}", lambda: {"n": n})) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = State.load(cluster).facts.runs[PHASE].steps
    assert {key: value["n"] for key, value in found.items()} == {f"scenario {n}": n for n in range(12)}


# --- drift: another hand at the flag ----------------------------------------------------------------------------------

MOMENT = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def noted(cluster, **flip):
    """The kit turns the flag and notes it; who asks later reads it from the cluster."""
    flag.throw(cluster, flag.plan(cluster, **flip))
    State.load(cluster).flag_set(**{"percent": 100.0, **flip}, by="ann@laptop")


@pytest.fixture
def by_file(clean_backend, target):
    """The lab by medium `configmap`; neither the file nor the variable is there."""
    return Cluster.connect(target.by("configmap"))


def test_nothing_changed_is_no_drift_nor_is_a_flag_that_the_kit_never_set(clean_backend, by_file):
    assert State.load(by_file).drift() == []
    clean_backend.operator.kubectl("create", "configmap", "backend-flag", "--from-literal=enabled=true")
    assert State.load(by_file).drift() == []
    noted(by_file, enabled=True, percent=10.0)
    assert State.load(by_file).drift() == []


def test_a_file_patched_or_deleted_by_hand_is_named_with_who_and_when(clean_backend, by_file):
    noted(by_file, enabled=True, percent=10.0)
    kubectl = clean_backend.operator.kubectl
    kubectl("patch", "configmap", "backend-flag", "--type=merge", "-p", '{"data":{"percent":"50"}}')
    (told,) = State.load(by_file).drift()
    assert re.fullmatch(
        r"configmap/backend-flag now says enabled=true, percent=50; it said enabled=true, percent=10 when the kit last "
        rf"set the flag \({MOMENT}, by ann@laptop\)\. It was changed by kubectl-patch at {MOMENT}, not by the kit\.",
        told,
    )
    kubectl("delete", "configmap", "backend-flag")
    (told,) = State.load(by_file).drift()
    assert told.startswith(
        "configmap/backend-flag now says nothing (it is not there); it said enabled=true, percent=10"
    )
    assert told.endswith("It was deleted; Kubernetes keeps no note of who did that.")


def test_a_file_changed_with_the_kit_but_not_noted_is_not_blamed_on_a_person(by_file):
    noted(by_file, enabled=True, percent=10.0)
    flag.throw(by_file, flag.plan(by_file, enabled=True, percent=25.0))
    (told,) = State.load(by_file).drift()
    assert re.search(rf"It was changed with this kit at {MOMENT}, by a run that did not write it into the", told)


def test_a_variable_set_by_hand_is_named_with_who_and_when_also_in_the_same_second(clean_backend, cluster):
    kubectl = clean_backend.operator.kubectl
    try:
        noted(cluster, enabled=False, percent=0.0)
        assert State.load(cluster).drift() == []
        kubectl("set", "env", "deployment/backend", "USE_HERA_SDK=true")
        kubectl("label", "deployment/backend", "looked-at=yes")  # another manager, and later: not who changed the flag
        (told,) = State.load(cluster).drift()
        assert re.fullmatch(
            r"USE_HERA_SDK on deployment/backend is now 'true'; it was 'false' when the kit last set the flag "
            rf"\({MOMENT}, by ann@laptop\)\. It was changed by kubectl-set at {MOMENT}, not by the kit\.",
            told,
        )
        kubectl("set", "env", "deployment/backend", "USE_HERA_SDK-")
        (told,) = State.load(cluster).drift()
        assert "is now unset; it was 'false'" in told
        assert not re.search(r"changed by (rollout-lab|kubectl-client-side-apply)", told), "who deployed it, hours ago"
    finally:
        kubectl("label", "deployment/backend", "looked-at-")
        clean_backend.set_env(USE_HERA_SDK=None)
        clean_backend.settled()


# --- killed and run again ---------------------------------------------------------------------------------------------

NOTEBOOK = f"""
held = state.hold(cluster, "ann", rollout="backend-2026-11", doing={PHASE!r})
kept = State.load(cluster)
kept.enter("backend-2026-11", {PHASE!r}, by="ann")
run = state.begin(kept, {PHASE!r}, by="ann")
print("run", run.id, run.facts.attempts, flush=True)
def do(step):
    print("did", step, flush=True)
    if step == os.environ.get("KILLED_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    return {{"step": step}}
for step in ("one", "two", "three"):
    assert run.once(step, lambda: do(step)) == {{"step": step}}
run.conclude("PASS")
held.release()
"""


def test_killed_at_any_step_and_run_again_goes_on_and_does_nothing_twice(cluster, notebook):
    said = []
    for killed_at in ("one", "two", "three", ""):
        process = notebook(NOTEBOOK, KILLED_AT=killed_at)
        said.append(process.communicate(timeout=60)[0].split("\n")[:-1])
        assert process.returncode == (-signal.SIGKILL if killed_at else 0)
    heads, done = [lines[0].split() for lines in said], [lines[1:] for lines in said]
    assert len({run for _, run, _ in heads}) == 1, "one run over all its attempts"
    assert [attempt for *_, attempt in heads] == ["1", "2", "3", "4"]
    # A step that was cut off is done again, one that had ended is not.
    assert done == [["did one"], ["did one", "did two"], ["did two", "did three"], ["did three"]]
    time.sleep(1)  # an id is as fine as a second
    assert state.begin(State.load(cluster), PHASE, by="ann").id != heads[0][1]


# --- the lease --------------------------------------------------------------------------------------------------------

HOLDING = """
held = state.hold(cluster, "ann", rollout="backend-2026-11", doing="01_dev_testing")
print("held", flush=True)
sys.stdin.read() if os.environ.get("STAY") else None
time.sleep(60 if os.environ.get("STAY") else 0)
"""


def test_a_second_operator_is_refused_by_name(cluster, notebook):
    process = notebook(HOLDING, STAY="1")
    assert process.stdout.readline() == "held\n"
    with pytest.raises(Refused) as caught:
        state.hold(cluster, "bo")
    assert f"ann@{processes.host()} (01_dev_testing of rollout backend-2026-11) since" in caught.value.seen
    assert "expires" in caught.value.seen
    assert f"process {process.pid} is alive" in caught.value.seen
    assert state.holder(cluster).holder == f"ann@{processes.host()}"


def test_a_killed_notebook_is_run_again_at_once(cluster, notebook):
    process = notebook(HOLDING, STAY="1")
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.wait(10)
    assert state.holder(cluster), "the lease of the killed one is still there"
    with state.hold(cluster, "ann") as held:
        held.check()
        assert state.holder(cluster).transitions == 1
    assert state.holder(cluster) is None


def test_a_lease_of_another_machine_is_refused_until_it_expires_and_then_taken_over(cluster):
    put_lease(cluster, foreign(seconds=3))
    with pytest.raises(Refused, match="ann@laptop"):
        state.hold(cluster, "bo")
    time.sleep(3)
    with state.hold(cluster, "bo") as held:
        assert state.holder(cluster).holder == held.holder == f"bo@{processes.host()}"


def test_it_is_given_back_when_the_interpreter_ends(cluster, notebook):
    process = notebook(HOLDING)
    assert process.communicate(timeout=60)[0] == "held\n"
    with pytest.raises(Missing):
        cluster.connection.get(LEASE)


def test_it_is_renewed_while_the_notebook_runs(cluster):
    with state.hold(cluster, "ann", seconds=4) as held:
        first = state.holder(cluster)
        time.sleep(5)
        held.check()
        now = state.holder(cluster)
        assert now.renewed - first.renewed >= timedelta(seconds=3)
        assert now.since == first.since


def test_begun_again_in_the_same_kernel_replaces_its_own_hold(cluster):
    first = state.hold(cluster, "ann")
    with state.hold(cluster, "ann") as second:
        second.check()
        assert first.lost
        first.release()
        assert state.holder(cluster)


@pytest.mark.parametrize("ago", [0, 120])
def test_whoever_lost_the_lease_is_told_before_the_next_change_and_does_not_take_it_back(cluster, ago):
    theirs = foreign(holder="bo@desk", renewed=datetime.now(UTC) - timedelta(seconds=ago))
    with state.hold(cluster, "ann", seconds=2) as held:
        for _ in range(20):  # its own renewals may come between
            version = cluster.connection.get(LEASE)["metadata"]["resourceVersion"]
            taken = replace(theirs, version=version)
            try:
                cluster.connection.replace(LEASE, taken.document("hera-rollout-backend", "argo"))
                break
            except Conflicting:
                continue
        time.sleep(1.5)
        with pytest.raises(Refused, match="no longer holds the rollout") as caught:
            held.check()
        assert "bo@desk" in caught.value.seen
    assert cluster.connection.get(LEASE)["spec"]["holderIdentity"] == "bo@desk"


def test_an_api_server_out_of_reach_loses_the_lease_only_when_it_expires(target, monkeypatch):
    own = Cluster.connect(target)
    with state.hold(own, "ann", seconds=4) as held:
        with monkeypatch.context() as cut:
            cut.setattr(own.connection, "_sent", lambda *_: (_ for _ in ()).throw(Retryable("out of reach")))
            time.sleep(2)
            held.check()
            time.sleep(3)
            with pytest.raises(Refused, match="could not be renewed since"):
                held.check()
        time.sleep(1.5)
        held.check()  # nobody took it meanwhile, so it was renewed
