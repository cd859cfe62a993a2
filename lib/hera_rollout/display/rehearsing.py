"""What the success gate would do, over true failure rates: the picture of a rehearsal."""

import pandas as pd
from matplotlib.figure import Figure

from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import SIZE, bare, finish

_MARKS = {"PASS": "o", "FAIL": "X", "HOLD": "s"}


def verdicts_by_rate(rates: pd.DataFrame, limit: float, owner: str) -> None:
    """Plot the chance of each verdict over the true failure rate, with the limit.

    Args:
        rates: one row a true rate, ascending: ``true rate``, ``PASS``, ``FAIL``, ``HOLD`` (chances).
        limit: the highest failure rate that is still good.
        owner: whose limit it is.
    """
    title = f"The success gate's verdict by true failure rate (n = {len(rates)} rates, exact, looked at every workflow)"
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    for verdict, marker in _MARKS.items():
        axes.plot(rates["true rate"] * 100, rates[verdict] * 100, color=COLORS[verdict], marker=marker, linewidth=1.8,
                  markersize=5, clip_on=False)  # fmt: skip
        best = rates.iloc[int(rates[verdict].to_numpy().argmax())]
        axes.annotate(verdict, (best["true rate"] * 100, best[verdict] * 100), xytext=(6, 5),
                      textcoords="offset points", fontsize=9, color=COLORS[verdict])  # fmt: skip
    axes.axvline(limit * 100, color=COLORS["ink"], linestyle="--", linewidth=1.2)
    axes.annotate(f"limit {limit * 100:.4g} % ({owner})", (limit * 100, 0.9), xycoords=("data", "axes fraction"),
                  xytext=(4, 0), textcoords="offset points", fontsize=8, color=COLORS["ink"])  # fmt: skip
    axes.set_ylim(0, 105)
    axes.set_xlim(left=0)
    axes.set_xlabel("true failure rate, %")
    axes.set_ylabel("% of rollouts")
    axes.set_title(title, loc="left", fontsize=10, pad=14)
    bare(axes, "y")
    finish(figure, title, rates, f"{title}: PASS falls to none at the limit, FAIL rises after it")
