"""Resources by alternating windows: neighbouring windows with the flag on and off, compared pair by pair.

Each pair gives x = log(hera / yaml) - m. If x is symmetric about some point at or below zero, given what came before,
then exp(t x - t^2 x^2 / 2) has expectation at most 1 for every t > 0: for x and its mirror image the two values sum to
at most 2, and a shift downwards only lowers them (de la Pena, "A general class of exponential inequalities for
martingales and ratios", Ann. Probab. 27, 1999). A mean over several t is one any-time e-process that needs no burn-in,
knows no spread, and rests on the sum of x and of x^2 alone. Symmetry is what tossing a coin for which window of a pair
comes first is for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import expm1, log, log1p
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from hera_rollout.errors import Refused
from hera_rollout.gates.accumulating import counted, same_revision
from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.assessments import Assessment, decided, first_true, wait
from hera_rollout.gates.checks import Verdict
from hera_rollout.gates.information import Moments

BETS: Final = (0.2, 0.6, 1.8, 5.4, 10.8)
"""The values of t. The best one is mean/mean square of x: 1/margin = 10.5 for windows without noise, less with it."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Sufficient statistics of paired windows: moments of log(hera / yaml), one value a pair."""

    code_revision: str
    log_ratios: Moments = field(default_factory=Moments)

    def __post_init__(self) -> None:
        counted(pairs=self.log_ratios.n)

    @classmethod
    def of(cls, code_revision: str, pairs: Iterable[tuple[float, float]]) -> "Windows":
        """From pairs of figures, Hera's first: such as CPU-seconds a submission, or the working set."""
        found = list(pairs)
        if any(not (hera > 0 and yaml > 0) for hera, yaml in found):
            raise Refused(f"A window's figure is not above zero: {found}.", expected="two measured figures a pair.")
        return cls(code_revision=code_revision, log_ratios=Moments.of(log(hera / yaml) for hera, yaml in found))

    def __add__(self, other: "Windows") -> "Windows":
        return Windows(code_revision=same_revision(self, other), log_ratios=self.log_ratios + other.log_ratios)


def log_symmetric(total: ArrayLike, squares: ArrayLike) -> Any:
    """Log of the e-process from the sum of x and the sum of x^2, against "symmetric about zero or below"."""
    bets = np.array(BETS)
    terms = np.multiply.outer(np.asarray(total, dtype=float), bets)
    terms = terms - np.multiply.outer(np.asarray(squares, dtype=float), bets**2 / 2)
    return logsumexp(terms, axis=-1) - log(len(BETS))


@dataclass(frozen=True, kw_only=True)
class NotMore:
    """The gate "CPU and memory are not more than 10 % up" on paired windows: any-time, exact under symmetry.

    Attributes:
        increase: how much more is still good.
        alpha: this gate's budget.
        least_pairs: how many pairs there must be before any verdict.
    """

    increase: float = 0.10
    alpha: Alpha = field(default_factory=Alpha)
    least_pairs: int = 5

    def __post_init__(self) -> None:
        if not (self.increase > 0 and self.least_pairs >= 1):
            raise Refused(f"This gate cannot be used: {self}.", expected="increase above 0, least_pairs of 1 or more.")

    def logs(self, pairs: float, mean: float, squares: float) -> tuple[float, float]:
        """Log e-values for PASS and FAIL from moments of log(hera / yaml)."""
        shift = mean - log1p(self.increase)
        total, about_limit = pairs * shift, squares + pairs * shift * shift
        return float(log_symmetric(-total, about_limit)), float(log_symmetric(total, about_limit))

    def assess(self, seen: Windows, per_second: float = 0.0) -> Assessment:
        """Judge what was seen; ``per_second`` is the present rate of pairs."""
        moments = seen.log_ratios
        n, few = moments.n, moments.n < self.least_pairs
        pro, contra = self.logs(n, moments.mean, moments.squares)
        verdict = Verdict.HOLD if few else decided(pro, contra, self.alpha)
        more = self._more(moments) if verdict is Verdict.HOLD else 0.0
        return Assessment(
            verdict=verdict, unit="pairs of windows", have=n, needed=None if more is None else n + more,
            seconds=0.0 if verdict is not Verdict.HOLD else wait(more, per_second), log_for=pro, log_against=contra,
            alpha=self.alpha, estimate=expm1(moments.mean) if n else None, low=None, high=None, limit=self.increase,
            waiting=f"{self.least_pairs} pairs of windows (now {n})" if few else "",
        )  # fmt: skip

    def _more(self, moments: Moments) -> float | None:
        if not moments.n:
            return None

        def decides(more: float) -> bool:
            share = (moments.n + more) / moments.n
            logs = self.logs(moments.n * share, moments.mean, moments.squares * share)
            return moments.n + more >= self.least_pairs and decided(*logs, self.alpha) is not Verdict.HOLD

        return first_true(decides)
