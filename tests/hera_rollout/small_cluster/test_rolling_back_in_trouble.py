"""A rollback on clusters and services unlike the kit's own: it ends, turns off what it can, and says the rest."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from hera_rollout import flag, preflight, rollback
from hera_rollout.backend import Backend, orphans
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Verdict
from hera_rollout.phase.steps import returning
from hera_rollout.rollback import observing
from hera_rollout.state import State
from hera_rollout.workflows import Workflows

pytestmark = pytest.mark.usefixtures("clock")

OFF, QUARTER = {"enabled": "false", "percent": "0"}, {"enabled": "true", "percent": "25"}
DEPLOYMENT, CONFIGMAP, FLAG = "/deployments/backend", "/configmaps/backend-flag", "/api/v1/flag"
HERA = {"hera-rollout/path": "hera", "hera-rollout/task": "task-1"}


def roll_back(cluster, *, full=False, **options):
    """Roll back, and watch for no time."""
    way = rollback.full if full else rollback.quick
    return way(cluster, Backend(cluster.target), Workflows(cluster.target, cluster), by="ann", observe_seconds=0.0,
               **options)  # fmt: skip


def answering(method, end, status, body):
    """A server that answers so to this kind of request."""
    return lambda asked, path: (status, body) if asked == method and path.endswith(end) else None


# --- broken off -------------------------------------------------------------------------------------------------------


def interrupted_at(monkeypatch, number):
    """Ctrl-C in the wait for this provider, counted from 1."""
    waits, settled = [], flag.settled

    def wait(place, *rest, **named):
        waits.append(place.target.flag.medium)
        if len(waits) == number:
            raise KeyboardInterrupt
        return settled(place, *rest, **named)

    monkeypatch.setattr(flag, "settled", wait)
    return waits


@pytest.mark.parametrize("full", [False, True])
def test_an_interrupt_in_the_first_wait_turns_the_second_provider_off_before_it_ends(
    kube, cluster, command, monkeypatch, full
):
    kube.variable, kube.file = "true", QUARTER
    interrupted_at(monkeypatch, 1)
    done = command("--yes", *(["--full"] if full else []))
    assert (kube.file, kube.variable) == (OFF, "false")
    assert done.exit_code == 4
    assert "kubectl set env deployment/backend USE_HERA_SDK=false" in done.stderr
    assert State.load(cluster).drift() == []


def test_an_interrupt_names_the_provider_that_could_not_be_turned_off(kube, command, monkeypatch):
    kube.variable, kube.file = "true", QUARTER
    interrupted_at(monkeypatch, 1)
    kube.trouble = answering("PATCH", DEPLOYMENT, 403, {"message": "forbidden"})
    done = command("--yes")
    assert (kube.file, kube.variable, done.exit_code) == (OFF, "true", 4)
    assert "not turned off: medium env" in done.stderr
    assert "kubectl set env deployment/backend USE_HERA_SDK=false" in done.stderr


# --- one provider's trouble keeps no other one on ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 409, 422, 500])
@pytest.mark.parametrize("full", [False, True])
def test_whatever_the_file_s_patch_is_answered_the_variable_goes_off(kube, cluster, status, full):
    State.load(cluster).remember_known_good(by="ann")
    kube.variable, kube.file = "true", QUARTER
    kube.trouble = answering("PATCH", CONFIGMAP, status, {"message": "denied the request"})
    result = roll_back(cluster, full=full)
    assert (kube.variable, kube.says()["enabled"]) == ("false", False)
    assert result.check().verdict is Verdict.HOLD
    assert "kubectl patch configmap backend-flag" in " ".join(result.unverified)


def test_a_patch_that_is_overtaken_each_time_says_how_to_do_it_by_hand(kube, cluster):
    kube.variable = "true"
    kube.trouble = answering("PATCH", DEPLOYMENT, 409, {"message": "the object has been modified"})
    with pytest.raises(RolloutError) as error:
        roll_back(cluster)
    assert "kubectl set env deployment/backend USE_HERA_SDK=false" in error.value.todo


def test_a_container_of_another_name_does_not_keep_the_file_on(kube, cluster):
    kube.file = QUARTER
    kube.deployment["spec"]["template"]["spec"]["containers"][0]["name"] = "app"
    result = roll_back(cluster)
    assert kube.file == OFF
    assert result.check().verdict is Verdict.HOLD
    assert "has no container 'backend'" in " ".join(result.unverified)


def test_a_deployment_that_selects_by_expressions_is_rolled_back_too(kube, cluster):
    kube.deployment["spec"]["selector"] = {
        "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["backend", "worker"]},
            {"key": "canary", "operator": "DoesNotExist"},
            {"key": "tier", "operator": "NotIn", "values": ["db"]},
            {"key": "app", "operator": "Exists"},
        ]
    }
    kube.variable, kube.file = "true", QUARTER
    assert cluster.selector() == "app in (backend,worker),!canary,tier notin (db),app"
    assert roll_back(cluster).check().verdict is Verdict.PASS


def test_an_error_that_is_none_of_the_kits_keeps_no_other_provider_on(kube, cluster, monkeypatch):
    kube.variable, kube.file = "true", QUARTER
    plan = flag.plan

    def broken(place, **named):
        if place.target.flag.medium == "configmap":
            raise KeyError("matchLabels")
        return plan(place, **named)

    monkeypatch.setattr(flag, "plan", broken)
    result = roll_back(cluster)
    assert kube.variable == "false"
    assert "KeyError" in " ".join(result.unverified)
    assert result.check().verdict is Verdict.HOLD


def test_a_notebooks_rollback_goes_on_where_the_patch_cannot_be_shown(kube, begun, monkeypatch):
    kube.variable, kube.file = "true", QUARTER
    phase = begun("03_canary", rollback=True)
    phase.flagged = phase.cluster.by("configmap")
    kube.trouble = answering("GET", CONFIGMAP, 403, {"message": "forbidden"})
    asyncio.run(returning.rollback(phase))
    assert kube.variable == "false"
    assert phase.checks["rollback"].verdict is Verdict.HOLD


# --- answers of the flag's route --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [(200, "[]"), (200, "null"), (200, '"off"'), (204, ""), (200, ""), (307, {}), (200, "{}"), (200, {"status": "ok"}),
     (200, {"enabled": "false"}), (410, {})],
)  # fmt: skip
def test_an_answer_that_is_no_flag_ends_the_wait(kube, cluster, answer, clock):
    kube.variable = "true"
    kube.trouble = answering("GET", FLAG, *answer)
    result = roll_back(cluster, deadline_seconds=12)
    assert clock.waited < 10
    assert result.check().verdict is Verdict.HOLD
    assert "By their environment, 1 of 1 ready pods have USE_HERA_SDK=false" in result.unverified[0]
    assert "Error:" not in result.unverified[0], "an error of Python's own tells nobody anything"


@pytest.mark.parametrize("answer", ["[]", "null", "{}", '{"enabled": true, "heraVersion": 7, "pod": ["a"]}'])
def test_the_preflight_makes_every_line_whatever_the_flags_route_answers(kube, cluster, answer):
    kube.trouble = answering("GET", FLAG, 200, answer)
    made = list(preflight.checks(cluster.target, cluster, Workflows(cluster.target, cluster)))
    assert len(made) == 8


def test_a_service_behind_the_pods_that_says_no_flag_is_not_said_to_be_on(kube, cluster, clock):
    kube.variable = "true"
    kube.trouble = lambda _method, path: (200, {"status": "ok"}) if path == FLAG else None
    result = roll_back(cluster, deadline_seconds=12)
    assert clock.waited < 10
    assert "with the flag on" not in result.unverified[0]
    assert result.check().verdict is Verdict.HOLD


def test_pods_that_do_not_answer_are_asked_side_by_side(kube, cluster):
    pod = kube.objects["/api/v1/namespaces/argo/pods/backend-1"]
    for number in range(2, 7):
        path = f"/api/v1/namespaces/argo/pods/backend-{number}"
        kube.objects[path] = {**pod, "metadata": {**pod["metadata"], "name": f"backend-{number}"}}

    all_of_them = threading.Barrier(6, timeout=1)  # breaks where one waits for the answer of another

    def slow(_method, path):
        if path.endswith(f"/proxy{FLAG}"):
            all_of_them.wait()

    kube.trouble = slow
    assert list(flag.report(cluster, Backend(cluster.target))["problem"]) == [""] * 6


# --- no pods, and a pause in the middle -------------------------------------------------------------------------------


def test_a_service_that_is_scaled_to_nothing_is_not_waited_for(kube, cluster, clock):
    kube.variable = "true"
    kube.deployment["spec"]["replicas"] = 0
    kube.deployment["status"] |= {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}
    kube.objects.pop("/api/v1/namespaces/argo/pods/backend-1")
    kube._roll = lambda: None
    kube.says = lambda: {"enabled": False}
    result = roll_back(cluster, deadline_seconds=12)
    assert clock.waited < 10
    assert kube.variable == "false"
    assert result.check().verdict is Verdict.HOLD
    assert "no pod is ready" in result.unverified[0]


def test_a_pause_between_the_patch_and_its_rollout_is_told_with_the_way_on(kube, cluster, clock):
    kube.variable = "true"

    def at_once(method, path):
        if method == "PATCH" and path.endswith(DEPLOYMENT):
            kube.paused = True

    kube.trouble = at_once
    result = roll_back(cluster, deadline_seconds=12)
    assert clock.waited < 10
    assert result.check().verdict is Verdict.HOLD
    assert "kubectl rollout resume deployment/backend -n argo" in " ".join(result.sentences())
    assert not any(provider.in_effect for provider in result.providers)


# --- whose workflows --------------------------------------------------------------------------------------------------


def meanwhile(kube, *workflows, task=None):
    """Made while the rollback watches; `task`: what the service answers for every task."""
    lists = []

    def trouble(method, path):
        if method == "GET" and path.endswith("/workflows"):
            lists.append(path)
            if len(lists) == 2:
                for name, labels in workflows:
                    kube.workflow(name, labels)
        return task if task and "/api/v1/tasks/" in path else None

    kube.trouble = trouble


@pytest.mark.parametrize("answer", [(500, {}), (503, {}), (401, {}), (422, {"detail": "no uuid"}), (200, "[]")])
def test_in_flight_is_stopped_only_what_the_service_knows_as_its_own(kube, command, tmp_path, answer):
    kube.workflow("python-job-other", {**HERA, "hera-rollout/task": "another-s"})
    kube.workflow("python-job-no-label", source="import os\nimport sys\nsys.path.append(os.getcwd())\n")
    kube.trouble = lambda _method, path: answer if "/api/v1/tasks/" in path else None
    done = command("--yes", "--in-flight", "stop", "--evidence", str(tmp_path))
    for name in ("python-job-other", "python-job-no-label"):
        document = kube.objects[f"/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/{name}"]
        assert "shutdown" not in document["spec"]
    assert "0 Hera workflows are in flight" in done.stdout
    assert "not known by which path or whose: 2" in done.stdout


def test_a_strange_task_id_does_not_keep_the_services_own_from_being_proven(kube, cluster):
    kube.tasks = {"task-1"}
    answers = {"/api/v1/tasks/another-s": (422, {"detail": "no uuid"}), "/api/v1/tasks/b-s": (500, {})}
    lists = []

    def trouble(method, path):
        if method == "GET" and path.endswith("/workflows"):
            lists.append(path)
            if len(lists) == 2:
                kube.workflow("python-job-1", HERA)
                kube.workflow("python-job-2", {**HERA, "hera-rollout/task": "another-s"})
        return answers.get(path)

    kube.trouble = trouble
    result = roll_back(cluster)
    assert result.evidence()["hera_after"] == ["python-job-1"]
    assert result.evidence()["unknown_after"] == ["python-job-2"]
    assert result.check().verdict is Verdict.FAIL


@pytest.mark.parametrize("path", ["YAML", "Yaml", "v2", "legacy"])
def test_a_path_label_that_names_no_path_is_no_workflow_by_hera(kube, cluster, path):
    kube.tasks = {"task-1"}
    meanwhile(kube, ("python-job-1", {**HERA, "hera-rollout/path": path}))
    result = roll_back(cluster)
    assert result.evidence()["hera_after"] == []
    assert result.check().verdict is Verdict.HOLD


def test_a_run_that_the_service_knows_under_another_workflow_is_not_this_one(kube, cluster):
    """Two services that count their tasks 1, 2, 3: the same task and run in both."""
    runs = {"runs": [{"runNumber": 1, "workflowId": "mine-7-1"}]}
    labels = {**HERA, "hera-rollout/task": "7", "hera-rollout/run": "1"}
    meanwhile(kube, ("other-7-1", labels), ("mine-7-1", {**labels, "hera-rollout/path": "yaml"}), task=(200, runs))
    result = roll_back(cluster)
    assert result.evidence()["hera_after"] == []
    assert result.evidence()["unknown_after"] == ["other-7-1"]
    meanwhile(kube, ("mine-7-2", {**labels, "hera-rollout/run": "2"}), task=(200, runs))
    assert roll_back(cluster).evidence()["hera_after"] == ["mine-7-2"]


@pytest.mark.parametrize("late", ["python-job-task-1-1-2", "python-job-task-1-1-1-late", "python-job-task-1-1-x7k2p"])
def test_another_attempt_of_the_services_own_run_by_hera_is_a_failure(kube, cluster, late):
    """A forgotten pod with the flag on: the very run that the service knows, made once more."""
    runs = {"runs": [{"runNumber": 1, "workflowId": "python-job-task-1-1-1"}]}
    meanwhile(kube, (late, {**HERA, "hera-rollout/run": "1"}), task=(200, runs))
    result = roll_back(cluster)
    assert result.evidence()["hera_after"] == [late]
    assert result.check().verdict is Verdict.FAIL


def test_a_service_that_is_slow_is_not_asked_for_thousands_of_tasks_one_after_the_other(kube, cluster, clock):
    for number in range(40):
        kube.workflow(f"python-job-{number}", {**HERA, "hera-rollout/task": f"task-{number}"})

    def slow(_method, path):
        if "/api/v1/tasks/" in path:
            clock.sleep(5)

    kube.trouble = slow
    result = roll_back(cluster)
    assert clock.waited < observing.ASK_SECONDS + 10
    assert len(result.unknown_in_flight) == 40


@pytest.mark.parametrize("status", [400, 410, 422])
def test_a_stranger_s_task_id_that_the_service_calls_none_leaves_the_count_of_orphans(kube, cluster, status):
    kube.workflow("python-job-other", {**HERA, "hera-rollout/task": "another-s"})
    kube.trouble = answering("GET", "/another-s", status, {"detail": "no uuid"})
    since = datetime.now(UTC) - timedelta(minutes=1)
    counted = orphans.count(Backend(cluster.target), Workflows(cluster.target, cluster), since)
    assert [one.name for one in counted.unknown] == ["python-job-other"]
    assert orphans.judged(counted, since).verdict is Verdict.HOLD
