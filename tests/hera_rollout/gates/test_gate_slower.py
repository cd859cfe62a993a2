"""Durations of two arms: the formula against its integral, false verdicts at the margin, rungs kept apart."""

from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from hera_rollout.errors import Refused
from hera_rollout.gates import Durations, Moments, NotSlower, Stratum, Verdict
from hera_rollout.gates.information import error_of_difference, log_half_normal, reach
from hera_rollout.gates.rehearsal import slowdowns

GATE = NotSlower()


def durations(hera: np.ndarray, yaml: np.ndarray, percent: float = 50) -> Durations:
    stratum = Stratum(percent=percent, hera=Moments.of_logs(hera), yaml=Moments.of_logs(yaml))
    return Durations(code_revision="r1", strata=(stratum,))


def lognormal(n: int, ratio: float, seed: int, spread: float = 0.3) -> np.ndarray:
    return 20 * ratio * np.exp(spread * np.random.default_rng(seed).standard_normal(n))


@pytest.mark.parametrize(("z", "information", "tau"), [(-1.0, 50.0, 0.1), (0.5, 400.0, 0.1), (3.0, 1_000.0, 0.05)])
def test_the_closed_form_is_the_half_normal_mixture(z: float, information: float, tau: float) -> None:
    score = z * sqrt(information)

    def weighed(drift: float) -> float:
        return 2 * norm.pdf(drift, scale=tau) * exp(drift * score - drift**2 * information / 2)

    whole, _ = quad(weighed, 0, 12 * tau)
    assert exp(log_half_normal(z, tau**2 * information)) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("r", [0.1, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_the_confidence_sequence_is_near_the_published_one_sided_bound(r: float, alpha: float) -> None:
    z = reach(r, alpha)
    assert log_half_normal(z, r) == pytest.approx(-log(alpha))
    # Howard et al. 2021 give this closed form as an upper bound that is close.
    published = sqrt(2 * (1 + r) / r * log(1 + sqrt(1 + r) / (2 * alpha)))
    assert 0.9 * published < z <= published


def test_error_of_a_difference_by_hand() -> None:
    # Equal arms: Welch and pooled agree. 4/3 spread in each of 4.
    assert error_of_difference(4, 4.0, 4, 4.0, 0.01) == pytest.approx(4 / 3 / 4 * 2)
    # A small arm that happens to look calm takes the large arm's spread.
    assert error_of_difference(10, 0.09, 1_000, 999.0, 0.01) == pytest.approx(999.09 / 1_008 * (1 / 10 + 1 / 1_000))
    assert error_of_difference(10, 0.0, 10, 0.0, 0.02) == pytest.approx(2 * 0.02**2 / 10)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.0, "PASS"), (0.7, "PASS"), (1.3, "FAIL"), (1.10, "HOLD")])
def test_verdicts(ratio: float, verdict: str) -> None:
    found = GATE.assess(durations(lognormal(300, ratio, 1), lognormal(300, 1.0, 2)), per_second=1.0)
    assert found.verdict == verdict
    assert found.low < found.estimate < found.high
    assert found.asymptotic
    assert (found.high < 0.10) == (verdict == "PASS")
    assert (found.low > 0.10) == (verdict == "FAIL")


def test_before_the_burn_in_it_holds_and_says_so() -> None:
    for seen in (Durations(code_revision="r1"), durations(lognormal(29, 9.0, 1), lognormal(900, 1.0, 2), 10)):
        found = GATE.assess(seen, per_second=0.1)
        assert found.verdict is Verdict.HOLD
        assert "30 workflows of each path" in found.waiting
    assert found.needed == pytest.approx(30)
    assert found.seconds == pytest.approx(10)
    assert GATE.assess(durations(lognormal(30, 9.0, 1), lognormal(900, 1.0, 2), 10)).verdict is Verdict.FAIL


def test_what_hold_says_is_needed_is_where_it_decides() -> None:
    found = GATE.assess(durations(lognormal(60, 1.02, 1), lognormal(60, 1.0, 2)), per_second=0.5)
    difference, information = GATE.estimate(durations(lognormal(60, 1.02, 1), lognormal(60, 1.0, 2)))
    assert found.verdict is Verdict.HOLD
    grown = found.needed / 60
    assert max(GATE.logs(difference, information * grown)) >= log(20) - 0.02
    assert max(GATE.logs(difference, information * grown * 0.95)) < log(20)
    assert found.seconds == pytest.approx((found.needed - 60) / 0.5)


def test_false_verdicts_at_the_margin_stay_within_alpha_while_all_looks_count() -> None:
    for percent, per_arm in ((50, 1_500), (10, 400)):
        row = slowdowns(GATE, [0.10], percent=percent, per_arm=per_arm, runs=600, seed=5).iloc[0]
        # 5 % and two standard errors of 600 runs.
        assert row["ever PASS"] <= 0.05 + 2 * sqrt(0.05 * 0.95 / 600)
        assert row["ever FAIL"] <= 0.05 + 2 * sqrt(0.05 * 0.95 / 600)


def test_skewed_durations_at_ten_percent_do_not_pass_too_often() -> None:
    # One in ten workflows installs packages and takes 10 times as long; Welch's error alone passes 13 % here.
    rng = np.random.default_rng(11)
    runs, n = 500, np.arange(1, 401)
    logs = [np.where(rng.random((runs, 400 * arm)) < 0.1, 2.3, 0.0) for arm in (1, 9)]
    sums = [values.cumsum(1)[:, arm - 1 :: arm] for values, arm in zip(logs, (1, 9), strict=True)]
    squares = [(values**2).cumsum(1)[:, arm - 1 :: arm] for values, arm in zip(logs, (1, 9), strict=True)]
    parts = [s2 - s**2 / (n * arm) for s, s2, arm in zip(sums, squares, (1, 9), strict=True)]
    error = error_of_difference(n, parts[0], n * 9, parts[1], 0.02)
    gap = sums[0] / n - sums[1] / (9 * n)  # no difference in truth: shifted to the margin, any PASS is false
    passes = (log_half_normal(-gap / np.sqrt(error), GATE.tau**2 / error) >= log(20)) & (n >= GATE.burn_in)
    assert passes.any(axis=1).mean() <= 0.05


def test_a_slow_day_at_a_high_percentage_does_not_make_hera_look_slow() -> None:
    quiet = durations(lognormal(100, 1.0, 1), lognormal(900, 1.0, 2), 10)
    slow_day = durations(lognormal(900, 2.0, 3), lognormal(100, 2.0, 4), 90)
    assert GATE.assess(quiet + slow_day).verdict is Verdict.PASS
    # Poured together, the same workflows would say that Hera takes 70 % longer.
    both = (quiet + slow_day).total
    pooled = Durations(code_revision="r1", strata=(Stratum(percent=50, hera=both.hera, yaml=both.yaml),))
    assert GATE.assess(pooled).verdict is Verdict.FAIL


def test_settings_and_values_that_cannot_be_are_refused() -> None:
    for settings in ({"increase": 0.0}, {"burn_in": 3}, {"least_spread": 0.0}):
        with pytest.raises(Refused, match="cannot be used"):
            NotSlower(**settings)
    with pytest.raises(Refused, match="logarithm"):
        Moments.of_logs([1.0, 0.0])
    with pytest.raises(Refused, match="finite"):
        Moments.of([1.0, float("nan")])
