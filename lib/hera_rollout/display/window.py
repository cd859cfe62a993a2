"""The change window as a picture: usual traffic by hour, the low hours shaded, and where now is."""

from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import SIZE, bare, finish

HOURS: Final = ["hour", "rate", "n", "least", "most", "low"]
_DAY: Final = 24
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def traffic_by_hour(hours: pd.DataFrame, now: float, limit: float | None, owner: str) -> None:
    """Plot the usual traffic of each hour of the day or of the week, the low hours, the limit and now.

    Args:
        hours: one row an hour from 0: ``hour``, ``rate`` (median requests, NaN where unknown), ``n`` (how often it was
            seen), ``least``, ``most``, ``low``. 24 rows are hours of the day, 168 of the week from Monday 00:00 UTC.
        now: the moment as hours since the period's begin, such as 14.5.
        limit: the highest rate that is still low; None where nothing is known.
        owner: whose limit it is.
    """
    figure = Figure(figsize=SIZE)
    period = "week" if len(hours) > _DAY else "day"
    known = f"{int(hours['low'].sum())} of {len(hours)} hours are low"
    title = f"Traffic by hour of the {period}, UTC; {known}"
    n = f"(n = {hours['n'].sum() / _DAY:.1f} days; band: least to most)"
    axes = figure.subplots()
    _rates(axes, hours)
    _low(axes, hours)
    _limit(axes, limit, owner)
    _now(axes, now)
    _frame(axes, hours)
    axes.set_title(f"{title}\n{n}", loc="left", fontsize=10, pad=18)
    title = f"{title} {n}"
    finish(figure, title, hours, f"{title}: requests an hour; low hours shaded, now marked")


def _rates(axes: Axes, hours: pd.DataFrame) -> None:
    edges = [*hours["hour"], len(hours)]
    axes.stairs(hours["most"], edges, baseline=hours["least"].to_numpy(), fill=True, color=COLORS["HOLD"], alpha=0.25,
                linewidth=0)  # fmt: skip
    axes.stairs(hours["rate"], edges, baseline=None, color=COLORS["ink"], linewidth=1.6)
    if not hours["rate"].notna().any():
        axes.annotate("no history", (0.5, 0.5), xycoords="axes fraction", ha="center", color=COLORS["HOLD"])


def _low(axes: Axes, hours: pd.DataFrame) -> None:
    runs = [list(run["hour"]) for _, run in hours[hours["low"]].groupby((~hours["low"]).cumsum())]
    for run in runs:
        axes.axvspan(run[0], run[-1] + 1, color=COLORS["PASS"], alpha=0.13, linewidth=0)
    if runs:
        widest = max(runs, key=len)
        axes.annotate("low", ((widest[0] + widest[-1] + 1) / 2, 0.97), xycoords=("data", "axes fraction"), ha="center",
                      va="top", fontsize=8, color=COLORS["PASS"])  # fmt: skip


def _limit(axes: Axes, limit: float | None, owner: str) -> None:
    if limit is None:
        return
    axes.axhline(limit, color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    axes.annotate(f"low: at most {limit:,.3g} ({owner})", (1, limit), xycoords=("axes fraction", "data"),
                  xytext=(-2, 3), textcoords="offset points", ha="right", fontsize=8, color=COLORS["FAIL"],
                  bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1})  # fmt: skip


def _now(axes: Axes, now: float) -> None:
    axes.axvline(now, color=COLORS["ink"], linewidth=1.6)
    axes.annotate("now", (now, 1), xycoords=("data", "axes fraction"), xytext=(0, 3), textcoords="offset points",
                  ha="center", fontsize=8, color=COLORS["ink"])  # fmt: skip


def _frame(axes: Axes, hours: pd.DataFrame) -> None:
    if len(hours) > _DAY:
        axes.set_xticks([day * _DAY for day in range(len(_DAYS))], _DAYS, ha="left")
        axes.set_xlabel("day of the week, from Monday 00:00 UTC", fontsize=9)
    else:
        axes.set_xticks(range(0, _DAY + 1, 3), [f"{hour:02d}:00" for hour in range(0, _DAY + 1, 3)])
        axes.set_xlabel("hour of the day, UTC", fontsize=9)
    axes.set_xlim(0, len(hours))
    axes.set_ylim(bottom=0)
    axes.margins(y=0.15)
    axes.set_ylabel("requests an hour", fontsize=9)
    bare(axes, "y")
