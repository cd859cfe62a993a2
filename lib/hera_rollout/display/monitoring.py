"""Plots of what is watched while the flag turns: who succeeded by path, and the error rate over time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import sqrt
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import SIZE, bare, finish
from hera_rollout.workflow_phases import FINISHED

Span = tuple[str, datetime, datetime]
"""A window: its path, its start and its end, UTC."""


def wilson(good: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927, JASA 22:209): honest also at 0 and at 1; ``n`` above 0."""
    middle, half = good + z * z / 2, z * sqrt(good * (n - good) / n + z * z / 4)
    return max(0.0, (middle - half) / (n + z * z)), min(1.0, (middle + half) / (n + z * z))


def success_by_path(frame: pd.DataFrame, limit: float, owner: str) -> None:
    """Plot the share of ended workflows that succeeded, by path, with its uncertainty and the least allowed.

    Args:
        frame: of ``metrics.workflow_frame``: columns ``path`` and ``phase``; those still running are left out.
        limit: the least good share, such as 0.99.
        owner: whose limit it is.
    """
    ended = frame[frame["phase"].isin(FINISHED)]
    rows: list[dict[str, Any]] = []
    for path in ("yaml", "hera"):
        mine = ended[ended["path"] == path]["phase"]
        if len(mine):
            good = int((mine == "Succeeded").sum())
            low, high = wilson(good, len(mine))
            rows.append({"path": path, "succeeded": good, "n": len(mine), "share": good / len(mine), "low": low,
                         "high": high})  # fmt: skip
    data = pd.DataFrame(rows, columns=["path", "succeeded", "n", "share", "low", "high"])
    counts = ", ".join(f"{row['n']} by {row['path']}" for row in rows) or "no workflow has ended: no data"
    title = f"Workflows that succeeded, by path (n = {counts}; bar: 95 % interval)"
    figure = Figure(figsize=(SIZE[0], 2.4))
    axes = figure.subplots()
    for row in rows:
        place = 0 if row["path"] == "yaml" else 1
        color, share = COLORS[row["path"]], row["share"] * 100
        axes.plot([row["low"] * 100, row["high"] * 100], [place, place], color=color, linewidth=9, alpha=0.35)
        axes.scatter([share], [place], color=color, s=54, zorder=3, clip_on=False, marker="o" if place == 0 else "D")
        axes.annotate(f"{row['succeeded']} of {row['n']}", (row["low"] * 100, place - 0.22), fontsize=8)
    axes.axvline(limit * 100, color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    axes.annotate(f"at least {limit * 100:.4g} % ({owner})",
                  (limit * 100, -0.66), fontsize=8, color=COLORS["FAIL"], ha="right")  # fmt: skip
    axes.set_yticks([0, 1], ["yaml", "hera"])
    axes.set_ylim(1.5, -0.85)
    least = min([limit, *data["low"]])
    axes.set_xlim(max(0.0, (least - 0.03) * 100), 100)
    axes.set_xlabel("succeeded, % of the workflows that ended")
    axes.set_title(title, loc="left", fontsize=10, pad=14)
    bare(axes, "x")
    finish(figure, title, data, f"{title}: a point a path, in percent")


def error_rate_over_time(frame: pd.DataFrame, spans: Sequence[Span], limit: float, owner: str) -> None:
    """Plot the error rate over time; each window has its path's colour, each turn of the flag a vertical mark.

    Args:
        frame: of ``metrics.errors_over_time``: columns ``time``, ``requests``, ``errors``, ``share``.
        spans: the windows, in order.
        limit: the most allowed, such as 0.01.
        owner: whose limit it is.
    """
    asked, wrong = int(frame["requests"].sum()), int(frame["errors"].sum())
    n = f"n = {asked} requests, {wrong} errors" if asked else "no data"
    title = f"Error rate over time, UTC ({n})"
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    top = max(limit * 250, float(frame["share"].max() * 110) if asked else 0.0)
    axes.set_ylim(0, min(top, 105))
    for place, (path, start, end) in enumerate(spans):
        axes.axvspan(_x(start), _x(end), color=COLORS[path], alpha=0.14, linewidth=0)
        if place == 0 or spans[place - 1][0] != path:
            axes.axvline(_x(start), color=COLORS[path], linewidth=1.6)
            axes.annotate(path, (_x(start), 1.0), xycoords=("data", "axes fraction"), xytext=(3, -10), fontsize=8,
                          textcoords="offset points", color=COLORS["ink"])  # fmt: skip
    if asked:
        axes.plot([_x(one) for one in frame["time"]], frame["share"] * 100, color=COLORS["ink"], linewidth=1.4,
                  marker=".", markersize=5, clip_on=False)  # fmt: skip
    axes.axhline(limit * 100, color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    axes.annotate(f"limit {limit * 100:.4g} % ({owner})", (1, limit * 100), xycoords=("axes fraction", "data"),
                  xytext=(-2, 4), textcoords="offset points", fontsize=8, color=COLORS["FAIL"], ha="right")  # fmt: skip
    axes.xaxis_date(tz=UTC)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_ylabel("errors, % of requests")
    axes.set_title(title, loc="left", fontsize=10, pad=14)
    bare(axes, "y")
    finish(figure, title, frame, f"{title}, in percent; vertical marks: turns of the flag; gaps: nothing was asked")


def _x(moment: datetime) -> float:
    """Days since 1970, as matplotlib counts time."""
    return moment.timestamp() / 86_400
