"""Each part that the lab's tenants share is killed: while notebook 04 watches, while the flag is turned off, by itself.

Right verdict or HOLD, no PASS of what was not seen, nothing forgotten and no workflow made twice.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hera.workflows import Container, Workflow

from hera_rollout import flag, records, rollback, state
from hera_rollout.backend import run, traffic
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing, Refused
from hera_rollout.gates import Verdict
from hera_rollout.state import State
from hera_rollout.workflows import hello

pytestmark = [pytest.mark.live, pytest.mark.timeout(500), pytest.mark.usefixtures("whole")]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PHASE, API = "04_production", "kube-apiserver"
DEPLOY, OUTSIDE = "deploy to all production traffic", "deploy outside of the low-traffic hours"
IN_PODS = {"argo-server", "workflow-controller"}
SUSPENDS = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}


def wait_for(what, condition, seconds=60):
    """Poll until the condition gives something true."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        time.sleep(0.3)
    return found


# --- outages ----------------------------------------------------------------------------------------------------------


def rollout_lab(*words):
    done = subprocess.run(
        [BIN / "rollout-lab", *words], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def down(lab, name):
    """The part is dead; it is up again afterwards, and so is what its outage shook."""
    rollout_lab("kill", name)
    try:
        yield
    finally:
        rollout_lab("start", name)
        if name == API:
            # Kubernetes' controllers drop what they cannot sync meanwhile, such as the backend's endpoints.
            rollout_lab("kill", "kube-controller-manager")
            rollout_lab("start", "kube-controller-manager")
            # Argo's own connections may not come back by themselves.
            gone = ("delete", "pod", "-l", "app=workflow-controller", "--force", "--grace-period=0")
            lab.admin.kubectl(*gone, namespace="argo")
            rollout_lab("start", "workflow-controller")


def reconciles(lab):
    """The controller takes up a workflow; one that only suspends starts no pod."""
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": SUSPENDS,
            "metadata": {"generateName": "outage-over-"}}  # fmt: skip
    custom, place = lab.admin.custom, ("argoproj.io", "v1alpha1", lab.namespace, "workflows")
    name = custom.create_namespaced_custom_object(*place, body)["metadata"]["name"]
    try:
        wait_for("the controller takes up a workflow",
                 lambda: (lab.admin.workflow(name).get("status") or {}).get("phase") == "Running", 60)  # fmt: skip
    finally:
        custom.delete_namespaced_custom_object(*place, name)


def everything_is_up():
    """What `rollout-lab status` says."""
    command = [BIN / "rollout-lab", "status"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False).returncode == 0


@pytest.fixture
def whole(lab):
    """After each test everything is up again and the controller is at work."""
    yield
    wait_for("everything is up", everything_is_up)
    lab.settled()
    reconciles(lab)


def lose_a_pod(lab):
    """One of the backend's pods is gone from one moment to the next; its name."""
    name = lab.pods()[0].metadata.name
    lab.admin.kubectl("delete", "pod", name, "--force", "--grace-period=0")
    return name


# --- during the close watch -------------------------------------------------------------------------------------------


@pytest.fixture
def production(clean_backend, passed, target_file):
    """Notebook 04's own parameters: where the records are, and a target on which seconds of outage are no FAIL."""
    assert "03_canary" in passed, "tests/run leaves it; by hand: tests/nbval/prepare.py FOLDER 03_canary"
    limits = {"slowdown_max": 20.0, "error_rate_max": 0.6, "stable_seconds": 60, "watch_gap_seconds": 10}
    return Path(target_file(medium='"env"', **limits)), passed["02_staging"].folder.parent.parent


def run_04(production, patience):
    """`hera-rollout run 04`: its exit code and its record."""
    target, before = production
    yes = [{"approver": "Ann", "rollout": "shaken", "phase": PHASE, "what": what, "reason": "a test",
            "at": datetime.now(UTC).isoformat()} for what in (DEPLOY, OUTSIDE)]  # fmt: skip
    given = {"dry_run": False, "user_issues": "none", "rollout": "shaken", "told": "nobody else is here",
             "records": before, "approval": json.dumps(yes), "traffic": 0.6, "patience_seconds": patience}  # fmt: skip
    words = [word for name, value in given.items() for word in ("-p", name, str(value))]
    kept = target.parent / "records"
    done = subprocess.run([BIN / "hera-rollout", "run", "04", "--target", target, "--records", kept, *words], cwd=ROOT,
                          capture_output=True, text=True, timeout=420, check=False)  # fmt: skip
    found = list(records.find(kept))
    assert found, done.stdout + done.stderr
    return done.returncode, found[0]


def checks(record):
    return {check["name"]: check for check in record.data["checks"]}


def run_of(target):
    """What the rollout's state has of the run; None where it has nothing, or cannot be read just now."""
    return State.load(Cluster.connect(target)).facts.runs.get(PHASE)


def watches(target, before=()):
    """The run has deployed, and has kept a look that this attempt's watch made."""
    steps = run_of(target).steps if run_of(target) else {}
    return "deployed" in steps and steps.get("watched", before) != before


@pytest.mark.soak
def test_blind_at_the_end_is_hold_and_the_next_run_goes_on_through_each_outage_to_the_evidences_verdict(
    clean_backend, production, target
):
    lab = clean_backend
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run_04, production, 15)
        wait_for("it watches", lambda: first.done() or watches(target), 120)
        with down(lab, "prometheus"):
            code, record = first.result()
        found = checks(record)
        assert (code, record.verdict) == (3, "HOLD"), record.data["reason"]
        assert found["sight"]["verdict"] == "HOLD"
        assert "Prometheus" in found["sight"]["seen"]
        assert {said["enabled"] for said in lab.flags()} == {True}
        generation, kept = lab.generation(), run_of(target)

        second = pool.submit(run_04, production, 300)
        wait_for("it watches again", lambda: second.done() or watches(target, kept.steps["watched"]), 120)
        time.sleep(8)  # some looks that see everything
        unseen = [outage(lab, name, 12) for name in (API, "prometheus")]
        for name in ("argo-server", "workflow-controller", "postgresql"):
            outage(lab, name, 5)
        lost = lose_a_pod(lab)
        over = datetime.now(UTC)
        assert not second.done(), "it came to a verdict before all of it had happened"
        again = run_of(target)
        code, record = second.result()

    found = checks(record)
    assert (code, record.verdict) == (0, "PASS"), record.data["reason"]
    assert datetime.fromisoformat(record.data["ended"]) > over
    spells = found["stable"]["evidence"]["spells"]
    for began, ended in unseen:
        assert not any(start < began and end > ended for start, end in spells), "an outage counts as watched"
    assert found["creation success"]["evidence"]["seen"]["rows"], "nobody was turned away in all these outages"
    assert f"{lost}" in found["nothing else changed"]["seen"]
    assert found["orphans"]["verdict"] == "PASS"

    now = State.load(Cluster.connect(target)).facts
    run = now.runs[PHASE]
    assert (run.id, run.attempts, run.concluded) == (kept.id, 2, "PASS")
    for key in ("deployed", "baseline of production"):
        assert again.steps[key] == kept.steps[key]
    begins = [began for began, _ in kept.steps["watched"]]
    assert [began for began, _ in spells][: len(begins)] == begins, "what the first run had watched is lost"
    assert lab.generation() == generation, "the flag was turned twice"
    assert [one.enabled for one in now.flags] == [True]
    assert state.holder(Cluster.connect(target)) is None
    by_mark = made_by(lab, run.id)
    assert len(by_mark) > 20
    assert set(by_mark.values()) == {1}, by_mark


def outage(lab, name, seconds):
    """One outage of so many seconds; between which moments the part surely was dead."""
    with down(lab, name):
        began = time.time()
        time.sleep(seconds)
        ended = time.time()
    return began, ended


def made_by(lab, token):
    """How many workflows there are of each submission of that run's own traffic."""
    mark = re.compile(rf"\[({re.escape(token)}-watch-\d+-\d+)\]")
    return Counter(found for one in lab.operator.workflows("hera-rollout/task")
                   for found in set(mark.findall(json.dumps(one["spec"]))))  # fmt: skip


# --- during a rollback ------------------------------------------------------------------------------------------------


@pytest.fixture
def turned_on(suspended, target, backend, target_file):
    """The flag is on by its file; the file of that target."""
    suspended.clear_flag()
    suspended.forget()
    cluster = Cluster.connect(target.by("configmap"))
    State.load(cluster).enter("shaken", PHASE, by="ann")
    flag.apply(cluster, backend, flag.plan(cluster, enabled=True))
    State.load(cluster).flag_set(enabled=True, percent=100, by="ann")
    return target_file()


def start_rollback(target):
    command = [BIN / "hera-rollout", "rollback", "--target", target, "--yes", "--observe", "1"]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)  # fmt: skip


def rolled_back(target):
    """The command; its exit code, and all that it said."""
    told, heard = (process := start_rollback(target)).communicate(timeout=150)
    assert "Traceback" not in told + heard
    return process.returncode, told + heard


def says(addresses):
    """What pods say, asked without the API server."""
    return [httpx.get(f"http://{one}:8000/api/v1/flag", timeout=5).json()["enabled"] for one in addresses]


def is_off_and_noted(lab, target):
    assert {said["enabled"] for said in lab.flags()} == {False}
    facts = State.load(Cluster.connect(target)).facts
    assert [one.enabled for one in facts.flags] == [True, False]
    assert facts.rolled_back is not None
    assert facts.rolled_back.phase == PHASE


@pytest.mark.parametrize(
    "name",
    [
        "argo-server",
        "postgresql",
        *(pytest.param(one, marks=pytest.mark.soak) for one in ("workflow-controller", "prometheus")),
    ],
)
def test_a_rollback_needs_none_of_these_and_no_submission_of_the_outage_is_made_twice(  # noqa: PLR0917
    suspended, turned_on, target, backend, workflows, unique, name
):
    with traffic.Traffic(backend, traffic.steady(1, 60), token=f"outage-{unique}") as load:
        time.sleep(1.5)
        with down(suspended, name):
            code, said = rolled_back(turned_on)
        time.sleep(2)
    assert code == 0, said
    assert "2 of 2 report it off" in said
    is_off_and_noted(suspended, target)
    load.resolve(workflows)
    there = traffic.by_mark(load.rows, workflows.raw())
    for row in load.rows:
        assert there[row.mark] == (0 if row.outcome in traffic.LOST else 1), row
    assert load.rows[-1].path == "yaml", load.rows[-1]
    if name in {"argo-server", "postgresql"}:
        assert traffic.lost(load.rows), "the outage was one"


@pytest.mark.soak
def test_with_a_pod_of_the_backend_gone_at_that_moment_the_new_one_is_asked_too(suspended, turned_on, target):
    lost = lose_a_pod(suspended)
    code, said = rolled_back(turned_on)
    assert code == 0, said
    suspended.settled()
    assert lost not in {pod.metadata.name for pod in suspended.pods()}
    is_off_and_noted(suspended, target)


def test_a_rollback_that_could_not_be_noted_is_noted_by_the_next_one(suspended, turned_on, target):
    cluster = Cluster.connect(target.by("configmap"))
    flag.throw(cluster, flag.plan(cluster, enabled=False))  # and then the machine that rolled back was gone
    assert State.load(cluster).facts.rolled_back is None
    code, said = rolled_back(turned_on)
    assert code == 0, said
    assert "it was off already" in said
    is_off_and_noted(suspended, target)


# --- the Argo Server, the controller and the database, each by itself -------------------------------------------------


def one_pod(target, *, args):
    with Workflow(
        generate_name="kit-test-", entrypoint="main", service_account_name=target.workflow.service_account,
        active_deadline_seconds=120,
    ) as workflow:  # fmt: skip
        Container(name="main", image=target.workflow.image, command=["sh", "-c"], args=[args])
    return workflow


@pytest.fixture
def submitted(workflows, target, unique):
    """Submits a workflow of one pod; its name. It is deleted afterwards."""
    name = f"kit-test-{unique}"
    yield lambda args: workflows.submit(one_pod(target, args=args), name=name).name
    workflows.delete(name)


def test_without_the_argo_server_a_submission_is_refused_in_words_and_a_wait_goes_on(
    lab, workflows, target, submitted, unique
):
    name = submitted("sleep 2")
    with down(lab, "argo-server"):
        began = time.monotonic()
        for act in (workflows.check_server, lambda: workflows.submit(hello(target), name=f"refused-{unique}")):
            with pytest.raises(Refused, match="did not answer") as caught:
                act()
            assert target.argo_url in caught.value.seen
            assert caught.value.todo
        assert time.monotonic() - began < 30
        outcome = workflows.wait(name, 120)
    assert outcome.succeeded, outcome.message
    with pytest.raises(Missing):
        workflows.get(f"refused-{unique}")


def test_a_controller_that_is_down_is_named_when_the_deadline_comes(lab, workflows, submitted):
    with down(lab, "workflow-controller"):
        outcome = workflows.wait(submitted("true"), 12)
    assert outcome.reached == "deadline"
    assert "controller has not picked it up" in outcome.message


@pytest.mark.parametrize(("component", "word"), [("argo-server", "Argo Server"), ("postgresql", "database")])
def test_the_backend_says_503_with_the_reason_until_it_is_over(suspended, component, word):
    with httpx.Client(base_url=f"{suspended.backend_url}/api/v1/tasks", timeout=30) as http:
        task = http.post("/submit", json={"pythonCode": "pass"}).json()["id"]
        with down(suspended, component):
            began = time.monotonic()
            answer = http.post("/submit", json={"pythonCode": "pass"})
            assert time.monotonic() - began < 25
            assert answer.status_code == 503, answer.text
            assert word in answer.json()["detail"]
            assert httpx.get(f"{suspended.backend_url}/healthz", timeout=5).status_code == 200
        wait_for("it submits again", lambda: http.post("/submit", json={"taskId": task}).status_code == 200, 40)
        assert http.delete(f"/{task}/delete").status_code == 200


@pytest.mark.soak
def test_argo_server_down_is_failed_rows_with_the_reason_and_no_hang(clean_backend, backend, workflows):
    clean_backend.set_flag()
    with down(clean_backend, "argo-server"):
        began = time.monotonic()
        result = run("simple", backend, workflows, deadline_seconds=60, expect_path="hera")
    assert not result.passed
    assert "/api/v1/tasks/submit" in result.seen
    assert "Argo" in result.seen
    assert result.todo
    assert time.monotonic() - began < 90


# The API server's outages come last: its kubelets take up to a minute and a half to look at ConfigMaps again.


def test_without_the_api_server_nothing_is_changed_and_when_it_is_back_it_goes(suspended, turned_on, target):
    addresses = [pod.status.pod_ip for pod in suspended.pods()]
    before = State.load(Cluster.connect(target)).version
    with down(suspended, API):
        code, said = rolled_back(turned_on)
        assert code == 2, said
        assert "The Kubernetes API server at" in said
        assert "did not answer" in said
        assert says(addresses) == [True, True]
    assert State.load(Cluster.connect(target)).version == before
    code, said = rolled_back(turned_on)
    assert code == 0, said
    is_off_and_noted(suspended, target)


@pytest.mark.soak
def test_an_api_server_that_dies_right_after_the_patch_is_waited_for_and_the_rollback_is_noted_at_last(
    suspended, turned_on, target, backend, workflows
):
    dead, lines = threading.Event(), []

    def shake():
        with down(suspended, API):
            dead.set()
            time.sleep(3)

    def hear(line):
        lines.append(line)
        if line.startswith("patched:"):
            pool.submit(shake)
            assert dead.wait(30)

    cluster = Cluster.connect(target.by("configmap"))
    with ThreadPoolExecutor(1) as pool:
        result = rollback.quick(cluster, backend, workflows, by="ann", observe_seconds=1, on_progress=hear)
    assert any("did not answer" in line for line in lines)
    assert result.unverified == ()
    assert result.check().verdict is Verdict.PASS
    is_off_and_noted(suspended, target)


def test_waiting_survives_a_restart_of_the_api_server(lab, workflows, submitted):
    name = submitted("sleep 4")

    def restart():
        time.sleep(2)
        with down(lab, API):
            pass

    with ThreadPoolExecutor(1) as pool:
        over = pool.submit(restart)
        outcome = workflows.wait(name, 180)
        over.result()
    # How it ended is Argo's own: its executor may meet a 403 of a server that has only just started.
    assert outcome.reached == "finished", outcome.message
    assert outcome.phase == workflows.live(name)["status"]["phase"]
