"""Drills on the real backend: the flag on and back under traffic, by file and by variable."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from hera_rollout import approvals, drill, flag
from hera_rollout.cluster import Cluster
from hera_rollout.drill import Settings
from hera_rollout.errors import Refused
from hera_rollout.gates import Verdict, drilling
from hera_rollout.state import State

pytestmark = pytest.mark.live

QUICK = Settings(per_second=0.5, before_seconds=2, on_seconds=6, after_seconds=4, task_seconds=8)


def enabled(service):
    return set(flag.report(*service[:2])["enabled"])


@pytest.fixture
def service(cluster, backend, workflows):
    return cluster, backend, workflows


@pytest.fixture
def state(clean_backend, cluster):
    kept = State.load(cluster)
    kept.enter("drill-test", "03_canary", by="test")
    return kept


@pytest.mark.soak  # tests/run has the drill's own notebook do the same by both media
@pytest.mark.parametrize("medium", ["configmap", "env"])
def test_a_healthy_backend_passes_by_either_medium_and_is_left_off(state, service, cluster, unique, medium):
    lines = []
    done = drill.run(
        *service, by="test", token=f"drill-{unique}", medium=medium, settings=QUICK, state=state,
        on_progress=lines.append,
    )  # fmt: skip
    check = done.check()
    print(check.seen, done.frame().to_string(), sep="\n")
    assert check.verdict is Verdict.PASS, check.seen
    evidence = json.loads(json.dumps(check.evidence))
    assert drilling.drilled(evidence) is Verdict.PASS
    assert evidence["medium"] == medium
    assert evidence["on"]["hera"] > 0
    made = done.traffic[done.traffic["workflow"] != ""]
    assert {"yaml", "hera"} == set(made["path"])
    assert enabled(service) == {False}
    assert [one.enabled for one in State.load(cluster).facts.flags] == [True, False]
    assert state.drift() == [], "both turns are the kit's own"


def test_a_path_that_falls_back_to_yaml_unsaid_fails_the_drill_and_the_flag_is_off_after_it(
    clean_backend, service, unique
):
    clean_backend.set_faults(silent_yaml_build="on")
    settings = Settings(before_seconds=0, on_seconds=3, after_seconds=1, task_seconds=0)
    done = drill.run(*service, by="test", token=f"drill-{unique}", medium="configmap", settings=settings)
    check = done.check()
    assert check.verdict is Verdict.FAIL
    assert "by the wrong path while it was on" in check.seen
    assert enabled(service) == {False}


def test_a_drill_into_a_running_canary_is_refused_and_touches_nothing(clean_backend, service, unique):
    clean_backend.set_flag(percent=10)
    with pytest.raises(Refused, match="has the flag on"):
        drill.run(*service, by="test", token=f"drill-{unique}", medium="configmap")
    assert enabled(service) == {True}
    assert set(flag.report(*service[:2])["percent"]) == {10}


def test_an_approval_is_in_the_rollouts_state_and_is_known_to_the_next_run(state, cluster, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    wanted = approvals.Wanted(rollout="drill-test", phase="03_canary", operator="test", rung=25)
    text = json.dumps(
        {"approver": "Ann", "reason": "saw the plots", "rollout": "drill-test", "phase": "03_canary", "rung": 25,
         "at": datetime.now(UTC).isoformat()}
    )  # fmt: skip
    assert asyncio.run(approvals.obtained(wanted, source=text, state=state)).approved
    again = State.load(Cluster.connect(cluster.target))
    assert [(one.by, one.rung, one.reason) for one in again.facts.approvals] == [("Ann", 25, "saw the plots")]
    assert asyncio.run(approvals.obtained(wanted, state=again)).approved
