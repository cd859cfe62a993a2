"""The rollout's state and lease on a cluster, with the operator's own rights: what only a real API server shows.

Its conflicts, who it says changed a field, and a process that is killed. The rest:
tests/hera_rollout/small_cluster/test_state_kept.py, test_lease.py and test_merging.py.
"""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime

import pytest

from hera_rollout import flag, state
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Conflicting, Missing
from hera_rollout.state import Approval, RecordHash, State

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_kept")]

PHASE = "01_dev_testing"
OPENING = """
import os, signal, sys
from hera_rollout import state
from hera_rollout.cluster import Cluster
from hera_rollout.state import State
from hera_rollout.target import Target
cluster = Cluster.connect(Target.load(os.environ["TARGET"]))
"""


@pytest.fixture
def nothing_kept(cluster):
    """Neither state nor lease, before and after."""
    name, namespace = cluster.target.state_name, cluster.target.namespace
    kept = (f"/api/v1/namespaces/{namespace}/configmaps/{name}",
            f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")  # fmt: skip

    def clean():
        for path in kept:
            try:
                cluster.connection.delete(path)
            except Missing:
                continue

    clean()
    yield
    clean()


@pytest.fixture
def notebook(target_path):
    """Another process, as a notebook's kernel is one; ended with the test."""
    started = []

    def start(code, **environment):
        process = subprocess.Popen(
            [sys.executable, "-c", OPENING + textwrap.dedent(code)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "TARGET": target_path, **environment},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)


# --- state ------------------------------------------------------------------------------------------------------------


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


def test_killed_in_a_step_its_lease_is_free_at_once_and_the_next_goes_on_and_does_nothing_twice(cluster, notebook):
    said = []
    for killed_at in ("two", ""):
        process = notebook(NOTEBOOK, KILLED_AT=killed_at)
        said.append(process.communicate(timeout=60)[0].split("\n")[:-1])
        assert process.returncode == (-signal.SIGKILL if killed_at else 0)
        assert (state.holder(cluster) is not None) is bool(killed_at), "a killed one gives nothing back"
    heads, done = [lines[0].split() for lines in said], [lines[1:] for lines in said]
    assert len({run for _, run, _ in heads}) == 1, "one run over all its attempts"
    assert [attempt for *_, attempt in heads] == ["1", "2"]
    # The step that was cut off is done again, one that had ended is not.
    assert done == [["did one", "did two"], ["did two", "did three"]]
    time.sleep(1)  # an id is as fine as a second
    assert state.begin(State.load(cluster), PHASE, by="ann").id != heads[0][1]
