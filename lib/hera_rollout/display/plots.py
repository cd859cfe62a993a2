"""Plots that archive well: matplotlib, one size, the limit and n written into the picture."""

import io
from collections.abc import Mapping
from typing import Final, Literal

import matplotlib
import numpy as np
import pandas as pd
from IPython.display import Image, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hera_rollout.display.outputs import EVIDENCE_KEY
from hera_rollout.display.palette import COLORS
from hera_rollout.display.tables import rows

matplotlib.use("agg")

SIZE: Final = (7.2, 3.4)
"""Inches, the same for every plot so that records line up, and readable at phone width."""


def finish(figure: Figure, title: str, frame: pd.DataFrame, alt: str) -> None:
    """Show a figure as PNG with the numbers behind it and a text for those who cannot see it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight")
    evidence = {"kind": "plot", "title": title, "rows": rows(frame)}
    display(Image(data=buffer.getvalue(), alt=alt, metadata={"alt": alt}), metadata={EVIDENCE_KEY: evidence})


def bare(axes: Axes, grid: Literal["x", "y"], *also: str) -> None:
    """Grid lines behind the data along one axis, and no frame: neither at the top, nor right, nor where `also` says."""
    axes.grid(axis=grid, color="#e3e5e7")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", *also]].set_visible(False)


def _pair(axes: Axes, row: int, before: float, after: float) -> None:
    """One scenario: YAML and Hera joined by a line, so that the eye reads the change."""
    axes.plot([before, after], [row, row], color="#8a8f94", linewidth=1.5, zorder=1)
    axes.scatter([before], [row], color=COLORS["yaml"], s=54, zorder=2)
    axes.scatter([after], [row], color=COLORS["hera"], s=54, zorder=2, marker="D")


def durations_by_path(frame: pd.DataFrame) -> None:
    """Plot each scenario's duration by the YAML path against the same by the Hera path.

    Args:
        frame: columns ``scenario``, ``yaml_seconds``, ``hera_seconds``; one row a scenario, seconds.
    """
    data = frame.dropna(subset=["yaml_seconds", "hera_seconds"]).reset_index(drop=True)
    title = f"Duration of each scenario by path (n = {len(data)} scenarios, one run a path)"
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    for row, (before, after) in enumerate(zip(data["yaml_seconds"], data["hera_seconds"], strict=True)):
        _pair(axes, row, float(before), float(after))
    axes.set_yticks(range(len(data)), [str(name) for name in data["scenario"]])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds, from request to the scenario's end")
    axes.set_title(title, loc="left", fontsize=10)
    bare(axes, "x", "left")
    axes.tick_params(axis="y", length=0)
    handles = [
        axes.scatter([], [], color=COLORS["yaml"], s=54, label="yaml (flag off)"),
        axes.scatter([], [], color=COLORS["hera"], s=54, marker="D", label="hera (flag on)"),
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
    finish(figure, title, data, f"{title}: yaml beside hera, in seconds")


def times_by_path(frame: pd.DataFrame, limit: float, owner: str) -> None:
    """Plot the seconds of every workflow and of every answer by path, with the most that Hera may take.

    Args:
        frame: columns ``path``, ``seconds``, ``answer_seconds``, ``problem``; one row a submission.
        limit: how much slower is still good, such as 0.10.
        owner: whose limit it is.
    """
    good = frame[frame["problem"] == ""]
    counts = {path: int((good["path"] == path).sum()) for path in ("yaml", "hera")}
    title = f"Times by path (n = {counts['yaml']} by yaml, {counts['hera']} by hera)"
    figure = Figure(figsize=SIZE)
    for axes, column, words in zip(
        figure.subplots(1, 2), ("seconds", "answer_seconds"), ("workflow, start to end", "answer to the submission"),
        strict=True,
    ):  # fmt: skip
        _strip(axes, good, column, limit)
        axes.set_xlabel(f"seconds: {words}", fontsize=9)
    figure.suptitle(f"{title}\nline: yaml's geometric mean {limit:+.0%}, the most allowed (limit: {owner})",
                    fontsize=10, x=0.02, ha="left")  # fmt: skip
    figure.tight_layout()
    finish(figure, title, good[["path", "seconds", "answer_seconds"]], f"{title}: each submission a point, in seconds")


def _strip(axes: Axes, frame: pd.DataFrame, column: str, limit: float) -> None:
    """One figure: a row of points a path, its geometric mean as a bar, and the limit as a line."""
    means = {}
    for place, path in enumerate(("yaml", "hera")):
        values = frame[frame["path"] == path][column].dropna()
        values = values[values > 0]
        if values.empty:
            continue
        offsets = [place + 0.24 * ((number * 0.618) % 1 - 0.5) for number in range(len(values))]
        axes.scatter(values, offsets, color=COLORS[path], s=26, alpha=0.7, marker="o" if path == "yaml" else "D")
        means[path] = float(np.exp(np.log(values).mean()))
        axes.plot([means[path]] * 2, [place - 0.3, place + 0.3], color=COLORS[path], linewidth=2.5)
        axes.annotate(f"{means[path]:.2f} s", (means[path], place - 0.34), fontsize=8, ha="center", color=COLORS["ink"])
    if "yaml" in means:
        axes.axvline(means["yaml"] * (1 + limit), color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    axes.set_yticks([0, 1], ["yaml", "hera"])
    axes.set_ylim(1.5, -0.6)
    axes.set_xlim(left=0)
    bare(axes, "x", "left")


def resources_by_path(pairs: Mapping[str, list[tuple[float, float]]], limit: float, owner: str) -> None:
    """Plot each pair of neighbouring windows as Hera's figure over YAML's, with the most allowed.

    Args:
        pairs: by figure, such as ``cpu``: (hera, yaml) a pair of windows.
        limit: how much more is still good, such as 0.10.
        owner: whose limit it is.
    """
    data = pd.DataFrame(
        [
            {"figure": name, "pair": number + 1, "change": hera / yaml - 1}
            for name, found in pairs.items()
            for number, (hera, yaml) in enumerate(found)
        ],
        columns=["figure", "pair", "change"],
    )
    title = f"Resources of the service, hera against yaml (n = {data['pair'].nunique()} pairs of windows)"
    figure = Figure(figsize=(SIZE[0], 2.4))
    axes = figure.subplots()
    for place, name in enumerate(pairs):
        mine = data[data["figure"] == name]["change"]
        axes.scatter(mine * 100, [place] * len(mine), color=COLORS["hera"], s=40, marker="D")
        if not mine.empty:
            axes.annotate(f"mean {mine.mean():+.0%}", (mine.mean() * 100, place - 0.2), fontsize=8, ha="center")
    axes.axvline(0, color=COLORS["yaml"], linewidth=1.5)
    axes.annotate("yaml", (0, -0.62), fontsize=8, color=COLORS["ink"], ha="center")
    axes.axvline(limit * 100, color=COLORS["FAIL"], linestyle="--", linewidth=1.2)
    axes.annotate(f"limit {limit:+.0%} ({owner})", (limit * 100, -0.62), fontsize=8, color=COLORS["FAIL"], ha="center")
    axes.set_yticks(range(len(pairs)), list(pairs))
    axes.set_ylim(len(pairs) - 0.5, -0.8)
    axes.set_xlabel("more by hera, %")
    axes.set_title(title, loc="left", fontsize=10, pad=14)
    bare(axes, "x", "left")
    finish(figure, title, data, f"{title}: each pair a point, in percent more by hera")
