"""Plots that archive well: matplotlib, one size, the limit and n written into the picture."""

import io
from typing import Final

import matplotlib
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


def _finish(figure: Figure, title: str, frame: pd.DataFrame, alt: str) -> None:
    """Show a figure as PNG with the numbers behind it and a text for those who cannot see it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, bbox_inches="tight")
    evidence = {"kind": "plot", "title": title, "rows": rows(frame)}
    display(Image(data=buffer.getvalue(), alt=alt, metadata={"alt": alt}), metadata={EVIDENCE_KEY: evidence})


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
    axes.grid(axis="x", color="#e3e5e7")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    handles = [
        axes.scatter([], [], color=COLORS["yaml"], s=54, label="yaml (flag off)"),
        axes.scatter([], [], color=COLORS["hera"], s=54, marker="D", label="hera (flag on)"),
    ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, frameon=False)
    _finish(figure, title, data, f"{title}: yaml beside hera, in seconds")
