"""What the success gate would do, over true failure rates and on a history: a rehearsal's picture and tables."""

import pandas as pd
from matplotlib.figure import Figure

from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import SIZE, bare, finish
from hera_rollout.display.tables import table

_SHARES = ("true rate", "failure rate", "PASS", "FAIL", "HOLD")
_WORKFLOWS = ("median workflows", "90 % of rollouts")
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


def verdict_shares(figures: pd.DataFrame, title: str) -> None:
    """Show a rehearsal's figures: shares in per cent, workflows by the whole, "never" where there is no end.

    Args:
        figures: of `Rehearsal.rates` or `resampled`; columns that an operator does not read are left out.
        title: what was played.
    """
    shown = figures[[name for name in (*_SHARES, *_WORKFLOWS) if name in figures]].copy()
    for name in shown:
        shown[name] = shown[name].map("{:.1%}".format if name in _SHARES else _workflows)
    table(shown, title, command="")


def _workflows(count: float) -> str:
    return "never" if pd.isna(count) or count == float("inf") else f"{count:,.0f}"
