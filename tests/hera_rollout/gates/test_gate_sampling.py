"""The sample ratio: seldom a false alarm, a wrong split is found, and a YAML task at 100 % is found at once."""

from math import exp, log

import numpy as np
import pytest
from scipy.special import beta

from hera_rollout.errors import Refused
from hera_rollout.gates import RungShare, SampleRatio, Shares, Verdict
from hera_rollout.gates.rehearsal import shares
from hera_rollout.split import path_for

GATE = SampleRatio()


def at(percent: float, tasks: int, hera: int) -> Shares:
    return Shares(code_revision="r1", rungs=(RungShare(percent=percent, tasks=tasks, hera=hera),))


def test_by_hand() -> None:
    gate = SampleRatio(concentration=10)
    assert exp(gate.log_against(50, 3, 3)) == pytest.approx(beta(8, 5) / beta(5, 5) / 0.5**3)
    assert exp(gate.log_against(50, 0, 0)) == pytest.approx(1)
    # PASS at 10 % rejects 5 % and 15 %, whichever is harder: here 15 %.
    assert exp(gate.log_for(10, 2, 0)) == pytest.approx(min((0.9 / 0.85) ** 2, (0.9 / 0.95) ** 2))


@pytest.mark.parametrize("percent", [10, 25, 50, 75])
def test_false_verdicts_stay_within_alpha(percent: int) -> None:
    share = percent / 100
    reach = max(0.02, min(share, 1 - share) / 2)
    frame = shares(GATE, percent, [share, share - reach, share + reach], runs=600, tasks=1_500, seed=3)
    assert frame["ever FAIL"][0] <= 0.05 / 5 + 0.008  # one of five rungs, and two standard errors
    assert frame["ever PASS"][1:].max() <= 0.05 + 0.018
    assert frame["PASS"][0] > 0.9


@pytest.mark.parametrize(
    ("percent", "tasks", "hera", "verdict"),
    [(10, 0, 0, "HOLD"), (10, 40, 4, "HOLD"), (10, 1_000, 100, "PASS"), (10, 300, 70, "FAIL"), (50, 200, 150, "FAIL"),
     (100, 200, 200, "PASS"), (100, 200, 199, "FAIL"), (0, 5, 1, "FAIL"), (100, 3, 3, "HOLD")],
)  # fmt: skip
def test_verdicts(percent: int, tasks: int, hera: int, verdict: str) -> None:
    assert GATE.assess(at(percent, tasks, hera)).verdict == verdict


def test_the_worst_rung_speaks_and_nothing_at_all_is_hold() -> None:
    assert GATE.assess(at(10, 1_000, 100) + at(25, 8, 2)).verdict is Verdict.HOLD
    assert GATE.assess(at(10, 300, 70) + at(25, 800, 200)).verdict is Verdict.FAIL
    assert GATE.assess(Shares(code_revision="r1")).verdict is Verdict.HOLD


def test_the_real_split_passes_and_a_pod_with_another_percentage_does_not() -> None:
    tasks = [f"task-{number:012x}" for number in range(4_000)]
    hera = sum(path_for(task, 10) == "hera" for task in tasks)
    assert GATE.assess(at(10, len(tasks), hera)).verdict is Verdict.PASS
    # Every other task was answered by a pod that still stands at 25 %.
    mixed = sum(path_for(task, 10 if number % 2 else 25) == "hera" for number, task in enumerate(tasks))
    assert GATE.assess(at(10, len(tasks), mixed)).verdict is Verdict.FAIL


def test_hold_says_how_many_task_keys_are_needed() -> None:
    found = GATE.assess(at(10, 50, 5), per_second=0.5)
    n = int(np.ceil(found.needed / 10) * 10)
    assert GATE.assess(at(10, n, n // 10)).verdict is Verdict.PASS
    assert GATE.log_for(10, found.needed * 0.97, found.needed * 0.097) < log(20)
    assert found.seconds == pytest.approx((found.needed - 50) / 0.5)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused, match="others is -1"):
        at(10, 1, 2)
    with pytest.raises(Refused, match="rung of 101"):
        at(101, 1, 1)
