"""The two-arm gates over made-up truths: many rollouts at once, the same formulas as the gates themselves.

Each function answers one row a truth: how many rollouts end in PASS, FAIL and HOLD, and after how much evidence the
middle one is decided (infinite if it is not). Seeds are fixed, so the figures can be made again.
"""

from collections.abc import Sequence
from math import log, log1p
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.counts import LESS, MORE, NoIncrease, log_ratio_evidence
from hera_rollout.gates.information import error_of_difference, log_half_normal
from hera_rollout.gates.mixtures import Floats, log_evidence_counts
from hera_rollout.gates.pairs import NotMore, log_symmetric
from hera_rollout.gates.sampling import SampleRatio
from hera_rollout.gates.slower import NotSlower


def slowdowns(
    gate: NotSlower, increases: Sequence[float], *, spread: float = 0.5, per_arm: int = 2_000, percent: float = 50,
    runs: int = 400, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Log-normal durations with so much spread; Hera's arm is looked at after each of its workflows."""
    rng = np.random.default_rng(seed)
    others = max(1, round((100 - percent) / percent))
    n = np.arange(1, per_arm + 1)
    rows = []
    for increase in increases:
        hera = spread * rng.standard_normal((runs, per_arm)) + log1p(increase)
        yaml = spread * rng.standard_normal((runs, per_arm * others))
        difference, error = _difference(hera, yaml, others, gate.least_spread)
        z, r = (difference - gate.margin) / np.sqrt(error), gate.tau**2 / error
        ready = n >= gate.burn_in
        pro, contra = (np.where(ready, log_half_normal(sign * z, r), 0.0) for sign in (-1, 1))
        rows.append({"true increase": increase} | _summary(pro, contra, n, gate.alpha))
    return pd.DataFrame(rows)


def _difference(hera: Floats, yaml: Floats, others: int, floor: float) -> tuple[Floats, Floats]:
    n = np.arange(1, hera.shape[1] + 1)
    means, squares = [], []
    for values, step in ((hera, 1), (yaml, others)):
        sums = np.cumsum(values, axis=1)[:, step - 1 :: step]
        means.append(sums / (n * step))
        squares.append(np.cumsum(values**2, axis=1)[:, step - 1 :: step] - sums**2 / (n * step))
    return means[0] - means[1], error_of_difference(n, squares[0], n * others, squares[1], floor)


def windows(
    gate: NotMore,
    increases: Sequence[float],
    *,
    spread: float = 0.1,
    pairs: int = 200,
    runs: int = 1_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Paired windows whose log ratio has so much spread, looked at after each pair."""
    rng = np.random.default_rng(seed)
    n = np.arange(1, pairs + 1)
    rows = []
    for increase in increases:
        x = spread * rng.standard_normal((runs, pairs)) + log1p(increase) - log1p(gate.increase)
        total, squares = np.cumsum(x, axis=1), np.cumsum(x**2, axis=1)
        pro, contra = (np.where(n >= gate.least_pairs, log_symmetric(sign * total, squares), 0.0) for sign in (-1, 1))
        rows.append({"true increase": increase} | _summary(pro, contra, n, gate.alpha))
    return pd.DataFrame(rows)


def increases(
    gate: NoIncrease, rates: Sequence[tuple[float, float]], *, percent: float = 10, looks: int = 500, step: int = 100,
    runs: int = 400, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Poisson errors at Hera's and YAML's true rates, looked at whenever both arms together had so many more."""
    rng = np.random.default_rng(seed)
    share = percent / 100
    exposure = np.arange(1, looks + 1) * step * share
    rows = []
    for hera, yaml in rates:
        mine = np.cumsum(rng.poisson(hera * step * share, (runs, looks)), axis=1)
        theirs = np.cumsum(rng.poisson(yaml * step * (1 - share), (runs, looks)), axis=1)
        pro, contra = (log_ratio_evidence(bets, gate.ratio, {share: (mine, theirs)}) for bets in (LESS, MORE))
        own = [
            log_evidence_counts(tuple((q * gate.floor, w) for q, w in bets), gate.floor, exposure, mine)
            for bets in (LESS, MORE)
        ]
        pro = np.logaddexp(pro, own[0]) - log(2)
        row = _summary(pro, np.minimum(contra, own[1]), exposure, gate.alpha)
        rows.append({"Hera's rate": hera, "YAML's rate": yaml} | row)
    return pd.DataFrame(rows)


def shares(
    gate: SampleRatio,
    percent: float,
    true_shares: Sequence[float],
    *,
    tasks: int = 2_000,
    runs: int = 1_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Task keys that fall on Hera with these true shares, at one rung, looked at after each key."""
    rng = np.random.default_rng(seed)
    n = np.arange(1, tasks + 1)
    rows = []
    for share in true_shares:
        hera = np.cumsum(rng.random((runs, tasks)) < share, axis=1)
        contra = gate.log_against(percent, n, hera)
        pro = gate.log_for(percent, n, hera)
        rows.append({"true share": share} | _summary(pro, contra, n, gate.of_one))
    return pd.DataFrame(rows)


def _summary(pro: Any, contra: Any, have: NDArray[Any], alpha: Alpha) -> dict[str, float]:
    """Shares of each verdict, by whichever came first, and the evidence at which the middle rollout was decided."""
    never = pro.shape[1]
    passed, failed = (
        np.where(hit.any(1), hit.argmax(1), never)
        for hit in (pro >= -log(alpha.passing), contra >= -log(alpha.failing))
    )
    middle = float(np.median(np.minimum(passed, failed)))
    return {
        "PASS": float((passed < failed).mean()),
        "FAIL": float((failed <= passed)[failed < never].sum() / len(failed)),
        "HOLD": float((np.minimum(passed, failed) == never).mean()),
        "ever PASS": float((passed < never).mean()),
        "ever FAIL": float((failed < never).mean()),
        "median evidence": float(have[int(middle)]) if middle < never else float("inf"),
    }
