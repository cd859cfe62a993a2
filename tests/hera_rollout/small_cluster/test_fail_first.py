"""Between a FAIL and its rollback nothing stops the rollback."""

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

import pytest

from hera_rollout import display
from hera_rollout import rollback as rolling
from hera_rollout.canary import Ladder, Rung, judging
from hera_rollout.errors import DeadlineExceeded, PhaseFailed
from hera_rollout.gates import Check, Verdict
from hera_rollout.phase.steps import climbing, deploying, guarding, laddering, returning, watching
from hera_rollout.production import Baseline, Watch
from hera_rollout.state import RecordHash, State

pytestmark = pytest.mark.usefixtures("clock")

ON = {"enabled": "true", "percent": "10"}


def failing(name):
    return Check(name=name, verdict=Verdict.FAIL, seen="9 of 20", todo="Mend it.")


def broken(*_args, **_named):
    raise KeyError("broken")


def add_a_record(cluster):
    hashed = RecordHash(at=datetime.now(UTC), rollout="old", phase="01_dev_testing", verdict="PASS", folder="f",
                        sha256="ab")  # fmt: skip
    State.load(cluster).recorded(hashed, by="Bo")


def set_the_flag(cluster):
    State.load(cluster).flag_set(enabled=True, percent=30, by="Bo")


def begin_another_rollout(cluster):
    State.load(cluster).enter("another", "01_dev_testing", by="Bo")


@pytest.fixture
def turned(kube, begun, cluster, monkeypatch):
    """A run whose flag is on at 10 %, and that looks at nothing real."""
    monkeypatch.setattr(returning, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(rolling, "quick", partial(rolling.quick, observe_seconds=0))

    def begin(notebook, **parameters):
        kube.variable, kube.file = "true", ON
        phase = begun(notebook, traffic=0, user_issues="none", **parameters)
        phase.flagged = cluster.by("configmap")
        phase.keeping.flag_set(enabled=True, percent=10)
        return phase

    return begin


@pytest.fixture
def climbed(turned, cluster, monkeypatch):
    """One rung of a canary that says FAIL at its first look; while it looked something else happened."""

    def climb(gate=judging.ERRORS, meanwhile=lambda _cluster: None):
        phase = turned("03_canary")
        begun = Rung.begin(10, "code-1", datetime.now(UTC))
        ladder, look = Ladder(code_revision="code-1", rungs=(begun,)), SimpleNamespace(missing=[])
        phase.memory[climbing.MEMORY] = climbing.Climb(phase, ladder, look)

        def looked(*_):
            meanwhile(cluster)
            return [failing(gate)]

        async def stands(*_):
            pass

        monkeypatch.setattr(laddering, "_looked", looked)
        monkeypatch.setattr(laddering, "_gone_to", stands)
        with pytest.raises(PhaseFailed, match=gate):
            asyncio.run(laddering.rung(phase, 10))
        return phase

    return climb


def free(kube):
    return not any("/leases/" in path for path in kube.objects)


@pytest.mark.parametrize("meanwhile", [add_a_record, set_the_flag, begin_another_rollout])
def test_whoever_writes_the_rollouts_state_meanwhile_the_flag_is_off(kube, climbed, meanwhile):
    phase = climbed(meanwhile=meanwhile)
    assert kube.says()["enabled"] is False
    assert phase.checks[judging.ERRORS].verdict is Verdict.FAIL
    assert free(kube)


def test_a_record_that_is_added_meanwhile_takes_nothing_from_the_evidence(climbed, cluster):
    climbed(meanwhile=add_a_record)
    facts = State.load(cluster).facts
    assert len(facts.records) == 1
    assert facts.runs["03_canary"].concluded == "FAIL"
    assert facts.rolled_back is not None


def test_another_runs_word_in_the_state_is_said_beside_the_fail(climbed):
    phase = climbed(meanwhile=begin_another_rollout)
    assert "another" in phase.checks[watching.BLIND].seen


@pytest.mark.parametrize(
    ("where", "name"),
    [(laddering, "_draw"), (laddering, "_shown"), (display, "table"), (laddering, "diagnose_times"),
     (Ladder, "saw_hera"), (display, "checks_frame"), (display, "banner"), (display, "note")],
)  # fmt: skip
def test_whatever_cannot_be_shown_the_flag_is_off(kube, climbed, monkeypatch, where, name):
    monkeypatch.setattr(where, name, broken)
    if name == "_draw":
        monkeypatch.setattr(watching, "PICTURE_SECONDS", 0)
    try:
        climbed(judging.RESPONSE)
    except KeyError:
        assert where is display, "only the conclusion itself may break, and after the rollback"
    assert kube.says()["enabled"] is False


def test_the_runs_own_traffic_that_broke_hides_no_fail(kube, climbed, monkeypatch):
    class Broken:
        def start(self):
            """Begin."""

        def end(self, *_):
            raise KeyError("answer")

    monkeypatch.setattr(watching, "_traffic", lambda *_: Broken())
    climbed()
    assert kube.says()["enabled"] is False


def test_a_way_back_that_breaks_off_with_any_error_is_tried_again(kube, climbed, monkeypatch):
    quick, tries = rolling.quick, []

    def second(*args, **named):
        tries.append(1)
        if len(tries) < 3:
            raise TypeError("not a mapping")
        return quick(*args, **named)

    monkeypatch.setattr(rolling, "quick", second)
    climbed()
    assert kube.says()["enabled"] is False


def test_a_way_back_that_never_comes_says_so_whatever_the_error(climbed, clock, monkeypatch):
    monkeypatch.setattr(rolling, "quick", lambda *_args, **_named: clock.sleep(1) or broken())
    check = climbed().checks[rolling.CHECK]
    assert check.verdict is Verdict.FAIL
    assert "KeyError: 'broken'" in check.seen
    assert "hera-rollout rollback --target there --yes" in check.todo


def test_what_the_way_back_cannot_show_is_no_reason_to_go_it_again(kube, climbed, monkeypatch):
    quick, tries = rolling.quick, []
    monkeypatch.setattr(rolling, "quick", lambda *args, **named: tries.append(1) or quick(*args, **named))
    monkeypatch.setattr(display, "table", broken)
    with suppress(KeyError):
        climbed()
    assert len(tries) == 1
    assert kube.says()["enabled"] is False


def test_a_progress_line_that_cannot_be_drawn_keeps_no_flag_on(kube, climbed, monkeypatch):
    monkeypatch.setattr(display.Live, "line", broken)
    climbed()
    assert kube.says()["enabled"] is False


@pytest.mark.parametrize("name", ["diagnose_times", "tell", "_shown"])
@pytest.mark.parametrize("meanwhile", [lambda _: None, add_a_record, begin_another_rollout])
def test_production_is_taken_back_whatever_else_breaks(kube, turned, monkeypatch, name, meanwhile):
    phase = turned("04_production")
    rung = Rung.begin(100, "code-1", datetime.now(UTC))
    watch = Watch(rung=rung, baseline=Baseline(source="the last hour"))
    phase.memory[guarding.MEMORY] = guarding.Guard(phase, SimpleNamespace(missing=[]), None, watch)
    monkeypatch.setattr(guarding, "_looked", lambda _: meanwhile(phase.cluster) or [failing(judging.EXECUTION)])
    monkeypatch.setattr(deploying if name == "tell" else guarding, name, broken)
    with pytest.raises(PhaseFailed, match="turned off again"):
        asyncio.run(guarding.close_watch(phase))
    assert kube.says()["enabled"] is False
    assert free(kube)


def test_the_pictures_of_a_cluster_that_answers_nonsense_break_no_rollback(kube, climbed, monkeypatch):
    monkeypatch.setattr(sys.modules["hera_rollout.phase.steps.monitoring"], "_pods", broken)
    climbed(judging.EXECUTION)
    assert kube.says()["enabled"] is False


async def approved(*_args, **_named):
    """Somebody said yes."""


FLIPS = [
    DeadlineExceeded("1 of 2 pods reports the flag.", seconds=5),
    KeyError("enabled"),
    TypeError("a scalar is not a mapping"),
]


def half_on(kube, error):
    """A flip that some pods have, and that ends with an error all the same."""

    def apply(*_args, **_named):
        kube.variable, kube.file = "true", ON
        raise error

    return apply


@pytest.mark.parametrize("error", FLIPS)
def test_a_weight_that_does_not_come_into_effect_is_taken_back(kube, turned, monkeypatch, error):
    phase = turned("03_canary")
    phase.memory[climbing.MEMORY] = climbing.Climb(phase, Ladder(code_revision="code-1"), SimpleNamespace(missing=[]))
    monkeypatch.setattr(phase, "approved", approved)
    monkeypatch.setattr(laddering, "applied", half_on(kube, error))
    with pytest.raises(PhaseFailed, match="turned off again"):
        asyncio.run(laddering.rung(phase, 10))
    assert kube.says()["enabled"] is False
    assert phase.checks["flag in effect"].verdict is Verdict.FAIL
    assert free(kube)


@pytest.mark.parametrize("error", FLIPS)
@pytest.mark.parametrize("policy", ["rollback", "page", "hold"])
def test_a_deploy_that_does_not_come_into_effect_does_what_on_fail_says(kube, turned, monkeypatch, error, policy):
    phase = turned("04_production", on_fail=policy)
    monkeypatch.setattr(phase, "approved", approved)
    for step in ("refuse_drift", "_to_commit"):
        monkeypatch.setattr(deploying, step, lambda _: None)
    monkeypatch.setattr(deploying, "applied", half_on(kube, error))
    with pytest.raises(PhaseFailed, match=f"on_fail={policy}"):
        asyncio.run(deploying.deploy(phase))
    assert kube.says()["enabled"] is (policy != "rollback")
    assert phase.checks["flag in effect"].verdict is Verdict.FAIL
