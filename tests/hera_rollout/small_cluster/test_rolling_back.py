"""A rollback turns off every provider that can bring Hera back, the fastest first, and says what it could not see."""

import pytest

from hera_rollout import flag, preflight, rollback
from hera_rollout.backend import Backend
from hera_rollout.errors import DeadlineExceeded, Refused, RolloutError
from hera_rollout.gates import Verdict
from hera_rollout.phase.steps import returning
from hera_rollout.state import State
from hera_rollout.workflows import Workflows

pytestmark = pytest.mark.usefixtures("clock")

OFF, QUARTER = {"enabled": "false", "percent": "0"}, {"enabled": "true", "percent": "25"}
DEPLOYMENT, CONFIGMAP = "/deployments/backend", "/configmaps/backend-flag"
HERA = {"hera-rollout/path": "hera", "hera-rollout/task": "task-1"}


@pytest.fixture
def back(cluster):
    """Roll back; gives the result and the lines of progress."""

    def run(place=cluster, *, full=False, observe_seconds=0.0, **options):
        lines = []
        way = rollback.full if full else rollback.quick
        result = way(place, Backend(place.target), Workflows(place.target, place), by="ann",
                     observe_seconds=observe_seconds, on_progress=lines.append, **options)  # fmt: skip
        return result, lines

    return run


def writes(kube):
    """Remember what is patched or created, in its order."""
    order, trouble = [], kube.trouble

    def note(method, path):
        if method in {"PATCH", "POST"} and ("/configmaps" in path or path.endswith(DEPLOYMENT)):
            order.append("file" if path.endswith(CONFIGMAP) else "env" if path.endswith(DEPLOYMENT) else "state")
        return trouble(method, path)

    kube.trouble = note
    return order


# --- every provider ---------------------------------------------------------------------------------------------------


def test_a_canary_by_the_file_goes_off_by_the_file_first_and_then_by_the_variable(kube, cluster, back):
    kube.variable, kube.file = "true", QUARTER
    order = writes(kube)
    result, lines = back()
    assert (kube.file, kube.variable) == (OFF, "false")
    assert [part for part in order if part != "state"] == ["file", "env"]
    first_seen = next(number for number, line in enumerate(lines) if "report the flag off" in line)
    assert first_seen < next(number for number, line in enumerate(lines) if "kubectl set env" in line)
    assert (result.unverified, result.check().verdict) == ((), Verdict.PASS)
    assert [provider["medium"] for provider in result.evidence()["providers"]] == ["configmap", "env"]
    text = " ".join(result.sentences())
    assert "Flag off by medium configmap: kubectl patch configmap backend-flag" in text
    assert "Flag off by medium env: kubectl set env deployment/backend USE_HERA_SDK=false" in text
    state = State.load(cluster)
    assert state.drift() == []
    assert (state.facts.flags[-1].env, state.facts.flags[-1].file) == ("false", OFF)
    kube.file = QUARTER
    assert not kube.says()["enabled"], "the variable keeps it off"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("env", None, QUARTER), (None, OFF)),
        (("env", "true", OFF), ("false", OFF)),
        (("env", "true", {"note": "x"}), ("false", {**OFF, "note": "x"})),
        (("env", "true", None), ("false", None)),
        (("env", None, OFF), (None, OFF)),
        (("configmap", "true", QUARTER), ("false", OFF)),
        (("configmap", "TRUE", OFF), ("false", OFF)),
        (("configmap", None, QUARTER), (None, OFF)),
        (("configmap", None, None), (None, OFF)),
    ],
)
def test_what_says_on_is_turned_off_and_what_says_nothing_is_left(kube, cluster, back, before, after):
    medium, kube.variable, kube.file = before
    result, _ = back(cluster.by(medium))
    assert (kube.variable, kube.file) == after
    assert not kube.says()["enabled"]
    assert result.check().verdict is Verdict.PASS
    assert State.load(cluster).drift() == []


def test_a_file_that_cannot_be_written_does_not_keep_the_variable_on_and_is_told_with_its_command(kube, back):
    kube.variable, kube.file = "true", QUARTER
    kube.trouble = lambda method, path: (
        (403, {"message": "immutable"}) if method == "PATCH" and path.endswith(CONFIGMAP) else None
    )
    result, _ = back()
    assert (kube.variable, kube.says()["enabled"]) == ("false", False)
    assert result.check().verdict is Verdict.HOLD
    (told,) = result.unverified
    assert "by medium configmap" in told
    assert "immutable" in told
    assert "kubectl patch configmap backend-flag" in told


def test_whatever_is_raised_while_one_is_waited_for_the_other_goes_off_too(kube, back, monkeypatch):
    kube.variable, kube.file = "true", QUARTER
    settled = flag.settled

    def broken(place, *rest, **named):
        if place.target.flag.medium == "configmap":
            raise KeyError("enabled")
        return settled(place, *rest, **named)

    monkeypatch.setattr(flag, "settled", broken)
    result, _ = back()
    assert (kube.file, kube.variable) == (OFF, "false")
    assert result.effective is not None


def test_a_variable_that_cannot_be_patched_is_told_with_its_command_and_the_file_says_off(kube, back):
    kube.variable, kube.file = "true", QUARTER
    kube.trouble = lambda method, path: (
        (403, {"message": "forbidden"}) if method == "PATCH" and path.endswith(DEPLOYMENT) else None
    )
    result, _ = back()
    assert (kube.file, kube.says()["enabled"]) == (OFF, False)
    assert result.check().verdict is Verdict.HOLD
    assert "kubectl set env deployment/backend USE_HERA_SDK=false" in result.unverified[0]


def test_where_neither_can_be_turned_it_is_an_error_and_no_result(kube, back):
    kube.variable, kube.file = "true", QUARTER
    kube.trouble = lambda method, _path: (403, {"message": "forbidden"}) if method == "PATCH" else None
    with pytest.raises(RolloutError) as error:
        back()
    assert "kubectl patch configmap" in error.value.todo


def test_a_configmap_that_the_pods_do_not_mount_is_anothers(kube, back):
    kube.variable, kube.file = "true", QUARTER
    kube.deployment["spec"]["template"]["spec"]["volumes"] = []
    back()
    assert (kube.variable, kube.file) == ("false", QUARTER)


def test_by_hand_the_file_is_turned_off_and_the_variable_is_left_and_told(kube, cluster, back):
    kube.variable, kube.file = "true", QUARTER
    result, _ = back(cluster.by("manual"))
    assert (kube.file, kube.variable) == (OFF, "true")
    assert result.effective
    assert result.check().verdict is Verdict.HOLD
    assert "by hand: set USE_HERA_SDK=false" in result.unverified[0]


def test_the_full_rollback_turns_the_file_off_too(kube, back):
    kube.variable, kube.file = "true", QUARTER
    result, _ = back(full=True)
    assert (kube.variable, kube.file) == ("false", OFF)
    assert "it was not put back" in result.unverified[0]


def test_the_notebooks_rollback_does_the_same_and_shows_each_patch(kube, begun):
    kube.variable, kube.file = "true", QUARTER
    phase = begun("03_canary")
    phase.flagged = phase.cluster.by("configmap")
    assert [change.medium for change in flag.plans_off(phase.flagged)] == ["configmap", "env"]
    result = returning._quick(phase, lambda _line: None)
    assert (kube.variable, kube.file, result.unverified) == ("false", OFF, ())
    assert phase.keeping.state.drift() == []


def test_the_command_without_yes_shows_every_patch_and_makes_none(kube, command):
    kube.variable, kube.file = "true", QUARTER
    done = command()
    assert done.exit_code == 3
    for words in ("kubectl patch configmap backend-flag", "kubectl set env deployment/backend USE_HERA_SDK=false"):
        assert f"Command: {words}" in done.stdout
    assert (kube.variable, kube.file) == ("true", QUARTER)


# --- paused -----------------------------------------------------------------------------------------------------------


RESUME = "kubectl rollout resume deployment/backend -n argo"


def test_a_paused_deployment_says_that_the_variable_is_in_no_pod_and_how_it_gets_there(kube, back, clock):
    kube.variable, kube.paused = "true", True
    result, lines = back(deadline_seconds=60)
    assert clock.waited < 30, "the deadline is not waited for"
    assert (kube.variable, kube.says()["enabled"]) == ("false", True)
    text = " ".join([*result.sentences(), result.check().seen, result.check().todo, *lines])
    assert "no pod was replaced" in text
    assert RESUME in text
    assert "Flag off" not in text
    assert "rollout undo" not in text
    assert result.check().verdict is Verdict.HOLD
    again, _ = back()
    assert again.check().verdict is Verdict.HOLD, "the variable says off already, and the pod on"
    kube.paused = False
    assert back()[0].check().verdict is Verdict.PASS


def test_a_paused_deployment_is_off_by_its_file_and_that_is_told_apart(kube, back):
    kube.variable, kube.file, kube.paused = "true", QUARTER, True
    result, _ = back()
    assert not kube.says()["enabled"]
    assert result.check().verdict is Verdict.PASS
    assert [provider.in_effect for provider in result.providers] == [True, False]
    assert RESUME in " ".join(result.sentences())


def test_the_full_rollback_of_a_paused_deployment_says_how_to_go_on(kube, cluster, back):
    State.load(cluster).remember_known_good(by="ann")
    kube.variable, kube.paused = "true", True
    result, _ = back(full=True)
    text = " ".join(result.sentences())
    assert "it was not put back. deployment/backend is paused" in text
    assert RESUME in text
    assert "rollout undo" not in text
    assert result.check().verdict is Verdict.HOLD


def test_the_flag_is_not_turned_on_by_the_variable_of_a_paused_deployment(kube, cluster):
    kube.paused = True
    with pytest.raises(Refused, match="is paused") as error:
        flag.plan(cluster, enabled=True)
    assert RESUME in error.value.todo
    assert kube.variable is None
    assert flag.plan(cluster, enabled=False)


def test_the_preflight_names_the_pause_where_the_flag_is_the_variable(kube, cluster):
    kube.paused = True
    checks = {place.target.flag.medium: backend_check(place) for place in (cluster, cluster.by("configmap"))}
    assert (checks["env"].verdict, checks["configmap"].verdict) == (Verdict.FAIL, Verdict.PASS)
    assert "is paused" in checks["env"].seen
    assert RESUME in checks["env"].todo
    kube.paused = False
    assert backend_check(cluster).verdict is Verdict.PASS


def backend_check(place):
    made = preflight.checks(place.target, place, Workflows(place.target, place))
    return next(check for check in made if check.name == "backend")


def test_a_rollout_of_a_paused_deployment_is_not_waited_for(kube, cluster, clock):
    kube.paused = True
    kube.variable = "true"
    with pytest.raises(DeadlineExceeded, match="is paused") as error:
        cluster.rollout_status(60)
    assert clock.waited < 30
    assert RESUME in error.value.todo
    assert "undo" not in str(error.value)


# --- who cannot say ---------------------------------------------------------------------------------------------------


def flag_route(answer):
    return lambda _method, path: answer if path.endswith("/api/v1/flag") else None


@pytest.mark.parametrize(
    "answer",
    [(404, {"message": "no"}), (405, {}), (501, {}), (401, {}), (403, {"message": "no"}), (200, "<html>hello</html>")],
)
def test_an_answer_that_no_waiting_mends_ends_the_wait_and_the_pods_environment_is_told(kube, back, answer, clock):
    kube.variable = "true"
    kube.trouble = flag_route(answer)
    result, _ = back(deadline_seconds=60)
    assert clock.waited < 30
    assert result.check().verdict is Verdict.HOLD
    (told,) = result.unverified
    assert "By their environment, 1 of 1 ready pods have USE_HERA_SDK=false" in told
    assert result.created == 0, "workflows were looked at all the same"


def test_a_service_behind_its_pods_that_answers_with_a_page_ends_the_wait_too(kube, back, clock):
    kube.variable = "true"
    kube.trouble = lambda _method, path: (200, "<html>log in</html>") if path == "/api/v1/flag" else None
    result, _ = back(deadline_seconds=60)
    assert clock.waited < 30
    assert "the service did not answer" in result.unverified[0]


def test_a_503_is_asked_again(kube, back, clock):
    kube.variable = "true"
    kube.trouble = lambda _method, path: (
        (503, {"message": "starting"}) if path.endswith("/api/v1/flag") and clock.waited < 4 else None
    )
    result, _ = back(deadline_seconds=60)
    assert result.check().verdict is Verdict.PASS


# --- workflows of which it is not known how, or by whom, they were made ----------------------------------------------


def meanwhile(kube, **workflow):
    """A workflow that is made while the rollback watches: at its second list of workflows."""
    lists = []

    def trouble(method, path):
        if method == "GET" and path.endswith("/workflows"):
            lists.append(path)
            if len(lists) == 2:
                kube.workflow(**workflow)

    kube.trouble = trouble


@pytest.mark.parametrize("name", ["python-job-1", "nightly-report"])
def test_one_made_after_it_by_an_unknown_path_is_not_clean_and_no_failure(kube, back, name):
    meanwhile(kube, name=name)
    result, _ = back()
    assert result.check().verdict is Verdict.HOLD
    assert result.evidence()["unknown_after"] == [name]
    assert name in result.unverified[0]


def test_one_by_hera_is_a_failure_only_if_the_service_knows_its_task(kube, back):
    kube.tasks = {"task-1"}
    meanwhile(kube, name="python-job-1", labels=HERA)
    assert back()[0].check().verdict is Verdict.FAIL
    kube.tasks = set()
    meanwhile(kube, name="python-job-2", labels=HERA)
    result, _ = back()
    assert (result.check().verdict, result.evidence()["unknown_after"]) == (Verdict.HOLD, ["python-job-2"])
    assert "See what made" not in result.check().todo


def test_one_by_yaml_the_kits_own_and_one_by_a_schedule_are_no_doubt(kube, back):
    meanwhile(kube, name="python-job-1", labels={**HERA, "hera-rollout/path": "yaml"})
    assert back()[0].check().verdict is Verdict.PASS
    meanwhile(kube, name="nightly-1", labels={"workflows.argoproj.io/cron-workflow": "nightly"})
    assert back()[0].check().verdict is Verdict.PASS


def test_in_flight_without_a_label_is_told_and_dealt_with_only_by_name(kube, command):
    kube.tasks = {"task-1"}
    kube.workflow("python-job-hera", HERA)
    kube.workflow("python-job-other", {**HERA, "hera-rollout/task": "task-of-another"})
    for number in range(3):
        kube.workflow(f"job-{number}")
    done = command("--yes")
    assert "1 Hera workflows are in flight; they go on. In flight, not known by which path or whose: 4." in done.stdout
    assert "job-2" in done.stdout
    assert command("--yes", "--workflow", "job-1").exit_code == 2, "it says which, and not what"
    dealt_with = command("--yes", "--in-flight", "drain", "--workflow", "job-1").stdout.partition("WORKFLOW")[2]
    assert "python-job-hera" in dealt_with
    assert "job-1" in dealt_with
    assert "job-2" not in dealt_with
    assert "python-job-other" not in dealt_with
