"""What a target demands of its success gate, and the refusal of a gate that does not meet it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from hera_rollout.errors import Refused
from hera_rollout.gates.rehearsal.crossing import Boundary, Crossing, bound
from hera_rollout.gates.rung import LADDER
from hera_rollout.gates.success import SuccessRate

RATES: Final = (0.0, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)
"""True failure rates that a rehearsal shows by default."""


@dataclass(frozen=True, kw_only=True)
class Demands:
    """A target's own limits on its gate.

    Attributes:
        false_alarms: at most this chance of FAIL anywhere up to the limit, over the whole horizon.
        false_passes: at most this chance of PASS anywhere from the limit up.
        bad_rate: a failure rate that must not go unnoticed.
        misses: at most this chance that it does.
        within: how many Hera workflows the gate has to notice it.
    """

    false_alarms: float = 0.05
    false_passes: float = 0.05
    bad_rate: float = 0.05
    misses: float = 0.10
    within: int = 1_000


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """The success gate as configured, over true failure rates: looked at after every workflow, which is the worst case.

    Attributes:
        gate: the gate.
        horizon: how many Hera workflows the rollout may take.
        rung_workflows: how many workflows, both paths together, each rung of the ladder sees.
        ladder: the ladder's percentages.
    """

    gate: SuccessRate = field(default_factory=SuccessRate)
    horizon: int = 5_000
    rung_workflows: int = 1_000
    ladder: tuple[int, ...] = LADDER

    def crossing(self, rate: float) -> Crossing:
        """The exact chances at one true rate."""
        return Crossing.exact(Boundary.of(self.gate, self.horizon), rate)

    def rates(self, rates: Sequence[float] = RATES) -> pd.DataFrame:
        """One row a true rate: chances of each verdict, false alarms, misses, and when it is decided."""
        return pd.DataFrame([self._row(rate) for rate in rates])

    def _row(self, rate: float) -> dict[str, Any]:
        crossing = self.crossing(rate)
        passed, failed = float(crossing.passed.sum()), float(crossing.failed.sum())
        alpha = self.gate.alpha
        least = bound(rate, self.gate.limit, alpha.passing if rate < self.gate.limit else alpha.failing)
        median = crossing.quantile(0.5)
        return {
            "true rate": rate,
            "PASS": passed,
            "FAIL": failed,
            "HOLD": max(0.0, 1 - passed - failed),
            "false alarm": failed if rate <= self.gate.limit else 0.0,
            "false pass": passed if rate >= self.gate.limit else 0.0,
            "miss": max(0.0, 1 - failed) if rate > self.gate.limit else 0.0,
            "median workflows": median,
            "90 % of rollouts": crossing.quantile(0.9),
            "bound": least,
            "median / bound": median / least,
        } | self.on_ladder(median)

    def on_ladder(self, hera_workflows: float) -> dict[str, float]:
        """Where on the ladder so many Hera workflows are reached, and what share of tasks has seen Hera by then."""
        by_rung = np.cumsum([percent / 100 * self.rung_workflows for percent in self.ladder])
        position = int(np.searchsorted(by_rung, hera_workflows))
        if position >= len(self.ladder):
            return {"all workflows": np.nan, "rung": np.nan, "tasks that saw Hera": np.nan}
        before = by_rung[position - 1] if position else 0.0
        percent = self.ladder[position]
        total = position * self.rung_workflows + (hera_workflows - before) / (percent / 100)
        # Each rung contains the ones before, so the share of tasks that saw Hera is the rung's own.
        return {"all workflows": float(np.ceil(total)), "rung": percent, "tasks that saw Hera": percent / 100}

    def refuse_if_misses(self, demands: Demands) -> pd.DataFrame:
        """Refuse a gate that misses a target's own limits, before the rollout starts; else return the figures."""
        frame = self.figures(demands)
        missed = frame[frame["figure"] > frame["limit"]]
        if len(missed):
            raise Refused(
                "The success gate misses this target's limits: "
                + "; ".join(f"{row.what} is {row.figure:.1%}, at most {row.limit:.1%}" for row in missed.itertuples()),
                expected="a gate that meets every limit in the rehearsal.",
                why="A gate that cries wolf is switched off, and one that sleeps lets failures through.",
                todo="Raise `within` or the bad rate, or change the gate's weights or alpha; then rehearse again.",
                evidence=frame.to_dict("records"),
            )
        return frame

    def figures(self, demands: Demands) -> pd.DataFrame:
        """Each limit beside the gate's figure, in the worst case inside what the limit is about."""
        limit, inside = self.gate.limit, np.linspace(0.2, 1.0, 9)
        alarms = max(float(self.crossing(limit * share).failed.sum()) for share in inside)
        passes = max(float(self.crossing(limit / share).passed.sum()) for share in inside if limit / share < 1)
        noticed = float(self.crossing(demands.bad_rate).failed[: demands.within + 1].sum())
        rows = [
            ("false alarms at or below the limit", alarms, demands.false_alarms),
            ("false PASS at or above the limit", passes, demands.false_passes),
            (
                f"misses of {demands.bad_rate:.1%} failures in {demands.within} workflows",
                max(0.0, 1 - noticed),
                demands.misses,
            ),
        ]
        return pd.DataFrame(rows, columns=["what", "figure", "limit"])
