"""The rehearsal: exact where it says so, a gate that misses the target's limits is refused, histories played again."""

from math import inf, log

import numpy as np
import pandas as pd
import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import Alpha, Outcomes, SuccessRate
from hera_rollout.gates.rehearsal import Boundary, Crossing, Demands, Rehearsal, replay, resampled
from hera_rollout.gates.rehearsal.crossing import bound

GATE = SuccessRate()


def test_the_boundary_is_where_the_gate_itself_changes_its_verdict() -> None:
    boundary = Boundary.of(GATE, 2_500)
    for n in (1, 2, 3, 10, 100, 328, 329, 330, 700, 1_321, 1_322, 2_500):
        low, high = int(boundary.passing[n]), int(boundary.failing[n])
        verdicts = {
            k: GATE.assess(Outcomes(code_revision="r1", workflows=n, failures=k)).verdict.value
            for k in {low, low + 1, high - 1, high}
            if 0 <= k <= n
        }
        for k, verdict in verdicts.items():
            assert verdict == ("PASS" if k <= low else "FAIL" if k >= high else "HOLD"), (n, k)


def test_exact_chances_agree_with_simulated_rollouts_and_add_up() -> None:
    boundary = Boundary.of(GATE, 1_500)
    failed = np.random.default_rng(1).random((4_000, 1_500)) < 0.02
    passed, fell = boundary.verdicts(failed.cumsum(axis=1))
    first_fail = (fell > 0) & ((passed == 0) | (fell < passed))
    crossing = Crossing.exact(boundary, 0.02)
    assert crossing.failed.sum() == pytest.approx(first_fail.mean(), abs=0.02)
    assert 0 < crossing.passed.sum() + crossing.failed.sum() <= 1
    assert crossing.quantile(0.5, of="failed") == pytest.approx(np.median(np.where(first_fail, fell, 9_999)), rel=0.05)
    assert Crossing.exact(boundary, 0.01).quantile(0.99) == inf


def test_certain_rates_are_followed_by_hand() -> None:
    never, always = (Crossing.exact(Boundary.of(GATE, 400), rate) for rate in (0.0, 1.0))
    assert (never.passed[329], never.passed.sum()) == (1, 1)
    assert (always.failed[2], always.failed.sum()) == (1, 1)
    assert bound(0.0, 0.01, 0.05) == pytest.approx(log(20) / -log(0.99))
    assert bound(0.01, 0.01, 0.05) == inf


def test_the_table_states_false_alarms_misses_and_detection() -> None:
    frame = Rehearsal().rates().set_index("true rate")
    assert frame["false alarm"].max() <= 0.05
    assert frame["false pass"].max() <= 0.05
    assert frame.loc[0.05, "miss"] < 0.001
    assert frame.loc[0.0, "median workflows"] == 329
    assert (frame[["PASS", "FAIL", "HOLD"]].sum(axis=1) - 1).abs().max() < 1e-9
    # 10 % of 1,000 workflows are 100 on Hera: 85 are reached at 850, 251 in the next rung's 604th.
    assert frame.loc[0.05, ["median workflows", "all workflows", "rung"]].tolist() == [85, 850, 10]
    assert frame.loc[0.03, ["median workflows", "all workflows", "rung"]].tolist() == [251, 1_604, 25]
    assert frame.loc[0.03, "tasks that saw Hera"] == 0.25
    assert np.isnan(frame.loc[0.01, "rung"])


def test_a_gate_that_meets_the_targets_limits_is_let_through_with_its_figures() -> None:
    figures = Rehearsal().refuse_if_misses(Demands())
    assert len(figures) == 3
    assert (figures["figure"] <= figures["limit"]).all()


@pytest.mark.parametrize(
    ("gate", "demands", "what"),
    [(GATE, Demands(bad_rate=0.02, within=300), "misses of 2.0% failures in 300 workflows"),
     (SuccessRate(alpha=Alpha(passing=0.05, failing=0.3)), Demands(), "false alarms"),
     (SuccessRate(alpha=Alpha(passing=0.3, failing=0.01)), Demands(), "false PASS"),
     (GATE, Demands(false_alarms=0.001), "false alarms")],
)  # fmt: skip
@pytest.mark.slow
def test_a_gate_that_misses_the_targets_limits_is_refused(gate: SuccessRate, demands: Demands, what: str) -> None:
    with pytest.raises(Refused, match=what) as refused:
        Rehearsal(gate=gate).refuse_if_misses(demands)
    assert refused.value.evidence


def test_a_history_is_played_as_it_was() -> None:
    frame = replay(GATE, [False] * 10 + [True] * 4)
    assert frame["workflows"].tolist() == list(range(1, 15))
    assert frame["failures"].iloc[-1] == 4
    assert frame["verdict"].tolist() == ["HOLD"] * 12 + ["FAIL"] * 2
    for row in frame.itertuples():
        seen = Outcomes(code_revision="r1", workflows=row.workflows, failures=row.failures)
        assert GATE.assess(seen).verdict == row.verdict


def test_histories_like_this_one_keep_their_bursts() -> None:
    even = [n % 200 == 7 for n in range(3_600)]
    bursts = [n % 1_200 < 6 for n in range(3_600)]
    assert np.mean(even) == np.mean(bursts) == 0.005
    calm, rough = (resampled(GATE, history, workflows=3_000, runs=400).iloc[0] for history in (even, bursts))
    assert calm["FAIL"] < 0.02
    assert rough["FAIL"] > 0.1  # the rate is fine on average, its outages are not: the rehearsal says so
    assert resampled(GATE, even, runs=50).equals(resampled(GATE, even, runs=50))
    assert resampled(GATE, even, workflows=5, block=5)["median workflows"].tolist() == [inf]  # too few to end


def test_a_block_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Refused, match="block of 50"):
        resampled(GATE, [False] * 20)


def test_frames_are_frames() -> None:
    assert isinstance(Rehearsal().rates([0.0]), pd.DataFrame)
