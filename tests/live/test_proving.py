"""The integration list, orphans, diagnosis, log classes and preflight on the lab tell what is wrong.

Green when all is well: nbval's run of 01 and 02, where each of these checks is compared by its name and verdict.
"""

import time
from datetime import UTC, datetime

import pytest

from hera_rollout import logclasses, preflight
from hera_rollout.backend import Backend, orphans
from hera_rollout.backend.integration import run_integration
from hera_rollout.troubleshooting import Entry
from hera_rollout.workflows.diagnosis import diagnose

pytestmark = pytest.mark.live


@pytest.fixture
def one(clean_backend, backend, workflows):
    """Run the list, or some of it."""

    def run(*names, expect="", seconds=60.0):
        results = run_integration(backend, workflows, deadline_seconds=seconds, expect_path=expect, names=names or None)
        return {result.name: result for result in results}

    run.lab = clean_backend
    return run


@pytest.mark.soak
def test_the_two_step_dialect_passes_too(one):
    one.lab.set_env(BACKEND_DIALECT="two-step")
    results = one()
    assert {name: result.seen for name, result in results.items() if not result.passed} == {}


def test_bad_input_that_is_answered_500_is_told_by_the_api_line_alone(one):
    one.lab.set_faults(bad_input_500="on")
    results = one("api", "kubernetes")
    assert not results["api"].passed
    assert "answered 500 instead of a 4xx" in results["api"].seen
    assert results["kubernetes"].passed


def test_a_name_that_is_no_workflow_is_told(one):
    one.lab.set_faults(compare_nothing="on")
    results = one("kubernetes", seconds=20)
    assert "is not on the cluster" in results["kubernetes"].seen


def test_the_other_path_is_told(one):
    assert "path=yaml (proven)" in one("kubernetes", expect="hera")["kubernetes"].seen


def test_an_orphan_is_counted_and_what_belongs_to_a_task_is_not(clean_backend, backend, workflows, target):
    since = datetime.now(UTC)
    assert orphans.judged(orphans.count(backend, workflows, since), since).verdict == "HOLD"
    known = backend.submit("print(1)")
    clean_backend.set_flag(enabled=True, percent=100)
    clean_backend.set_faults(orphan_after_success="on")
    status, _ = backend.answer("POST", "/api/v1/tasks/submit", body={"pythonCode": "print(2)  # an orphan's mark"})
    assert status == 500
    clean_backend.set_faults()
    stranger = orphans.count(backend, workflows, since)
    assert (len(stranger.orphans), len(stranger.unknown)) == (0, 1), "nothing shows that it is this service's"
    found = orphans.count(backend, workflows, since, mark="an orphan's mark")
    assert (found.counted, len(found.orphans), found.duplicates) == (2, 1, ())
    assert known.workflow not in {each.name for each in found.orphans}
    for each in found.orphans:
        workflows.delete(each.name)
    backend.delete(known.task)


def test_a_workflow_whose_image_is_not_there_is_diagnosed(clean_backend, backend, workflows):
    clean_backend.set_flag(enabled=True, percent=100)
    clean_backend.set_faults(bad_image="on")
    made = backend.submit("print(1)")
    try:
        ends = time.monotonic() + 60
        found = diagnose(workflows, made.workflow)
        while not any(Entry.IMAGES.value in told for told in found.sentences) and time.monotonic() < ends:
            time.sleep(1)
            found = diagnose(workflows, made.workflow)
        assert any("does-not-exist" in told and Entry.IMAGES.reference in told for told in found.sentences)
        parts = set(found.frame["part"])
        assert {"template main image", "template main environment", "template main mounts"} <= parts
        assert "PVC task-results-pvc" in parts
        assert "RESULTS_DIR" in str(list(found.frame["seen"]))
        assert "/mnt/results from task-results" in str(list(found.frame["seen"]))
    finally:
        backend.delete(made.task)


def test_a_workflow_that_is_nowhere_is_diagnosed_as_such(workflows):
    assert "neither on the cluster nor in the archive" in diagnose(workflows, "no-such-workflow").sentences[0]


def test_an_exit_code_is_diagnosed(clean_backend, backend, workflows):
    made = backend.submit("raise SystemExit(3)")
    assert workflows.wait(made.workflow, 60).phase == "Failed"
    assert any("exit code 3" in told for told in diagnose(workflows, made.workflow).sentences)
    backend.delete(made.task)


def test_a_500_is_one_error_and_a_fallback_is_a_warning_that_fails(clean_backend, cluster, backend):
    clean_backend.set_env(USE_HERA_SDK="true")
    since = datetime.now(UTC)
    clean_backend.set_faults(all_500="on")
    backend.answer("POST", "/api/v1/tasks/submit", body={"pythonCode": "print(1)"})
    found = logclasses.read(cluster, since)
    assert len(found.of("error")) == 1
    assert found.of("error")[0][1].lines > 5
    clean_backend.set_faults(silent_yaml_import="on")
    backend.delete(backend.submit("print(1)").task)
    (warning,) = [check for check in logclasses.judged(logclasses.read(cluster, since), restarted=False)
                  if check.name == "warning logs"]  # fmt: skip
    assert warning.verdict == "FAIL"


def lines(target, cluster, workflows):
    return {check.name: check for check in preflight.checks(target, cluster, workflows)}


def test_a_prometheus_that_is_not_there_fails_and_one_that_is_not_named_is_said(target, cluster, workflows):
    gone = target.model_copy(update={"prometheus_url": "http://127.0.0.1:9"})
    told = lines(gone, cluster, workflows)["Prometheus"]
    assert (told.verdict, "guide" in told.todo) == ("FAIL", True)
    none = target.model_copy(update={"prometheus_url": None})
    told = lines(none, cluster, workflows)["Prometheus"]
    assert told.verdict == "PASS"
    assert told.seen.startswith("not checked")


def test_every_line_fails_with_a_fix_where_nothing_is_there(target, cluster, workflows):
    nowhere = target.model_copy(update={"backend_url": "http://127.0.0.1:9", "deployment": "nothing"})
    made = lines(nowhere, type(cluster)(nowhere, cluster.connection, cluster.version), workflows)
    for name in ("backend", "Hera in the backend", "PVC"):
        assert made[name].verdict == "FAIL"
        assert "guide, “" in made[name].todo
    assert Backend(nowhere).target.deployment == "nothing"
