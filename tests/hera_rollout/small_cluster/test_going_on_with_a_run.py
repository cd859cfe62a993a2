"""A run that ended half way is gone on with: by the cluster's memory, by whoever comes, and not over another's hand."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

import pytest

from hera_rollout import rollback as rolling
from hera_rollout.canary import Rung
from hera_rollout.errors import PhaseFailed, PhaseOnHold
from hera_rollout.gates import Verdict
from hera_rollout.phase import steps
from hera_rollout.phase.steps import guarding, laddering, returning, watching
from hera_rollout.production import Baseline, Watch
from hera_rollout.records.sources import EXEMPT_VARIABLE
from hera_rollout.state import State


def test_begun_again_after_a_kill_it_does_nothing_twice_and_leaves_the_flag_on(kube, begin, screen):
    first = begin("01_dev_testing")
    assert first.once("simple yaml", lambda: {"workflow": "a"}) == {"workflow": "a"}
    asyncio.run(steps.set_flag(first, enabled=True))
    again = begin("01_dev_testing")  # of the first nothing was concluded
    assert (again.resumed, again.token, again.keeping.run.facts.attempts) == (True, first.token, 2)
    assert again.once("simple yaml", lambda: {"workflow": "another"}) == {"workflow": "a"}
    asyncio.run(steps.set_flag(again, enabled=False))
    assert "an earlier attempt of this run, which then turned the flag on" in screen.words
    assert set(kube.decided) == {False, True}
    assert kube.says()["enabled"] is True


def test_a_flag_changed_by_hand_meanwhile_is_named_and_what_was_done_before_proves_nothing(
    kube, begin, screen, monkeypatch
):
    first = begin("01_dev_testing")
    asyncio.run(steps.set_flag(first, enabled=True))
    first.once("something", lambda: 1)
    kube.variable = "false"
    again = begin("01_dev_testing")
    (found,) = again.keeping.found
    assert "USE_HERA_SDK on deployment/backend is now 'false'; it was 'true'" in found
    assert f"The flag was changed by hand: {found}" in screen.words
    assert again.resumed
    assert not again.done("something"), "work from before the change would be taken for evidence"
    monkeypatch.setenv(EXEMPT_VARIABLE, "1")
    with pytest.raises(PhaseOnHold, match="flag not changed by hand"):
        again.conclude()


# --- a canary ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def canary(begin, limit, monkeypatch):
    """Begins the canary and goes to its first weight, for as long as one or two looks take; how it ended."""
    monkeypatch.setattr(watching, "FASTEST", 0.01)
    for picture in ("_draw", "_shown"):  # test_ladder_plots has them
        monkeypatch.setattr(laddering, picture, lambda *_: None)
    monkeypatch.setattr(returning, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(rolling, "quick", partial(rolling.quick, observe_seconds=0))
    limit(rung_workflows=1, rung_seconds=1)

    def run(ends=PhaseOnHold, patience=0, **parameters):
        phase = begin("03_canary", **parameters)
        phase.parameters = phase.parameters.model_copy(update={"patience_seconds": patience})
        with pytest.raises(ends) as ended:
            asyncio.run(steps.flag_by_file(phase))
            asyncio.run(steps.rung(phase, 10))
        return phase, str(ended.value)

    return run


def approval():
    """Ann's, of the first weight."""
    return json.dumps({"approver": "Ann", "rollout": "r", "phase": "03_canary", "rung": 10, "reason": "a test",
                       "at": datetime.now(UTC).isoformat()})  # fmt: skip


def remembered(cluster):
    """What the rollout keeps of the canary's run."""
    return State.load(cluster).facts.runs["03_canary"]


def test_too_thin_traffic_holds_and_another_person_goes_on_from_there(kube, canary, cluster):
    _, said = canary(approval=approval())
    assert "The canary stays at 10 %" in said
    assert "1 more workflows on Hera (never, at the present rate)" in said
    assert (kube.says()["enabled"], kube.says()["percent"]) == (True, 10)
    began, sent = remembered(cluster).steps["rung 10"]["began"], kube.touched
    phase, said = canary(operator="Bea")
    assert "The canary stays at 10 %" in said
    assert phase.parameters.who().startswith("Bea")
    assert "approved by Ann" in phase.checks["approval: rung 10 %"].seen
    assert remembered(cluster).attempts == 2
    assert remembered(cluster).steps["rung 10"]["began"] == began
    assert [path for _, path in kube.touched[len(sent) :] if "deployments" in path] == [], "nothing is turned again"


def test_a_share_that_was_changed_by_hand_is_named_by_the_next_attempt_and_not_turned(kube, canary):
    canary(approval=approval())
    kube.file = {"enabled": "true", "percent": "90"}
    phase, _ = canary()
    seen = phase.checks["flag not changed by hand"].seen
    assert "configmap/backend-flag now says enabled=true, percent=90" in seen
    assert kube.says()["percent"] == 90, "it is somebody else's"


def test_a_share_that_is_changed_by_hand_during_the_watch_ends_it(kube, canary):
    looks = []

    def by_hand(method, path):
        looks.append(path)
        if looks.count("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows") == 3:
            kube.file = {"enabled": "true", "percent": "30"}

    kube.trouble = by_hand
    phase, said = canary(approval=approval(), patience=20)
    assert "The flag was changed by hand meanwhile; it was not touched again." in said
    assert "percent=30" in phase.checks["flag not changed by hand"].seen
    assert kube.says()["percent"] == 30


def test_what_users_report_takes_a_weight_back_by_itself(kube, canary):
    canary(approval=approval())
    phase, said = canary(PhaseFailed, user_issues="jobs hang")
    assert "Users reported issues: the flag was turned off." in said
    assert "jobs hang" in phase.checks["user-reported issues"].seen
    assert phase.checks["rollback"].verdict is Verdict.PASS
    assert kube.says()["enabled"] is False


@pytest.mark.parametrize("policy", ["rollback", "page", "hold"])
def test_what_users_report_of_production_does_what_on_fail_says(kube, begin, limit, monkeypatch, policy):
    limit(stable_seconds=1)
    monkeypatch.setattr(rolling, "quick", partial(rolling.quick, observe_seconds=0))
    kube.variable = "true"
    phase = begin("04_production", on_fail=policy, user_issues="jobs hang", told="all")
    phase.keeping.flag_set(enabled=True)
    watch = Watch(rung=Rung.begin(100, "code-1", datetime.now(UTC)), baseline=Baseline(source="the last hour"))
    phase.memory[guarding.MEMORY] = guarding.Guard(phase, SimpleNamespace(missing=[]), None, watch)
    with pytest.raises(PhaseFailed, match="jobs hang"):
        asyncio.run(steps.close_watch(phase))
    assert kube.says()["enabled"] is (policy != "rollback")
    assert any(name.startswith("communication: ") for name in phase.checks) is (policy != "hold")
