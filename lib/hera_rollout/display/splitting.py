"""What the guide's coin does to tasks that are rerun, beside the split: a table and a plot."""

import pandas as pd
from matplotlib.figure import Figure

from hera_rollout.display.palette import COLORS
from hera_rollout.display.plots import SIZE, bare, finish
from hera_rollout.display.tables import table
from hera_rollout.split import CoinToss


def coin_toss_frame(found: CoinToss) -> pd.DataFrame:
    """One row a rule: what it does at first, at the first rerun, and after the last."""
    reruns = len(found.moved_by_coin)
    rules = (
        (
            f"the guide: random() < {found.percent / 100:g}",
            found.hera_by_coin,
            found.flipped_by_coin,
            found.moved_by_coin,
        ),
        ("the split: a hash of the task's id", found.hera_by_split, found.flipped_by_split, found.moved_by_split),
    )
    return pd.DataFrame(
        [
            {
                "which path": rule,
                "tasks": found.tasks,
                "by Hera at first": _share(hera, found.tasks),
                "on the other path at the first rerun": _share(len(flipped), found.tasks),
                f"on both paths within {reruns} reruns": _share(moved[-1], found.tasks),
                "such as": ", ".join(flipped[:3]),
            }
            for rule, hera, flipped, moved in rules
        ]
    )


def coin_toss(found: CoinToss) -> None:
    """Show it: the table, then how many tasks have changed path after each rerun."""
    table(coin_toss_frame(found), f"Real tasks, rerun at {found.percent:g} % (nothing is submitted; seed {found.seed})")
    title = f"Tasks that were on both paths, at {found.percent:g} % (n = {found.tasks} tasks, seed {found.seed})"
    data = pd.DataFrame(
        {
            "rerun": range(1, len(found.moved_by_coin) + 1),
            "by coin, %": [moved / found.tasks * 100 for moved in found.moved_by_coin],
            "by split, %": [moved / found.tasks * 100 for moved in found.moved_by_split],
        }
    )
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    for column, color, marker, words in (
        ("by coin, %", COLORS["FAIL"], "o", "the guide's coin"),
        ("by split, %", COLORS["PASS"], "D", "the split"),
    ):
        axes.plot(data["rerun"], data[column], color=color, marker=marker, linewidth=1.8, clip_on=False)
        axes.annotate(f"{words}: {data[column].iloc[-1]:.0f} %", (data["rerun"].iloc[-1], data[column].iloc[-1]),
                      xytext=(-4, 8), textcoords="offset points", fontsize=9, ha="right", color=color)  # fmt: skip
    axes.set_xticks(list(data["rerun"]))
    axes.set_ylim(0, max(10.0, float(data["by coin, %"].max()) * 1.25))
    axes.set_xlabel("reruns of each task")
    axes.set_ylabel("% of tasks")
    axes.set_title(title, loc="left", fontsize=10)
    bare(axes, "y")
    finish(figure, title, data, f"{title}: the coin's share grows with each rerun, the split's stays at none")


def _share(count: int, tasks: int) -> str:
    return f"{count} ({count / tasks:.1%})"
