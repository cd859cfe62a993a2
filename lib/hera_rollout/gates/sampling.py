"""Sample ratio: does the share of task keys on Hera, at each rung, agree with the percentage that was planned?

FAIL: the likelihood of a Beta mixture around the plan over the plan's own (the binomial case of Lindon and Malek's
sequential multinomial test, NeurIPS 2022, which is what sample-ratio checks use): any-time valid against "the share is
as planned". PASS: mixtures of likelihood ratios (:mod:`hera_rollout.gates.mixtures`) reject both "at least tolerance
too much" and "at least tolerance too little". Task keys come again on the next rung, so rungs are not independent: the
budget for FAIL is split over the rungs, and PASS asks each of them.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, xlog1py, xlogy

from hera_rollout.errors import Refused
from hera_rollout.gates.accumulating import counted, same_revision
from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.assessments import Assessment, decided, first_true, wait
from hera_rollout.gates.checks import Verdict, worst

BEYOND: Final = 700.0
"""The log of an e-value that something impossible has, such as a YAML task at 100 %: finite, so that it is JSON."""


@dataclass(frozen=True, kw_only=True)
class RungShare:
    """Task keys seen while the canary stood at one percentage, each counted once."""

    percent: float
    tasks: int = 0
    hera: int = 0

    def __add__(self, other: "RungShare") -> "RungShare":
        return RungShare(percent=self.percent, tasks=self.tasks + other.tasks, hera=self.hera + other.hera)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Sufficient statistics of the split, one row a rung."""

    code_revision: str
    rungs: tuple[RungShare, ...] = ()

    def __post_init__(self) -> None:
        for rung in self.rungs:
            counted(tasks=rung.tasks, hera=rung.hera, others=rung.tasks - rung.hera)
            if not 0 <= rung.percent / 100 <= 1:
                raise Refused(f"A rung of {rung.percent} % cannot be.", expected="0 to 100 percent.")

    def __add__(self, other: "Shares") -> "Shares":
        found: dict[float, RungShare] = {}
        for rung in (*self.rungs, *other.rungs):
            found[rung.percent] = found[rung.percent] + rung if rung.percent in found else rung
        rungs = tuple(found[percent] for percent in sorted(found))
        return Shares(code_revision=same_revision(self, other), rungs=rungs)


@dataclass(frozen=True, kw_only=True)
class SampleRatio:
    """The gate "the split is as planned".

    Attributes:
        alpha: this gate's budget, over all rungs.
        rungs: over how many rungs the budget is split: the ladder's length.
        tolerance: how far the true share may be from the plan for PASS; half the smaller side, at least 2 points, if 0.
        concentration: how near the plan the mixture looks; Beta(plan, 1 - plan) times this.
    """

    alpha: Alpha = field(default_factory=Alpha)
    rungs: int = 5
    tolerance: float = 0.0
    concentration: float = 100.0

    def __post_init__(self) -> None:
        if not (self.rungs >= 1 and 0 <= self.tolerance < 1 and self.concentration > 0):
            raise Refused(f"This gate cannot be used: {self}.", expected="rungs >= 1, 0 <= tolerance < 1.")

    @property
    def of_one(self) -> Alpha:
        """The budget of one rung."""
        return Alpha(passing=self.alpha.passing, failing=self.alpha.failing / self.rungs)

    def log_against(self, percent: float, tasks: ArrayLike, hera: ArrayLike) -> Any:
        """Log e-value against "the share is as planned"; works on arrays."""
        plan, k = percent / 100, np.asarray(hera, dtype=float)
        others = np.asarray(tasks, dtype=float) - k
        if plan in (0.0, 1.0):
            return np.where((k if plan == 0 else others) > 0, BEYOND, 0.0)
        a, b = self.concentration * plan, self.concentration * (1 - plan)
        mixed = betaln(k + a, others + b) - betaln(a, b)
        return np.minimum(mixed - xlogy(k, plan) - xlog1py(others, -plan), BEYOND)

    def log_for(self, percent: float, tasks: ArrayLike, hera: ArrayLike) -> Any:
        """Log e-value against "the share is off by the tolerance or more", on either side: the smaller of the two."""
        plan = percent / 100
        reach = self.tolerance or max(0.02, min(plan, 1 - plan) / 2)
        edges = [edge for edge in (plan - reach, plan + reach) if 0 < edge < 1]
        k, others = np.asarray(hera, dtype=float), np.asarray(tasks, dtype=float) - np.asarray(hera)
        sides = [xlogy(k, plan / edge) + xlogy(others, (1 - plan) / (1 - edge)) for edge in edges]
        return np.maximum(np.min(sides, axis=0), -BEYOND)

    def assess(self, seen: Shares, per_second: float = 0.0) -> Assessment:
        """Judge the rungs there are; ``per_second`` is the present rate of new task keys. The worst rung is shown."""
        judged = [self._one(rung, per_second) for rung in seen.rungs]
        if not judged:
            return self._one(RungShare(percent=50), per_second)
        verdict = worst(each.verdict for each in judged)
        return next(each for each in reversed(judged) if each.verdict is verdict)

    def _one(self, rung: RungShare, per_second: float) -> Assessment:
        pro = float(self.log_for(rung.percent, rung.tasks, rung.hera))
        contra = float(self.log_against(rung.percent, rung.tasks, rung.hera))
        verdict = decided(pro, contra, self.of_one)
        more = self._more(rung) if verdict is Verdict.HOLD else 0.0
        return Assessment(
            verdict=verdict, unit="task keys", have=rung.tasks, needed=None if more is None else rung.tasks + more,
            seconds=0.0 if verdict is not Verdict.HOLD else wait(more, per_second), log_for=pro, log_against=contra,
            alpha=self.of_one, estimate=rung.hera / rung.tasks if rung.tasks else None, low=None, high=None,
            limit=rung.percent / 100,
        )  # fmt: skip

    def _more(self, rung: RungShare) -> float | None:
        share = rung.hera / rung.tasks if rung.tasks else rung.percent / 100

        def decides(more: float) -> bool:
            n, k = rung.tasks + more, rung.hera + share * more
            logs = float(self.log_for(rung.percent, n, k)), float(self.log_against(rung.percent, n, k))
            return decided(*logs, self.of_one) is not Verdict.HOLD

        return first_true(decides)
