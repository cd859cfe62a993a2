"""Means with their spread, and one-sided any-time evidence on the clock of statistical information.

An estimate d with standard error s carries information V = 1/s^2. As evidence grows, d*V behaves like a Brownian motion
with drift (d's true value) on the clock V, whatever the shares of the two arms are and however they change from rung to
rung (Scharfstein, Tsiatis, Robins, "Semiparametric efficiency and its implication on the design and analysis of
group-sequential studies", JASA 92, 1997). Mixing exp(t S - t^2 V / 2) over a half-normal t with scale tau gives

    e = 2 (1 + r)^(-1/2) exp(r z^2 / (2 (1 + r))) Phi(z sqrt(r / (1 + r))),    r = tau^2 V,  z = (d - m) / s

against "the true value is at most m" (Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", Ann. Statist. 49, 2021, one-sided normal mixture). With estimated spread it is the
one-sided asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit
theory and asymptotic confidence sequences", Ann. Statist. 52, 2024: valid for large samples, hence the burn-in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr

from hera_rollout.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Number, mean and sum of squared deviations: all that a mean and its error need."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Moments":
        """The moments of these values."""
        found = np.fromiter(values, dtype=float)
        if not np.isfinite(found).all():
            raise Refused("Some of the values are not finite numbers.", expected="measured values only.")
        if not found.size:
            return cls()
        mean = float(found.mean())
        return cls(n=found.size, mean=mean, squares=float(((found - mean) ** 2).sum()))

    @classmethod
    def of_logs(cls, values: Iterable[float]) -> "Moments":
        """The moments of the logarithms; a value of zero or below is refused."""
        found = np.fromiter(values, dtype=float)
        if found.size and not found.min() > 0:
            raise Refused(f"A value of {found.min()} has no logarithm.", expected="values above zero.")
        return cls.of(np.log(found))

    def __add__(self, other: "Moments") -> "Moments":
        """Both together (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983)."""
        n = self.n + other.n
        if not (self.n and other.n):
            return self if self.n else other
        gap = other.mean - self.mean
        squares = self.squares + other.squares + gap * gap * self.n * other.n / n
        return Moments(n=n, mean=self.mean + gap * other.n / n, squares=squares)


def error_of_difference(n1: ArrayLike, squares1: ArrayLike, n2: ArrayLike, squares2: ArrayLike, floor: float) -> Any:
    """Squared standard error of a difference of two means: the larger of Welch's and the pooled one.

    In a small arm of skewed values a mean that is too low comes with a spread that is too small, and Welch's error
    alone then passes far too often at 10 % (measured: 13 % in place of 5 %); the pooled error takes the large arm's
    spread. The larger of both is safe when the arms' spreads differ, too. ``floor`` is the least spread believed.
    """
    a, b, s, t = (np.asarray(x, dtype=float) for x in (n1, n2, squares1, squares2))
    first, second = (np.maximum(x / np.maximum(n - 1, 1), floor**2) for x, n in ((s, a), (t, b)))
    pooled = np.maximum((s + t) / np.maximum(a + b - 2, 1), floor**2)
    return np.maximum(first / a + second / b, pooled * (1 / a + 1 / b))


def log_half_normal(z: ArrayLike, r: ArrayLike) -> Any:
    """Log of the one-sided normal mixture at standardised distance z and relative information r = tau^2 V."""
    z, r = np.asarray(z, dtype=float), np.asarray(r, dtype=float)
    share = r / (1 + r)
    return log(2) - 0.5 * np.log1p(r) + 0.5 * share * z * z + log_ndtr(z * np.sqrt(share))


def reach(r: float, alpha: float) -> float:
    """How many standard errors away a value must be for its e-value to reach 1/alpha."""
    from scipy.optimize import brentq

    # At z the log is at least -log1p(r)/2 + share z^2/2, which gives the upper end of the search.
    top = sqrt(2 * (1 + r) / r * (0.5 * np.log1p(r) - log(alpha) + 1)) + 1
    return float(brentq(lambda z: float(log_half_normal(z, r)) + log(alpha), -top, top))
