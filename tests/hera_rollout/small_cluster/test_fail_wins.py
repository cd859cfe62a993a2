"""FAIL is the verdict where another check says HOLD: no waiting mends it."""

import asyncio

import pytest

from hera_rollout import canary
from hera_rollout.canary import Ladder, judging
from hera_rollout.errors import PhaseFailed, PhaseOnHold
from hera_rollout.gates import Check, Verdict
from hera_rollout.phase.keeping import UNTOUCHED, untouched
from hera_rollout.phase.steps import laddering
from hera_rollout.phase.steps.climbing import Climb

pytestmark = pytest.mark.usefixtures("clock")

ON = {"enabled": "true", "percent": "10"}
HELD = Check(name="rung 10 %", verdict=Verdict.HOLD, seen="2 of 5 workflows", todo="Wait.")


def failing(name):
    return Check(name=name, verdict=Verdict.FAIL, seen="9 of 20", todo="Mend it.")


def test_a_run_that_failed_is_not_said_to_be_on_hold_where_it_stops_at_a_hold(begun):
    phase = begun("02_staging")
    phase.enter(failing("error rate"))
    phase.stop_on_hold("nothing holds yet, so this goes on")
    phase.enter(HELD)
    with pytest.raises(PhaseFailed, match="error rate"):
        phase.stop_on_hold("It waits.")
    assert phase.keeping.state.facts.runs["02_staging"].concluded == "FAIL"


def test_a_hold_alone_is_one(begun):
    phase = begun("02_staging")
    phase.enter(HELD)
    with pytest.raises(PhaseOnHold, match="rung 10 %"):
        phase.stop_on_hold("It waits.")


@pytest.fixture
def at_ten(kube, begun, cluster):
    """A canary at 10 %, whose file was set to 30 % by hand."""
    kube.variable, kube.file = "true", ON
    phase = begun("03_canary")
    phase.flagged = cluster.by("configmap")
    phase.keeping.flag_set(enabled=True, percent=10)
    kube.file = {"enabled": "true", "percent": "30"}
    return phase


def judged(phase, *found):
    climb = Climb(phase, Ladder(code_revision="code-1"), look=None)
    asyncio.run(laddering._judged(phase, climb, 10.0, [*found, untouched(phase.keeping)]))


def test_a_gate_that_fails_takes_the_flag_back_also_where_it_was_changed_by_hand(kube, at_ten):
    with pytest.raises(PhaseFailed, match=canary.judging.ERRORS):
        judged(at_ten, failing(judging.ERRORS), HELD)
    assert kube.says()["enabled"] is False
    assert at_ten.checks[UNTOUCHED].verdict is Verdict.HOLD, "who changed it is in the record too"


@pytest.mark.parametrize("names", [[], [judging.PLACED], [judging.SPLIT, judging.PLACED, "rung 10 %"]])
def test_tasks_on_the_path_that_the_hands_percentage_gives_them_are_no_failure_of_hera(kube, at_ten, names):
    with pytest.raises(PhaseOnHold, match=UNTOUCHED):
        judged(at_ten, *map(failing, names))
    assert kube.file == {"enabled": "true", "percent": "30"}, "it is somebody else's, and not turned"
    assert at_ten.failed == []
