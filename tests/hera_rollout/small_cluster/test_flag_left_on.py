"""No FAIL of 03 or 04 leaves the flag on unsaid: also one that comes before or after the watch of a weight."""

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

import pandas as pd
import pytest
from IPython.utils.capture import capture_output

from hera_rollout import rollback as rolling
from hera_rollout.backend import Backend
from hera_rollout.canary import Ladder, Rung, judging
from hera_rollout.errors import PhaseFailed, Retryable
from hera_rollout.gates import Check, Verdict
from hera_rollout.phase.steps import climbing, deploying, laddering, returning, watching
from hera_rollout.workflows import Workflows

pytestmark = pytest.mark.usefixtures("clock")

COMMAND = "hera-rollout rollback --target there --yes"


def failing(name):
    return Check(name=name, verdict=Verdict.FAIL, seen="9 of 20", todo="Mend it.")


def broken(*_args, **_named):
    raise KeyError("broken")


async def approved(*_args, **_named):
    """Somebody said yes."""


@pytest.fixture
def on(kube, begun, cluster, monkeypatch):
    """A run whose flag is on at 10 %."""
    monkeypatch.setattr(returning, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(rolling, "quick", partial(rolling.quick, observe_seconds=0))

    def begin(notebook="03_canary", **parameters):
        kube.variable, kube.file = "true", {"enabled": "true", "percent": "10"}
        phase = begun(notebook, **{"traffic": 0, "user_issues": "none", **parameters})
        phase.flagged = cluster.by("configmap")
        phase.keeping.flag_set(enabled=True, percent=10)
        return phase

    return begin


@pytest.fixture
def left(on, monkeypatch):
    """A canary whose first weight was left by an earlier attempt; what its gates say now."""

    def begin(checks=(), refresh=lambda *_, **__: None, **parameters):
        phase = on(**parameters)
        rung = replace(Rung.begin(10, "code-1", datetime.now(UTC)), ended=datetime.now(UTC).timestamp())
        ladder = Ladder(code_revision="code-1", rungs=(rung,))
        phase.memory[climbing.MEMORY] = climbing.Climb(phase, ladder, SimpleNamespace(missing=[]))
        monkeypatch.setattr(climbing.Climb, "refresh", refresh)
        monkeypatch.setattr(climbing.Climb, "checks", lambda _: list(checks))
        return phase

    return begin


# --- an attempt that goes on where every weight was left --------------------------------------------------------------


def test_what_users_report_after_the_last_weight_was_left_takes_the_flag_back(kube, left):
    phase = left(user_issues="my job is lost")
    with pytest.raises(PhaseFailed, match="Users reported"):
        asyncio.run(laddering.rung(phase, 10))
    assert kube.says()["enabled"] is False


@pytest.mark.parametrize("gate", [judging.ERRORS, judging.PLACED, judging.SUCCESS])
def test_a_weight_left_earlier_whose_stragglers_fail_is_taken_back(kube, left, gate):
    with pytest.raises(PhaseFailed, match=gate):
        asyncio.run(laddering.rung(left([failing(gate)]), 10))
    assert kube.says()["enabled"] is False


def test_a_weight_left_earlier_that_cannot_be_looked_at_breaks_no_run(kube, left):
    asyncio.run(laddering.rung(left(refresh=broken), 10))
    assert kube.says()["enabled"] is True, "what cannot be looked at is no FAIL"


# --- a FAIL after the watch -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("notebook", "policy", "enabled"), [
    ("03_canary", None, False), ("04_production", "rollback", False),
    ("04_production", "page", True), ("04_production", "hold", True),
])  # fmt: skip
def test_a_fail_after_the_watch_is_a_fail_like_any_other(kube, on, notebook, policy, enabled):
    phase = on(notebook, **({"on_fail": policy} if policy else {}))
    phase.enter(failing("orphans"))
    asyncio.run(returning.rollback(phase))
    assert kube.says()["enabled"] is enabled


def test_without_a_fail_the_flag_is_left_as_it_is(kube, on):
    phase = on()
    phase.enter(Check(name="orphans", verdict=Verdict.HOLD, seen="not known"))
    asyncio.run(returning.rollback(phase))
    assert kube.says()["enabled"] is True


def conclusion(phase, why="The preflight found what would stop the rollout."):
    with capture_output() as captured, pytest.raises(PhaseFailed):
        phase.stop_on_fail(why)
    pieces = [(output.metadata or {}).get("hera-rollout", {}) for output in captured.outputs]
    return next(piece for piece in pieces if piece.get("kind") == "conclude")


def test_a_fail_that_leaves_the_flag_on_says_so_and_the_way_back_comes_next(on):
    phase = on()
    phase.enter(failing("rights"))
    comes = conclusion(phase)["next"]
    assert "on for 10 %" in comes
    assert COMMAND in comes
    assert "Mend it." in comes


def test_a_fail_with_the_flag_off_says_nothing_of_it(on):
    phase = on()
    phase.keeping.flag_set(enabled=False)
    phase.enter(failing("rights"))
    assert conclusion(phase)["next"] == "Mend it."


# --- right after the flip ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_state_that_cannot_be_written_right_after_the_flip_leaves_no_weight_unwatched(kube, on, monkeypatch, method):
    phase, watched = on(), []
    climb = climbing.Climb(phase, Ladder(code_revision="code-1"), SimpleNamespace(missing=[]))
    phase.memory[climbing.MEMORY] = climb
    monkeypatch.setattr(phase, "approved", approved)

    state = f"/api/v1/namespaces/argo/configmaps/{phase.target.state_name}"

    def flipped(*_):
        kube.trouble = lambda verb, path: (
            (503, {"message": "starting"}) if verb[:3] in ("PUT", method) and path == state else None
        )

    monkeypatch.setattr(laddering, "applied", flipped)
    monkeypatch.setattr(laddering, "_watch", lambda *_: watched.append(1) or [failing(judging.ERRORS)])
    with pytest.raises(PhaseFailed, match=judging.ERRORS):
        asyncio.run(laddering.rung(phase, 10))
    assert watched
    assert kube.says()["enabled"] is False


@pytest.mark.parametrize("error", [KeyError("containers"), Retryable("The API server answered 503.")])
@pytest.mark.parametrize("policy", ["rollback", "page", "hold"])
def test_a_deploy_that_cannot_be_noted_does_what_on_fail_says(kube, on, monkeypatch, error, policy):
    def unread(_cluster):
        raise error

    phase = on("04_production", on_fail=policy)
    monkeypatch.setattr(phase, "approved", approved)
    for step in ("refuse_drift", "_to_commit"):
        monkeypatch.setattr(deploying, step, lambda _: None)
    monkeypatch.setattr(deploying, "applied", lambda *_: SimpleNamespace(report=pd.DataFrame(), seconds=1.0))
    monkeypatch.setattr(deploying, "in_effect", lambda _: Check(name="flag in effect", verdict=Verdict.PASS, seen="1"))
    monkeypatch.setattr(deploying.Deployed, "now", unread)
    with pytest.raises(PhaseFailed, match=f"on_fail={policy}"):
        asyncio.run(deploying.deploy(phase))
    assert kube.says()["enabled"] is (policy != "rollback")


# --- what the way back may meet ---------------------------------------------------------------------------------------

NONSENSE = [[None], ["main"], [{"name": "main", "script": "print(1)"}], {"main": {}}]


@pytest.mark.parametrize("templates", NONSENSE)
def test_a_strangers_workflow_that_makes_no_sense_keeps_no_flag_on(kube, on, cluster, templates):
    phase = on()
    kube.workflow("strange")
    next(one for path, one in kube.objects.items() if path.endswith("/strange"))["spec"]["templates"] = templates
    result = rolling.quick(phase.flagged, Backend(cluster.target), Workflows(cluster.target, cluster), by="Ann",
                           observe_seconds=0)  # fmt: skip
    assert result.changed
    assert kube.says()["enabled"] is False


@pytest.mark.parametrize("where", [(rolling.way.observing, "running"), (rolling.way.State, "flag_set")])
def test_whatever_is_raised_after_the_flag_is_off_it_is_not_called_on(kube, on, monkeypatch, where):
    phase, tries = on(), []
    quick = rolling.quick
    monkeypatch.setattr(*where, broken)
    monkeypatch.setattr(rolling, "quick", lambda *args, **named: tries.append(1) or quick(*args, **named))
    assert asyncio.run(returning.surely_taken_back(phase, "automatic: error rate")) is True
    assert tries == [1]
    assert kube.says()["enabled"] is False
    assert "broken" in " ".join(phase.checks[rolling.CHECK].seen.split())


def test_a_provider_that_breaks_in_its_own_way_keeps_no_other_on(kube, on, monkeypatch):
    phase, throw = on(), rolling.way.flag.throw

    def thrown(cluster, change, tell):
        return broken() if change.medium == "configmap" else throw(cluster, change, tell)

    monkeypatch.setattr(rolling.way.flag, "throw", thrown)
    asyncio.run(returning.surely_taken_back(phase, "automatic: error rate"))
    assert kube.variable == "false"


def test_the_runs_own_traffic_that_is_not_answered_keeps_no_flag_on(on, monkeypatch, live):
    phase, answered = on(), threading.Event()

    class Slow:
        stop = threading.Event()

        def start(self):
            """Begin."""

        def end(self, most_seconds=None):
            self.stop.set()
            answered.wait(5 if most_seconds is None else min(5, most_seconds))

    monkeypatch.setattr(watching, "_traffic", lambda *_: Slow())
    eyes = watching.Eyes(look=lambda: [failing("error rate")], decided=lambda _: True, draw=lambda *_: None,
                         keep=lambda: None, fresh=1)  # fmt: skip
    began = time.monotonic()
    eyes.until_decided(phase, "10", live)
    assert time.monotonic() - began < 4
    assert Slow.stop.is_set()


# --- blind over attempts ----------------------------------------------------------------------------------------------


def attempt(phase, live, look, patience):
    phase.parameters = phase.parameters.model_copy(update={"patience_seconds": patience})
    limits = phase.target.limits.model_copy(update={"blind_seconds": 2})
    phase.target = phase.target.model_copy(update={"limits": limits})
    eyes = watching.Eyes(look=look, decided=partial(laddering._decided, percent=10.0), draw=lambda *_: None,
                         keep=lambda: None, fresh=0.01)  # fmt: skip
    return {check.name: check.verdict for check in eyes.until_decided(phase, "10", live)}


def test_attempts_shorter_than_the_time_blind_come_to_a_decision_all_the_same(on, live, monkeypatch):
    monkeypatch.setattr(watching, "FASTEST", 0.1)
    phase = on()
    verdicts = [attempt(phase, live, broken, 1)[watching.BLIND] for _ in range(3)]
    assert verdicts[0] is Verdict.HOLD
    assert verdicts[-1] is Verdict.FAIL


def test_one_complete_look_takes_the_time_blind_of_earlier_attempts_away(on, live, monkeypatch):
    monkeypatch.setattr(watching, "FASTEST", 0.1)
    phase = on()
    good = Check(name="error rate", verdict=Verdict.HOLD, seen="60 of 500")
    assert attempt(phase, live, broken, 1)[watching.BLIND] is Verdict.HOLD
    assert watching.BLIND not in attempt(phase, live, lambda: [good], 1)
    assert attempt(phase, live, broken, 1)[watching.BLIND] is Verdict.HOLD
