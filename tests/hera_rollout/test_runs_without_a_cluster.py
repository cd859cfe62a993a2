"""Steps of a run whose cluster never answers: they end when they should, and say what is so."""

import asyncio
import time
from pathlib import Path

import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout import display
from hera_rollout.cluster import Cluster
from hera_rollout.cluster.connection import load
from hera_rollout.errors import PhaseFailed
from hera_rollout.gates import Check, Verdict
from hera_rollout.parameters import validate
from hera_rollout.phase import Connections, Phase
from hera_rollout.phase.steps import guarding, laddering, submitting
from hera_rollout.target import Medium

FAILED = Check(name="error rate", verdict=Verdict.FAIL, seen="9 % failed")


@pytest.fixture
def blind(make_target, closed_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A run of a phase whose API server is gone."""
    InteractiveShell.instance()
    monkeypatch.delenv("HERA_ROLLOUT_NOTICES", raising=False)
    there = [{"name": "there", "cluster": {"server": closed_url}}]
    context = [{"name": "there", "context": {"cluster": "there", "user": "me"}}]
    document = {
        "clusters": there,
        "contexts": context,
        "users": [{"name": "me", "user": {}}],
        "current-context": "there",
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
    limits = {"request_timeout_seconds": 1, "rollout_deadline_seconds": 1, "workflow_deadline_seconds": 8}
    target = make_target(kubeconfig=str(tmp_path / "kubeconfig"), limits=limits)

    def begun(notebook: str, medium: Medium = "env", **parameters: object) -> Phase:
        given = validate(notebook, {"target": "there", "dry_run": False, **parameters})
        place = target.by(medium)
        return Phase(notebook, given, Connections.over(Cluster(place, load(place), "v1")))

    return begun


def test_a_watch_that_cannot_take_production_back_says_so_and_tells_nobody_that_it_did(blind) -> None:
    phase = blind("04_production", operator="Ann")
    with capture_output(), pytest.raises(PhaseFailed, match="could not be turned off by itself"):
        asyncio.run(guarding._act(phase, None, [FAILED]))
    assert phase.checks["rollback"].verdict is Verdict.FAIL
    assert "hera-rollout rollback --target there --yes" in phase.checks["rollback"].todo
    assert "communication: rolled back" not in phase.checks
    assert "communication: during" in phase.checks


def test_a_veto_of_users_that_cannot_be_carried_out_says_so(blind) -> None:
    phase = blind("03_canary", user_issues="lost a run")
    with capture_output(), pytest.raises(PhaseFailed, match="could not be turned off by itself"):
        asyncio.run(laddering._veto(phase))


def test_the_notebooks_own_workflow_is_waited_for_as_long_as_the_parameter_says(blind) -> None:
    phase, began = blind("01_dev_testing", workflow_deadline_seconds=1), time.monotonic()
    with capture_output(), display.Live() as live:
        outcome = submitting._wait(phase, "hera-rollout-hello", live)
    assert outcome.reached == "deadline"
    assert time.monotonic() - began < 6, "the target's limit is 8 s"


@pytest.mark.parametrize(
    ("medium", "told"),
    [
        ("env", "LIVE: sets USE_HERA_SDK on deployment/backend (its pods restart) and creates test workflows in argo"),
        ("configmap", "LIVE: sets configmap/backend-flag (no pod restarts) and creates test workflows in argo"),
        ("manual", "LIVE: asks for USE_HERA_SDK to be set by hand and creates test workflows in argo"),
    ],
)
def test_the_head_of_a_record_says_how_the_flag_is_turned_here(blind, medium: Medium, told: str) -> None:
    assert blind("01_dev_testing", medium)._intention().startswith(told)
