"""No increase in errors: by hand, valid while YAML's own rate wanders, and able to decide with no errors at all."""

from math import exp, log, sqrt

import numpy as np
import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import Errors, NoIncrease, Verdict
from hera_rollout.gates.counts import LESS, MORE, STEPS, log_ratio_evidence
from hera_rollout.gates.rehearsal import increases

GATE = NoIncrease()


def between(exposure: tuple[int, int], errors: tuple[int, int]) -> Errors:
    return Errors.between("r1", exposure, errors)


def test_by_hand() -> None:
    # At half the traffic and a limit of 1.5, an error is Hera's with 1.5/2.5 = 0.6; bet on a ratio of 6: 6/7.
    bet = ((4.0, 1.0),)
    assert exp(log_ratio_evidence(bet, 1.5, {0.5: (1, 0)})) == pytest.approx((6 / 7) / 0.6)
    assert exp(log_ratio_evidence(bet, 1.5, {0.5: (1, 2)})) == pytest.approx((6 / 7) / 0.6 * ((1 / 7) / 0.4) ** 2)
    assert exp(log_ratio_evidence(bet, 1.5, {})) == pytest.approx(1)
    # With one arm alone there is nothing to compare.
    assert exp(log_ratio_evidence(bet, 1.5, {1.0: (50, 0)})) == pytest.approx(1)


def test_before_anything_was_seen_both_e_values_are_one_and_pass_is_the_mean_of_two() -> None:
    assert GATE.logs(Errors(code_revision="r1")) == pytest.approx((0, 0))
    # Without an error in either arm the ratio says nothing, 1; the floor's own part is what bets without events.
    own = np.mean([exp((1 - point) * 0.002 * 4_000) for point, _ in LESS])
    assert exp(GATE.logs(between((4_000, 9_000), (0, 0)))[0]) == pytest.approx((1 + own) / 2)


def test_one_more_error_never_adds_evidence_on_average_at_any_ratio_inside_the_null() -> None:
    limit = 1.5
    for share in (0.05, 0.1, 0.5, 0.9):
        for bets, ratios in ((LESS, np.linspace(limit, 20, 60)), (MORE, np.linspace(0, limit, 60))):
            null, bet = (r * share / (r * share + 1 - share) for r in (limit, limit * np.array([q for q, _ in bets])))
            true = ratios * share / (ratios * share + 1 - share)
            step = np.multiply.outer(true, bet / null) + np.multiply.outer(1 - true, (1 - bet) / (1 - null))
            assert step.max() <= 1 + 1e-12


@pytest.mark.parametrize(
    ("exposure", "errors", "verdict"),
    [((0, 0), (0, 0), "HOLD"), ((100, 900), (0, 0), "HOLD"), ((3_000, 27_000), (0, 0), "PASS"),
     ((1_000, 9_000), (30, 20), "FAIL"), ((1_000, 9_000), (0, 90), "PASS"), ((100, 900), (2, 18), "HOLD"),
     ((500, 0), (20, 0), "HOLD")],
)  # fmt: skip
def test_verdicts(exposure: tuple[int, int], errors: tuple[int, int], verdict: str) -> None:
    assert GATE.assess(between(exposure, errors)).verdict == verdict


def test_an_increase_that_stays_below_the_floor_is_none() -> None:
    low = between((50_000, 50_000), (30, 5))
    assert GATE.assess(low).verdict is Verdict.PASS
    assert NoIncrease(floor=0.00001).assess(low).verdict is Verdict.FAIL


@pytest.mark.slow
def test_false_verdicts_stay_within_alpha_over_the_edges_of_the_null() -> None:
    edges = [(0.015, 0.01), (0.15, 0.1), (0.002, 0.0), (0.002, 0.001)]
    for percent in (10, 50):
        frame = increases(GATE, edges, percent=percent, looks=200, step=200, runs=400, seed=4)
        slack = 2 * sqrt(0.05 * 0.95 / 400)
        assert frame["ever PASS"].max() <= 0.05 + slack
        inside = increases(GATE, [*edges, (0.01, 0.01), (0.001, 0.0)], percent=percent, looks=200, step=200, seed=6)
        assert inside["ever FAIL"].max() <= 0.05 + slack


@pytest.mark.slow
def test_yamls_own_rate_may_wander_and_the_share_may_change() -> None:
    rng = np.random.default_rng(9)
    alarms = 0
    for _ in range(80):
        seen, ever = Errors(code_revision="r1"), False
        for look in range(60):
            hera = int(rng.integers(20, 200))
            rate = 0.02 * (1 + np.sin(look / 5)) + 0.001
            errors = int(rng.poisson(1.5 * rate * hera)), int(rng.poisson(rate * 300))
            seen = seen + between((hera, 300), errors)
            ever = ever or GATE.logs(seen)[1] >= log(20)
        alarms += ever
    assert alarms / 80 <= 0.05 + 2 * sqrt(0.05 * 0.95 / 80)


def test_state_stays_bounded_and_between_two_marks_neither_verdict_is_favoured() -> None:
    rng = np.random.default_rng(1)
    seen = Errors(code_revision="r1")
    for _ in range(3_000):
        seen = seen + between((int(rng.integers(1, 500)), int(rng.integers(1, 500))), (1, 1))
    assert len(seen.rows) <= STEPS + 1
    assert seen.totals == (3_000, 3_000)
    # 10 % is a mark of its own; 10.3 % lies between 10.0 and 10.5.
    assert between((100, 900), (1, 0)).rows == ((40, 1, 0),)
    assert between((103, 897), (1, 0)).rows == ((41, 1, 0),)
    on_mark, off_mark = (GATE.logs(between(split, (5, 5))) for split in ((100, 900), (103, 897)))
    assert off_mark[1] < on_mark[1]


def test_hold_says_how_much_more_of_heras_traffic_is_needed() -> None:
    found = GATE.assess(between((100, 900), (0, 0)), per_second=2.0)
    assert found.seconds == pytest.approx((found.needed - 100) / 2)
    assert GATE.assess(between((int(found.needed) + 10, 1), (0, 0))).verdict is Verdict.PASS
    assert GATE.assess(between((int(found.needed * 0.97), 1), (0, 0))).verdict is Verdict.HOLD
    assert GATE.assess(Errors(code_revision="r1"), per_second=2.0).needed is None


def test_settings_and_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused, match="ratio above 1"):
        NoIncrease(ratio=1.0)
    with pytest.raises(Refused, match="hera is -1"):
        Errors(code_revision="r1", hera=-1)
    with pytest.raises(Refused, match="step"):
        Errors(code_revision="r1", rows=((401, 1, 0),))
