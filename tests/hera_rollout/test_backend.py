"""The client and the scenarios without a cluster: what a backend that is down, silent or odd comes to."""

import subprocess
import sys
import time

import pytest

from hera_rollout import backend as backends
from hera_rollout.backend import SCENARIOS, Backend, running
from hera_rollout.backend.provenance import Provenance
from hera_rollout.errors import Ambiguous, Refused, RolloutError
from hera_rollout.parameters import FUNCTIONAL_SCENARIOS
from hera_rollout.target import PackageSettings

HEALTHY = {"/healthz": (200, '{"status": "ok"}')}
SUBMIT = "/api/v1/tasks/submit"


def test_backend_down_is_refused_with_what_was_seen_and_what_to_do(make_target, closed_url):
    with pytest.raises(Refused) as caught:
        Backend.connect(make_target(backend_url=closed_url))
    assert closed_url in caught.value.seen
    assert "kubectl logs deployment/backend -n argo" in caught.value.todo


def test_backend_that_never_answers_is_refused_within_the_limit(make_target, silent_url):
    began = time.monotonic()
    with pytest.raises(Refused):
        Backend.connect(make_target(backend_url=silent_url))
    assert time.monotonic() - began < 20


def test_a_backend_without_healthz_is_asked_for_its_tasks(make_target, answering):
    Backend.connect(make_target(backend_url=answering({"/api/v1/tasks": (200, '{"tasks": []}')})))


def test_an_unhealthy_backend_is_refused_with_its_own_words(make_target, answering):
    url = answering({"/healthz": (503, '{"detail": "database unreachable"}')})
    with pytest.raises(Refused, match="database unreachable"):
        Backend.connect(make_target(backend_url=url))


def test_the_one_step_dialect_is_known_by_the_answer(make_target, answering):
    url = answering({SUBMIT: (200, '{"id": "task-1", "workflowId": "python-job-1", "runNumber": 1}')})
    backend = Backend(make_target(backend_url=url))
    assert backend.dialect == "unknown"
    submitted = backend.submit("print(1)")
    assert (submitted.task, submitted.workflow, submitted.run, backend.dialect) == (
        "task-1",
        "python-job-1",
        1,
        "one-step",
    )


def test_the_two_step_dialect_is_run_after_saving(make_target, answering):
    run = (200, '{"id": "task-1", "workflowId": "python-job-1", "runNumber": 3, "message": "started"}')
    url = answering({SUBMIT: (200, '{"id": "task-1", "message": "saved"}'), "/api/v1/tasks/task-1/run": run})
    backend = Backend(make_target(backend_url=url))
    assert backend.submit("print(1)").run == 3
    assert backend.dialect == "two-step"


@pytest.mark.parametrize("text", ["{}", '{"id": 7}', '{"id": "t", "workflowId": null}'])
def test_an_odd_answer_is_told_and_no_key_error(make_target, answering, text):
    backend = Backend(make_target(backend_url=answering({SUBMIT: (200, text)})))
    with pytest.raises(RolloutError, match="without"):
        backend.submit("print(1)")


def test_a_lost_answer_to_a_submission_is_ambiguous(make_target, silent_url):
    with pytest.raises(Ambiguous):
        Backend(make_target(backend_url=silent_url)).submit("print(1)")


def test_the_scenarios_are_the_parameters_scenarios_and_the_guides_list(guide):
    assert tuple(SCENARIOS) == FUNCTIONAL_SCENARIOS
    for scenario in SCENARIOS.values():
        assert f"- [ ] {scenario.title}" in guide


@pytest.mark.parametrize("name", ["simple", "rerun", "delete"])
def test_the_code_prints_what_is_expected_of_it_after_its_mark(name):
    packages = PackageSettings()
    code = SCENARIOS[name].script("mark-1", packages)
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert printed == f"[mark-1] {SCENARIOS[name].line(packages)}\n"


@pytest.mark.parametrize("name", ["dependencies", "requirements"])
def test_package_scenarios_really_look_for_the_packages(name):
    packages = PackageSettings(dependencies="pydantic>=2, httpx", requirements="pydantic>=2\n# no\n\nhttpx==0.28.1\n")
    scenario = SCENARIOS[name]
    code = scenario.script("m", packages)
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert printed == "[m] installed pydantic httpx\n"
    assert scenario.line(packages) == "installed pydantic httpx"
    missing = scenario.script("m", PackageSettings(dependencies="nosuch-dist", requirements="nosuch-dist"))
    assert subprocess.run([sys.executable, "-c", missing], check=False, capture_output=True, timeout=30).returncode != 0


def test_an_unknown_scenario_is_refused_with_the_known_ones(make_target):
    with pytest.raises(Refused, match="no scenario") as caught:
        backends.run("nonsense", Backend(make_target()), None, deadline_seconds=1, expect_path="hera")
    assert "simple, dependencies" in caught.value.expected


def test_two_paths_in_one_scenario_contradict_each_other():
    judged = running._judged([Provenance("hera", "proven", "a"), Provenance("yaml", "proven", "b")])
    assert judged.how == "contradicted"


def test_the_least_certain_of_several_counts():
    judged = running._judged([Provenance("hera", "proven", "a"), Provenance("hera", "inferred", "b")])
    assert judged.how == "inferred"


@pytest.mark.parametrize(
    ("judged", "expected", "wrong"),
    [
        (Provenance("hera", "proven", ""), "hera", False),
        (Provenance("hera", "inferred", ""), "hera", False),
        (Provenance("yaml", "proven", ""), "hera", True),
        (Provenance("", "unproven", ""), "hera", True),
        (Provenance("hera", "contradicted", ""), "hera", True),
    ],
)
def test_only_the_expected_path_shown_to_be_so_is_good(judged, expected, wrong):
    assert bool(running._wrong_path(judged, expected)) is wrong
