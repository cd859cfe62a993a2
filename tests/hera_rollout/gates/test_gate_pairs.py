"""Resources in paired windows: valid under symmetry for every increase inside the null, quick without noise."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import NotMore, Verdict, Windows
from hera_rollout.gates.pairs import BETS, log_symmetric
from hera_rollout.gates.rehearsal import windows

GATE = NotMore()


def test_by_hand() -> None:
    assert log_symmetric(0, 0) == pytest.approx(0)
    mean = sum(exp(bet * 0.3 - bet**2 * 0.05 / 2) for bet in BETS) / len(BETS)
    assert exp(log_symmetric(0.3, 0.05)) == pytest.approx(mean)


def test_one_more_pair_never_adds_evidence_on_average_if_symmetric_at_or_below_the_limit() -> None:
    # Two mirror images about -shift; every symmetric distribution is a mixture of such pairs.
    shift, reach = np.meshgrid(np.linspace(0, 3, 121), np.linspace(0, 6, 241))
    for bet in BETS:
        value = sum(np.exp(bet * x - bet**2 * x**2 / 2) for x in (-shift + reach, -shift - reach)) / 2
        assert value.max() <= 1 + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.03, 0.1, 0.4])
@pytest.mark.parametrize("draw", ["normal", "heavy"])
def test_false_verdicts_stay_within_alpha(spread: float, draw: str) -> None:
    rng = np.random.default_rng(2)
    size = (2_000, 150)
    noise = rng.standard_normal(size) if draw == "normal" else rng.standard_t(2, size)
    for sign, offsets in ((1, (0.0, -0.05, -0.2)), (-1, (0.0, 0.05, 0.2))):
        for offset in offsets:
            x = sign * (spread * noise + offset)
            ever = (log_symmetric(x.cumsum(1), (x**2).cumsum(1)) >= log(20)).any(axis=1).mean()
            assert ever <= 0.05


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [([], "HOLD"), ([(1.0, 1.0)] * 4, "HOLD"), ([(1.0, 1.0)] * 12, "PASS"), ([(1.5, 1.0)] * 12, "FAIL"),
     ([(11.0, 10.0), (1.1, 1.0)] * 20, "HOLD")],
)  # fmt: skip
def test_verdicts(pairs: list[tuple[float, float]], verdict: str) -> None:
    assert GATE.assess(Windows.of("r1", pairs)).verdict == verdict


def test_hold_says_how_many_pairs_are_missing() -> None:
    assert GATE.assess(Windows.of("r1", [])).needed is None
    few = GATE.assess(Windows.of("r1", [(1.0, 1.0)] * 3), per_second=1 / 60)
    assert "5 pairs" in few.waiting
    n = round(few.needed)
    assert GATE.assess(Windows.of("r1", [(1.0, 1.0)] * (n + 1))).verdict is Verdict.PASS
    assert GATE.assess(Windows.of("r1", [(1.0, 1.0)] * (n - 1))).verdict is Verdict.HOLD
    assert few.seconds == pytest.approx((few.needed - 3) * 60)


def test_a_target_may_ask_for_more_pairs_than_the_test_needs() -> None:
    seen = Windows.of("r1", [(1.0, 1.0)] * 12)
    assert NotMore(least_pairs=30).assess(seen).verdict is Verdict.HOLD
    assert NotMore(least_pairs=30).assess(seen).needed == pytest.approx(30, abs=1)


def test_more_noise_takes_longer_and_drift_between_pairs_does_not_matter() -> None:
    medians = [windows(GATE, [0.0], spread=spread, runs=300).iloc[0]["median evidence"] for spread in (0.03, 0.1, 0.3)]
    assert all(a < b for a, b in pairwise(medians))
    drifting = [(100 * 1.5**hour, 100 * 1.5**hour) for hour in range(12)]
    assert GATE.assess(Windows.of("r1", drifting)).verdict is Verdict.PASS


def test_figures_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused, match="not above zero"):
        Windows.of("r1", [(1.0, 0.0)])
    with pytest.raises(Refused, match="cannot be used"):
        NotMore(increase=0.0)
