"""The success gate's verdict: PASS, FAIL, HOLD; how much is needed, and when it will be there."""

import numpy as np
import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import Alpha, Outcomes, SuccessRate, Verdict

GATE = SuccessRate()


def outcomes(workflows: int = 0, failures: int = 0, **ahead: int) -> Outcomes:
    return Outcomes(code_revision="r1", workflows=workflows, failures=failures, **ahead)


@pytest.mark.parametrize(
    ("workflows", "failures", "verdict"),
    [(0, 0, "HOLD"), (328, 0, "HOLD"), (329, 0, "PASS"), (1, 1, "HOLD"), (2, 2, "FAIL"), (100, 1, "HOLD"),
     (100, 20, "FAIL"), (5_000, 5, "PASS"), (5_000, 150, "FAIL"), (100_000, 1_000, "HOLD")],
)  # fmt: skip
def test_verdicts(workflows: int, failures: int, verdict: str) -> None:
    assert GATE.assess(outcomes(workflows, failures)).verdict == verdict


def test_no_data_is_hold_and_says_what_a_path_without_failures_needs() -> None:
    found = GATE.assess(outcomes(), per_second=0.5)
    assert (found.verdict, found.have, found.estimate) == (Verdict.HOLD, 0, None)
    assert found.needed == pytest.approx(329, abs=1)
    assert found.seconds == pytest.approx(658, abs=2)


@pytest.mark.parametrize(("workflows", "failures"), [(10, 0), (500, 2), (40, 1), (600, 9)])
def test_what_hold_says_is_needed_is_where_it_decides(workflows: int, failures: int) -> None:
    found = GATE.assess(outcomes(workflows, failures), per_second=2.0)
    assert found.verdict is Verdict.HOLD
    share = failures / workflows

    def decides(n: float) -> bool:
        return max(GATE.log_for(n, share * n), GATE.log_against(n, share * n)) >= np.log(20)

    assert decides(found.needed)
    assert not decides(found.needed * 0.99 - 1)
    assert found.seconds == pytest.approx((found.needed - workflows) / 2)


def test_with_no_traffic_the_wait_is_for_ever_and_near_the_limit_it_is_not_foreseeable() -> None:
    thin = GATE.assess(outcomes(10), per_second=0.0)
    assert thin.seconds is None
    assert thin.needed == pytest.approx(329, abs=1)
    assert "never" in thin.forecast
    near = GATE.assess(outcomes(10_000, 100), per_second=1.0)
    assert near.needed is None and near.seconds is None
    assert "not foreseeable" in near.forecast


def test_failures_beyond_a_straggler_can_fail_but_successes_there_cannot_pass() -> None:
    assert GATE.assess(outcomes(0, 0, ahead=20, ahead_failures=8)).verdict is Verdict.FAIL
    # Unsettled ones count as successes for FAIL: many of them make it harder, never easier.
    assert GATE.assess(outcomes(0, 0, ahead=2_000, ahead_failures=8)).verdict is Verdict.HOLD
    assert GATE.assess(outcomes(300, 0, ahead=500)).verdict is Verdict.HOLD
    assert outcomes(300, 1, ahead=5, ahead_failures=1).settled == outcomes(300, 1)


@pytest.mark.parametrize("n", [1, 20, 329, 2_000])
@pytest.mark.parametrize("share", [0.0, 0.005, 0.02, 0.5, 1.0])
def test_the_confidence_sequence_says_the_same_as_the_verdict(n: int, share: float) -> None:
    found = GATE.assess(outcomes(n, round(share * n)))
    assert found.low <= found.estimate <= found.high
    assert (found.high < GATE.limit) == (found.verdict is Verdict.PASS)
    assert (found.low > GATE.limit) == (found.verdict is Verdict.FAIL)


@pytest.mark.slow
def test_the_confidence_sequence_covers_the_true_rate_at_all_looks_together() -> None:
    rng = np.random.default_rng(3)
    looks, missed = (5, 20, 50, 100, 200, 400, 800), 0
    for _ in range(300):
        k = (rng.random(800) < 0.03).cumsum()
        ends = [GATE.interval(n, int(k[n - 1])) for n in looks]
        missed += any(not low <= 0.03 <= high for low, high in ends)
    assert missed / 300 <= 0.1  # 5 % at each end


def test_a_smaller_share_of_alpha_asks_for_more() -> None:
    strict = SuccessRate(alpha=Alpha(passing=0.05, failing=0.001))
    assert GATE.assess(outcomes(40, 4)).verdict is Verdict.FAIL
    assert strict.assess(outcomes(6, 2)).verdict is Verdict.HOLD
    assert strict.assess(outcomes(329, 0)).verdict is Verdict.PASS


def test_weights_are_the_targets_own_but_never_on_the_wrong_side() -> None:
    tuned = SuccessRate(pass_points=((0.00001, 1.0),))
    assert tuned.assess(outcomes(299, 0)).verdict is Verdict.PASS
    assert tuned.assess(outcomes(400, 1)).verdict is Verdict.HOLD
    with pytest.raises(Refused, match="do not fit"):
        SuccessRate(pass_points=((0.02, 1.0),))
    with pytest.raises(Refused, match="do not fit"):
        SuccessRate(fail_points=((0.005, 1.0),))


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.1])
def test_a_limit_that_cannot_be_tested_is_refused(limit: float) -> None:
    with pytest.raises(Refused, match="limit"):
        SuccessRate(limit=limit)


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused, match="failures"):
        outcomes(1, 2)
    with pytest.raises(Refused, match="workflows is -1"):
        outcomes(-1)
