"""Flag and scenarios on the real backend: what goes wrong is told in words.

That all is green when all is well, and most faults, are shown by the notebooks: test_notebook_01, _02, test_faults.
"""

import time

import pytest

from hera_rollout import flag
from hera_rollout.backend import SCENARIOS, Backend, run, run_all
from hera_rollout.cluster import environment
from hera_rollout.errors import Refused

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("flag_off_after")]


def flip(cluster, backend, enabled: bool) -> flag.FlagEffect:
    return flag.apply(cluster, backend, flag.plan(cluster, enabled))


@pytest.fixture
def faults(lab):
    """Switches faults of the backend on, seen by every pod; all are off afterwards."""
    yield lab.set_faults
    lab.set_faults()


@pytest.mark.soak
def test_the_two_step_dialect_is_found_out_and_passes_too(target, cluster, backend, workflows):
    flip(cluster, backend, False)
    cluster.apply_env(cluster.plan_env("BACKEND_DIALECT", "two-step"))
    cluster.rollout_status(120)
    try:
        backend = Backend.connect(target)
        names = ["simple", "rerun", "cancel", "delete"]
        results = run_all(backend, workflows, deadline_seconds=120, expect_path="yaml", names=names)
        assert {result.name: result.seen for result in results if not result.passed} == {}
        assert backend.dialect == "two-step"
    finally:
        cluster.apply_env(cluster.plan_env("BACKEND_DIALECT", "one-step"))
        cluster.rollout_status(120)


def test_planning_a_flip_shows_the_guides_own_command_and_changes_nothing(cluster):
    change = flag.plan(cluster, enabled=True)
    assert change.command == f"kubectl set env deployment/backend USE_HERA_SDK=true -n {cluster.target.namespace}"
    assert change.undo_command == f"kubectl set env deployment/backend USE_HERA_SDK=false -n {cluster.target.namespace}"
    assert "USE_HERA_SDK" in change.diff()
    assert cluster.env("USE_HERA_SDK") != "true"


def test_a_flip_that_is_already_in_effect_restarts_nothing(cluster, backend):
    flip(cluster, backend, True)
    before = set(cluster.pods(cluster.selector())["name"])
    assert set(flip(cluster, backend, True).pods) == before


def test_a_backend_that_runs_yaml_under_the_flag_and_labels_it_hera_fails_provenance(
    cluster, backend, workflows, faults
):
    flip(cluster, backend, True)
    faults(silent_yaml_build="lie")
    result = run("simple", backend, workflows, deadline_seconds=120, expect_path="hera")
    assert not result.passed
    assert "contradicted): labelled hera, but its container has a name" in result.seen
    assert result.workflows


@pytest.mark.soak
def test_a_cancellation_that_does_not_stop_is_a_failed_row_and_leaves_nothing_running(
    cluster, backend, workflows, faults
):
    flip(cluster, backend, True)
    faults(dead_cancel="on")
    result = run("cancel", backend, workflows, deadline_seconds=90, expect_path="hera")
    assert not result.passed
    assert "404" in result.seen
    for name in result.workflows:
        assert workflows.wait(name, 60).reached in {"finished", "gone"}


def test_backend_down_is_a_refusal_at_the_start_and_failed_rows_later(target, cluster, backend, admin, workflows):
    path = environment.path(target)
    replicas = admin.connection.get(path)["spec"]["replicas"]
    admin.connection.patch(path, {"spec": {"replicas": 0}}, "merge-patch")
    try:
        ends = time.monotonic() + 60
        while len(cluster.pods(cluster.selector())):
            assert time.monotonic() < ends
            time.sleep(0.3)
        began = time.monotonic()
        with pytest.raises(Refused, match="did not answer") as caught:
            Backend.connect(target)
        assert target.backend_url in caught.value.seen
        assert "kubectl logs deployment/backend" in caught.value.todo
        results = run_all(backend, workflows, deadline_seconds=30, expect_path="hera")
        assert [result.passed for result in results] == [False] * len(SCENARIOS)
        assert all("did not answer" in result.seen and result.todo for result in results)
        assert flag.report(cluster, backend).empty
        assert time.monotonic() - began < 90
    finally:
        admin.connection.patch(path, {"spec": {"replicas": replicas}}, "merge-patch")
        cluster.rollout_status(120)
