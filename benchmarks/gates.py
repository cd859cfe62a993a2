"""The success gate beside the best there can be, and beside the published rules of other tools, on the same streams.

For each true failure rate: the median number of workflows until the gate decides, exactly, over the bound
ln(1/alpha)/KL(true || limit); then 2,000 simulated rollouts of 5,000 workflows, which our gate (it looks after each
workflow) and the other tools' rules (they look after each 50) see alike. The last line is one summary.
"""

import os
import sys
import time

# ruff: noqa: E402, I001
# benchmarks/inspect.py must not stand in for the standard library's module of that name.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.peers import canaries
from hera_rollout.gates.rehearsal.crossing import Boundary, Crossing, bound
from hera_rollout.gates.success import SuccessRate

LIMIT, ALPHA = 0.01, 0.05
RATES = (0.0, 0.001, 0.002, 0.003, 0.005, 0.015, 0.02, 0.03, 0.05, 0.10, 0.20)
HEALTHY_YAML = 0.005
LOOKS, RUNS, SEED = 5_000, 2_000, 20_261_124
EXACT_HORIZON = 20_000
OURS = "this gate"


def exact(gate: SuccessRate) -> pd.DataFrame:
    """Median workflows to decide, and the bound, by exact calculation."""
    boundary = Boundary.of(gate, EXACT_HORIZON)
    rows = []
    for rate in RATES:
        crossing, least = Crossing.exact(boundary, rate), bound(rate, LIMIT, ALPHA)
        right, wrong = (crossing.passed, crossing.failed) if rate < LIMIT else (crossing.failed, crossing.passed)
        median = crossing.quantile(0.5)
        row = {"true rate": f"{rate:.1%}", "bound": least, "median": median, "p90": crossing.quantile(0.9)}
        rows.append(row | {"median / bound": median / least, "right": right.sum(), "wrong": wrong.sum()})
    return pd.DataFrame(rows)


def streams(rate: float, seed: int) -> NDArray[np.bool_]:
    """Simulated rollouts, one row each."""
    return np.random.default_rng((SEED, seed)).random((RUNS, LOOKS), dtype=np.float32) < rate


def rolled_back(
    gate: SuccessRate, failed: NDArray[np.bool_], baseline: NDArray[np.bool_]
) -> dict[str, NDArray[np.int64]]:
    """For each rule, after how many workflows each rollout was rolled back; 0 for never."""
    passed, fell = Boundary.of(gate, LOOKS).verdicts(np.cumsum(failed, axis=1, dtype=np.int32))
    return {
        OURS: np.where((passed > 0) & (passed < fell), 0, fell),
        "Argo Rollouts, failureLimit 0": canaries.argo_rollouts(failed, LIMIT),
        "Argo Rollouts, failureLimit 3": canaries.argo_rollouts(failed, LIMIT, 3),
        "Flagger, threshold 1": canaries.flagger(failed, LIMIT),
        "Flagger, threshold 10": canaries.flagger(failed, LIMIT, 10),
        "Kayenta, Mann-Whitney": canaries.kayenta(failed, baseline),
    }


def compared(gate: SuccessRate) -> pd.DataFrame:
    """Share rolled back and median workflows until then, for each rule and rate."""
    rows = []
    for number, rate in enumerate((*RATES, LIMIT)):
        # Kayenta compares with a baseline: a YAML path as good as Hera while Hera is good, else a healthy one.
        baseline = streams(rate if rate <= LIMIT else HEALTHY_YAML, 1_000 + number)
        for rule, when in rolled_back(gate, streams(rate, number), baseline).items():
            found = when[when > 0]
            median = float(np.median(found)) if found.size else np.nan
            rows.append({"rule": rule, "rate": rate, "rolled back": (when > 0).mean(), "median workflows": median})
    return pd.DataFrame(rows)


def percent(table: pd.DataFrame) -> pd.DataFrame:
    """Rates in the head, shares as percentages."""
    shown = table.rename(columns=lambda rate: f"{rate:.1%}")
    return shown.map(lambda share: f"{share:.1%}")


def show(title: str, table: pd.DataFrame) -> None:
    """A titled table."""
    print(f"\n{title}\n{table.to_string()}")


def main() -> None:
    """Print the tables and the summary."""
    started, gate = time.perf_counter(), SuccessRate(limit=LIMIT)
    ratios, table = exact(gate), compared(gate)
    columns = {"bound": "{:,.1f}", "median": "{:,.0f}", "p90": "{:,.0f}", "median / bound": "{:.2f}"}
    shown = ratios.assign(**{name: ratios[name].map(form.format) for name, form in columns.items()})
    shown = shown.assign(**{name: ratios[name].map("{:.2%}".format) for name in ("right", "wrong")})
    show(f"Workflows to decide, limit {LIMIT:.0%}, alpha {ALPHA:.0%} (exact, up to {EXACT_HORIZON:,})", shown)
    shares = table.pivot_table(index="rule", columns="rate", values="rolled back", sort=False).sort_index(axis=1)
    healthy, bad = [rate for rate in shares if rate <= LIMIT], [rate for rate in shares if rate > LIMIT]
    times = table.pivot_table(index="rule", columns="rate", values="median workflows", sort=False, dropna=False)
    show(f"False alarms: healthy rollouts rolled back within {LOOKS:,} workflows", percent(shares[healthy]))
    show(f"Misses: bad rollouts not rolled back within {LOOKS:,} workflows", percent(1 - shares[bad]))
    show(
        "Median workflows until rollback, of those rolled back",
        times[bad].rename(columns=lambda r: f"{r:.1%}").round(0),
    )
    print()
    print(summary(gate, ratios, shares, time.perf_counter() - started))


def summary(gate: SuccessRate, ratios: pd.DataFrame, shares: pd.DataFrame, seconds: float) -> str:
    """One line with the figures that are aimed at."""
    ratio, ours = ratios["median / bound"], shares.loc[OURS]
    at_limit = Crossing.exact(Boundary.of(gate, LOOKS), LIMIT)
    points = shares.drop(index=[OURS, "Kayenta, Mann-Whitney"])
    kayenta = shares.loc["Kayenta, Mann-Whitney"]
    return (
        f"gates: median ratio to the bound {ratio.median():.2f} (aim <= 1.15), worst {ratio.max():.2f} (aim <= 1.6); "
        f"false alarms over {LOOKS:,} looks {ours[LIMIT]:.1%} at the limit (exact {at_limit.failed.sum():.1%}, "
        f"false PASS {at_limit.passed.sum():.1%}; aim <= 5 %) and {ours[HEALTHY_YAML]:.1%} at {HEALTHY_YAML:.1%}; "
        f"point rules {points[LIMIT].min():.1%} to {points[LIMIT].max():.1%} and "
        f"{points[HEALTHY_YAML].min():.1%} to {points[HEALTHY_YAML].max():.1%}; Kayenta {kayenta[LIMIT]:.1%} and "
        f"{kayenta[HEALTHY_YAML]:.1%}, and it misses {1 - kayenta[0.02]:.0%} of rollouts at 2.0% (this gate "
        f"{1 - ours[0.02]:.1%}); {RUNS:,} rollouts a rate in {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
