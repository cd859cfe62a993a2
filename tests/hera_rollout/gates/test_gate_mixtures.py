"""Evidence about a rate: by hand, monotone, and valid for every rate inside the null, not only at the limit."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from hera_rollout.gates import Alpha, SuccessRate
from hera_rollout.gates.mixtures import (
    FAIL_POINTS,
    PASS_POINTS,
    at_limit,
    log_evidence,
    log_evidence_counts,
    points_of,
)
from hera_rollout.gates.rehearsal import Boundary, Crossing

LIMIT = 0.01
LIMITS = (0.001, 0.01, 0.02, 0.05, 0.2, 0.5)
HORIZON = 5_000


def test_small_cases_by_hand() -> None:
    one = ((0.02, 1.0),)
    assert exp(log_evidence(one, LIMIT, 0, 0)) == pytest.approx(1)
    assert exp(log_evidence(one, LIMIT, 1, 1)) == pytest.approx(2)
    assert exp(log_evidence(one, LIMIT, 3, 1)) == pytest.approx(2 * (0.98 / 0.99) ** 2)
    two = ((0.02, 3.0), (0.5, 1.0))
    assert exp(log_evidence(two, LIMIT, 2, 2)) == pytest.approx(0.75 * 2**2 + 0.25 * 50**2)
    assert exp(log_evidence_counts(one, LIMIT, 10, 1)) == pytest.approx(2 * exp(-0.1))


def test_design_b_needs_329_workflows_without_a_failure() -> None:
    assert log_evidence(PASS_POINTS, LIMIT, 329, 0) >= log(20) > log_evidence(PASS_POINTS, LIMIT, 328, 0)


@pytest.mark.parametrize("limit", LIMITS)
def test_alternatives_stay_on_their_side_of_every_limit(limit: float) -> None:
    below, above = points_of(at_limit(PASS_POINTS, limit)), points_of(at_limit(FAIL_POINTS, limit))
    assert (below > 0).all() and (below < limit).all()
    assert (above > limit).all() and (above < 1).all()
    assert at_limit(PASS_POINTS, LIMIT) == PASS_POINTS


@pytest.mark.parametrize("limit", LIMITS)
def test_one_more_workflow_never_adds_evidence_on_average_at_any_rate_inside_the_null(limit: float) -> None:
    # The composite null: the expectation of each step's factor is at most 1 for all rates, so the mixture's is, too.
    for points, inside in (
        (at_limit(PASS_POINTS, limit), np.linspace(limit, 1, 200)),
        (at_limit(FAIL_POINTS, limit), np.linspace(0, limit, 200)),
    ):
        for point, _ in points:
            step = inside * point / limit + (1 - inside) * (1 - point) / (1 - limit)
            assert step.max() <= 1 + 1e-12
            assert step == pytest.approx(1 + (limit - inside) * (limit - point) / (limit * (1 - limit)))


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_false_verdicts_stay_within_alpha_at_every_rate_inside_the_null(alpha: float) -> None:
    boundary = Boundary.of(SuccessRate(alpha=Alpha(passing=alpha, failing=alpha)), HORIZON)
    alarms = [Crossing.exact(boundary, rate).failed.sum() for rate in np.linspace(0.0005, LIMIT, 12)]
    passes = [Crossing.exact(boundary, rate).passed.sum() for rate in (LIMIT, 0.0105, 0.012, 0.015, 0.02, 0.05, 0.3)]
    assert max(alarms) <= alpha
    assert max(passes) <= alpha
    # It is tight where it should be: at the limit a good part of alpha is spent.
    assert max(alarms) == alarms[-1] > alpha / 4
    assert max(passes) == passes[0] > alpha / 4


def test_false_alarms_stay_within_alpha_when_the_rate_wanders_below_the_limit() -> None:
    rng = np.random.default_rng(7)
    waves = LIMIT * (0.5 + 0.5 * np.sin(np.arange(HORIZON) / 150))
    assert waves.max() <= LIMIT
    failed = rng.random((2_000, HORIZON)) < waves
    _, alarms = Boundary.of(SuccessRate(), HORIZON).verdicts(failed.cumsum(axis=1))
    assert (alarms > 0).mean() <= 0.05


@given(n=st.integers(1, 3_000), share=st.floats(0, 1), limit=st.sampled_from(LIMITS))
def test_a_failure_speaks_for_fail_and_a_success_for_pass(n: int, share: float, limit: float) -> None:
    gate = SuccessRate(limit=limit)
    k = int(share * n)
    assert gate.log_against(n + 1, k + 1) > gate.log_against(n, k) > gate.log_against(n + 1, k)
    assert gate.log_for(n + 1, k + 1) < gate.log_for(n, k) < gate.log_for(n + 1, k)


@pytest.mark.parametrize("true", [0.0005, 0.001, 0.002])
def test_counted_events_are_valid_for_poisson_counts_and_cautious_for_single_ones(true: float) -> None:
    limit, exposure = 0.002, 700
    counts = np.arange(60)
    up = np.exp(log_evidence_counts(((limit * 3, 1.0),), limit, exposure, counts))
    assert (up * poisson.pmf(counts, true * exposure)).sum() <= 1 + 1e-9
    single = true * 3 * exp(-2 * limit) + (1 - true) * exp(-2 * limit)
    assert single <= 1
