"""E-processes for a rate against a limit: mixtures of likelihood ratios over alternatives on one side of the limit.

For k failures in n workflows and a point q, the ratio is (q/p0)^k ((1-q)/(1-p0))^(n-k). With q below the limit p0 its
expectation per workflow, 1 + (p0-p)(p0-q)/(p0(1-p0)) taken at the true rate p, is at most 1 for every p >= p0, and
likewise with q above p0 for every p <= p0. So each ratio, and each weighted mean of ratios, is a supermartingale under
the whole composite null, also when the rate wanders inside it. By Ville's inequality it ever reaches 1/alpha with
probability at most alpha, however often one looks.

Sources: Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Statist. 41 (1970);
Ramdas, Grunwald, Vovk, Shafer, "Game-theoretic statistics and safe anytime-valid inference", Statist. Sci. 38 (2023).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

Mixture = tuple[tuple[float, float], ...]
"""Points and weights. Weights need not sum to 1; they are normalised."""
Floats = NDArray[np.float64]

REFERENCE_LIMIT: Final = 0.01
PASS_POINTS: Final[Mixture] = (
    (0.00001, 0.40), (0.0005, 0.15), (0.001, 0.15), (0.002, 0.10), (0.003, 0.08), (0.005, 0.07), (0.007, 0.05),
)  # fmt: skip
"""Design B's alternatives for "the rate is below the limit", at a limit of 1 %."""
FAIL_POINTS: Final[Mixture] = (
    (0.015, 0.16), (0.02, 0.16), (0.03, 0.16), (0.05, 0.16), (0.1, 0.14), (0.2, 0.10), (0.5, 0.08), (0.95, 0.04),
)  # fmt: skip
"""Design B's alternatives for "the rate is above the limit", at a limit of 1 %."""


def at_limit(points: Mixture, limit: float, made_for: float = REFERENCE_LIMIT) -> Mixture:
    """Move alternatives made for one limit to another: their odds keep their ratio to the limit's odds."""
    factor = (limit / (1 - limit)) / (made_for / (1 - made_for))
    if factor == 1.0:
        return points
    moved = ((point / (1 - point) * factor, weight) for point, weight in points)
    return tuple((odds / (1 + odds), weight) for odds, weight in moved)


def log_weights(mixture: Mixture) -> Floats:
    """The logarithms of the weights, made to sum to 1."""
    weights = np.array([weight for _, weight in mixture], dtype=float)
    return np.asarray(np.log(weights / weights.sum()))


def points_of(mixture: Mixture) -> Floats:
    """The mixture's points."""
    return np.array([point for point, _ in mixture], dtype=float)


def log_evidence(mixture: Mixture, limit: float, trials: ArrayLike, failures: ArrayLike) -> Any:
    """Log of the e-process against "the rate is on the other side of the limit" after so many trials and failures.

    Works on numbers and on arrays; failures may be fractional, as a forecast needs them.
    """
    points = points_of(mixture)
    per_failure, per_success = np.log(points / limit), np.log1p(-points) - np.log1p(-limit)
    failed, good = np.asarray(failures, dtype=float), np.asarray(trials, dtype=float) - np.asarray(failures)
    terms = np.multiply.outer(failed, per_failure) + np.multiply.outer(good, per_success)
    return logsumexp(terms + log_weights(mixture), axis=-1)


def log_evidence_counts(mixture: Mixture, limit: float, exposure: ArrayLike, events: ArrayLike) -> Any:
    """The same for events that are counted over an exposure: (q/p0)^k exp(-(q-p0) n), the mixture's points as rates.

    Exact for Poisson counts, and conservative where each unit of exposure has one event at most, since
    1 + p(q/p0 - 1) <= exp(p(q/p0 - 1)) for Bernoulli outcomes on either side of the limit.
    """
    points = points_of(mixture)
    terms = np.multiply.outer(np.asarray(events, dtype=float), np.log(points / limit))
    terms = terms - np.multiply.outer(np.asarray(exposure, dtype=float), points - limit)
    return logsumexp(terms + log_weights(mixture), axis=-1)
