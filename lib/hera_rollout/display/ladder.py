"""The canary as pictures: success against its limit, times by path, and the share of tasks against the plan."""

import io
from math import exp, sqrt

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hera_rollout.display.monitoring import wilson
from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import SIZE, bare, finish

LOOKS = ["percent", "n", "failed", "low", "high", "yaml_n", "yaml_failed"]
TIMES = ["percent", "path", "n", "mean", "spread"]
SHARES = ["percent", "tasks", "hera"]


def success_over_looks(looks: pd.DataFrame, limit: float, owner: str) -> None:
    """Plot Hera's success rate as workflows came in, with its confidence sequence, the limit and each rung.

    Args:
        looks: one row a look: ``percent``, ``n`` (workflows settled), ``failed``, ``low``, ``high`` (shares), and
            ``yaml_n``, ``yaml_failed``: YAML's by then, drawn beside it.
        limit: the highest share of failures that is still good.
        owner: whose limit it is.
    """
    figure = Figure(figsize=SIZE)
    n = int(looks["n"].iloc[-1]) if len(looks) else 0
    yaml = int(looks["yaml_n"].iloc[-1]) if len(looks) else 0
    title = f"Workflows that succeeded (n = {n} by hera, {yaml} by yaml; band: hera's confidence sequence)"
    _success(figure.subplots(), looks, limit, owner)
    figure.axes[0].set_title(title, loc="left", fontsize=10, pad=14)
    finish(figure, title, looks, f"{title}, in percent; vertical marks: rungs")


def times_by_rung(times: pd.DataFrame, increase: float, owner: str) -> None:
    """Plot the geometric mean of execution times by path, rung by rung, and how far Hera's may go.

    Args:
        times: one row a rung and path: ``percent``, ``path``, ``n``, ``mean`` (log seconds), ``spread`` (of it).
        increase: how much slower is still good.
        owner: whose limit it is.
    """
    figure = Figure(figsize=SIZE)
    counts = ", ".join(f"{int(times[times['path'] == path]['n'].sum())} by {path}" for path in ("yaml", "hera"))
    title = f"Execution time by rung, geometric mean (n = {counts}; bars: 95 % interval)"
    _times(figure.subplots(), times, increase, owner)
    figure.axes[0].set_title(title, loc="left", fontsize=10, pad=14)
    finish(figure, title, times, f"{title}, in seconds, YAML beside Hera")


def share_by_rung(shares: pd.DataFrame) -> None:
    """Plot the share of task keys on Hera against the planned one.

    Args:
        shares: one row a rung: ``percent``, ``tasks``, ``hera``.
    """
    figure = Figure(figsize=SIZE)
    title = f"Share of tasks on Hera against the plan (n = {int(shares['tasks'].sum())} tasks; bars: 95 % interval)"
    _shares(figure.subplots(), shares)
    figure.axes[0].set_title(title, loc="left", fontsize=10, pad=14)
    finish(figure, title, shares, f"{title}, in percent")


def ladder_png(looks: pd.DataFrame, times: pd.DataFrame, shares: pd.DataFrame, limits: tuple[float, float]) -> bytes:
    """All three in one picture, for the live area: what the operator looks at while it waits.

    Args:
        looks: as `success_over_looks` takes them.
        times: as `times_by_rung` takes them.
        shares: as `share_by_rung` takes them.
        limits: the highest share of failures, and how much slower is still good.
    """
    figure = Figure(figsize=(SIZE[0], 6.6))
    top, middle, bottom = figure.subplots(3)
    _success(top, looks, limits[0], "")
    _times(middle, times, limits[1], "")
    _shares(bottom, shares)
    return _png(figure)


def watch_png(looks: pd.DataFrame, limit: float) -> bytes:
    """Success alone, for the live area of a watch; arguments as of `success_over_looks`."""
    figure = Figure(figsize=SIZE)
    _success(figure.subplots(), looks, limit, "")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def _success(axes: Axes, looks: pd.DataFrame, limit: float, owner: str) -> None:
    seen = looks[looks["n"] > 0]
    axes.axhline((1 - limit) * 100, color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    whose = f" ({owner})" if owner else ""
    axes.annotate(f"at least {(1 - limit) * 100:.4g} %{whose}", (1, (1 - limit) * 100), fontsize=8, ha="right",
                  xycoords=("axes fraction", "data"), xytext=(-2, -10), textcoords="offset points",
                  color=COLORS["FAIL"])  # fmt: skip
    if len(seen):
        share = (1 - seen["failed"] / seen["n"]) * 100
        axes.fill_between(seen["n"], (1 - seen["high"]) * 100, (1 - seen["low"]) * 100, color=COLORS["hera"],
                          alpha=0.22, linewidth=0, step="post")  # fmt: skip
        axes.plot(seen["n"], share, color=COLORS["hera"], linewidth=1.8, marker=".", clip_on=False)
        yaml = seen[seen["yaml_n"] > 0]
        good = (1 - yaml["yaml_failed"] / yaml["yaml_n"]) * 100
        axes.plot(yaml["n"], good, color=COLORS["yaml"], linewidth=1.2, linestyle=(0, (4, 3)), clip_on=False)
        axes.annotate("• hera   -- yaml", (0, 1), xycoords="axes fraction", fontsize=8, xytext=(4, 3),
                      textcoords="offset points", color=COLORS["ink"])  # fmt: skip
        for place, (percent, first) in enumerate(seen.groupby("percent", sort=False)["n"].first().items()):
            axes.axvline(float(first), color="#8a8f94", linewidth=0.9, linestyle=":")
            axes.annotate(f"{percent:g} %", (float(first), 0.02), xycoords=("data", "axes fraction"), fontsize=8,
                          xytext=(2, 10 * (place % 3)), textcoords="offset points", color=COLORS["ink"])  # fmt: skip
        axes.set_xlim(left=0)
    axes.set_ylim(max(0.0, min(100 - 300 * limit, float((1 - seen["high"].max()) * 100) if len(seen) else 100)), 101)
    axes.set_xlabel("workflows by Hera, in the order submitted", fontsize=9)
    axes.set_ylabel("succeeded, %", fontsize=9)
    bare(axes, "y")


def _times(axes: Axes, times: pd.DataFrame, increase: float, owner: str) -> None:
    rungs = sorted(times["percent"].unique())
    for path, shift, marker in (("yaml", -0.12, "o"), ("hera", 0.12, "D")):
        for row in times[(times["path"] == path) & (times["n"] > 0)].to_dict("records"):
            place = rungs.index(row["percent"]) + shift
            half = 1.96 * row["spread"] / sqrt(row["n"])
            low, high = exp(row["mean"] - half), exp(row["mean"] + half)
            axes.plot([place, place], [low, high], color=COLORS[path], linewidth=7, alpha=0.3)
            axes.scatter([place], [exp(row["mean"])], color=COLORS[path], s=40, marker=marker, zorder=3)
            axes.annotate(f"{row['n']:g}", (place, high), xytext=(0, 3), textcoords="offset points", fontsize=7,
                          ha="center", color=COLORS["ink"])  # fmt: skip
            if path == "yaml":
                top = exp(row["mean"]) * (1 + increase)
                axes.plot([place - 0.2, place + 0.45], [top, top], color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    whose = f" ({owner})" if owner else ""
    axes.annotate(f"● yaml   ◆ hera   -- {increase:+.0%} on yaml{whose}", (0, 1), xycoords="axes fraction", fontsize=8,
                  xytext=(4, 3), textcoords="offset points", color=COLORS["ink"])  # fmt: skip
    axes.set_xticks(range(len(rungs)), [f"{rung:g} %" for rung in rungs])
    axes.set_xlim(-0.6, max(1, len(rungs)) - 0.4)
    axes.set_ylim(bottom=0)
    axes.margins(y=0.25)
    axes.set_ylabel("seconds", fontsize=9)
    bare(axes, "y")


def _shares(axes: Axes, shares: pd.DataFrame) -> None:
    for place, row in enumerate(shares.to_dict("records")):
        axes.plot([place - 0.3, place + 0.3], [row["percent"], row["percent"]], color=COLORS["ink"], linewidth=1.4)
        if row["tasks"]:
            low, high = wilson(int(row["hera"]), int(row["tasks"]))
            axes.plot([place, place], [low * 100, high * 100], color=COLORS["hera"], linewidth=7, alpha=0.3)
            axes.scatter([place], [row["hera"] / row["tasks"] * 100], color=COLORS["hera"], s=40, marker="D", zorder=3)
        axes.annotate(f"{row['hera']:g} of {row['tasks']:g}", (place + 0.07, row["percent"]), xytext=(6, -10),
                      textcoords="offset points", fontsize=8, color=COLORS["ink"])  # fmt: skip
    axes.set_xticks(range(len(shares)), [f"{one:g} %" for one in shares["percent"]])
    axes.set_xlim(-0.6, max(1, len(shares)) - 0.4)
    axes.set_ylim(-3, 106)
    axes.set_xlabel("rung (line: the plan)", fontsize=9)
    axes.set_ylabel("tasks on Hera, %", fontsize=9)
    bare(axes, "y")
