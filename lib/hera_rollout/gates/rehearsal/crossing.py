"""Exact chances of the success gate's verdicts: no simulation, and so no error of simulation.

After n workflows the gate knows only k, the failures. PASS rises with n for a given k, FAIL falls, so both are
boundaries in k; the chance of being at each k between them follows from workflow to workflow (Armitage, McPherson,
Rowe, "Repeated significance tests on accumulating data", J. R. Statist. Soc. A 132, 1969).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import inf, log

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from hera_rollout.gates.mixtures import Floats, log_evidence
from hera_rollout.gates.success import SuccessRate

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Boundary:
    """Failures at which the gate decides after n workflows, for n from 0 to the horizon.

    Attributes:
        passing: PASS with so many failures or fewer; -1 where none are few enough.
        failing: FAIL with so many or more; above n where none are enough.
    """

    passing: Ints
    failing: Ints

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, gate: SuccessRate, horizon: int) -> "Boundary":
        """The boundary of a gate that is looked at after every workflow."""
        k = np.arange(min(horizon, int(4 * gate.limit * horizon) + 400) + 1)

        def least(decides: Callable[[Ints], NDArray[np.bool_]]) -> Ints:
            low, high = k - 1, np.full_like(k, horizon + 1)
            while (high - low > 1).any():
                middle = (low + high) // 2
                low, high = np.where(decides(middle), low, middle), np.where(decides(middle), middle, high)
            return high

        to_pass, to_fail = -log(gate.alpha.passing), -log(gate.alpha.failing)
        first_pass = least(lambda n: np.asarray(log_evidence(gate.passing, gate.limit, n, k) >= to_pass))
        past_fail = least(lambda n: np.asarray(log_evidence(gate.failing, gate.limit, n, k) < to_fail))
        n = np.arange(horizon + 1)
        passing = np.searchsorted(first_pass, n, side="right") - 1
        return cls(passing=passing, failing=np.searchsorted(past_fail, n, side="right"))

    def verdicts(self, failures: Ints) -> tuple[Ints, Ints]:
        """When each row of running failure counts first meets PASS and FAIL: workflows, or 0 for never."""
        n = np.arange(1, failures.shape[-1] + 1)
        met = (failures <= self.passing[n], failures >= self.failing[n])
        passed, failed = (np.where(hit.any(-1), hit.argmax(-1) + 1, 0) for hit in met)
        return passed, failed


@dataclass(frozen=True)
class Crossing:
    """Chances that the gate first decides at exactly n workflows, at one true failure rate.

    Attributes:
        rate: the true rate.
        passed: chance of PASS at n, for n from 0 to the horizon.
        failed: chance of FAIL at n.
    """

    rate: float
    passed: Floats
    failed: Floats

    @classmethod
    def exact(cls, boundary: Boundary, rate: float) -> "Crossing":
        """Follow the chances of every count of failures, workflow by workflow."""
        size = boundary.passing.size
        passed, failed = np.zeros(size), np.zeros(size)
        chances, lowest = np.ones(1), 0
        for n in range(1, size):
            grown = np.zeros(chances.size + 1)
            grown[:-1] += chances * (1 - rate)
            grown[1:] += chances * rate
            # Only counts strictly between the two boundaries go on.
            start = min(max(boundary.passing[n] + 1 - lowest, 0), grown.size)
            stop = max(min(boundary.failing[n] - lowest, grown.size), start)
            passed[n], failed[n] = grown[:start].sum(), grown[stop:].sum()
            chances, lowest = grown[start:stop], lowest + int(start)
        return cls(rate=rate, passed=passed, failed=failed)

    def quantile(self, share: float, *, of: str = "both") -> float:
        """After how many workflows that share of rollouts is decided: by either verdict, or ``passed``, ``failed``."""
        chances = self.passed + self.failed if of == "both" else getattr(self, of)
        reached = np.cumsum(chances) >= share - 1e-12
        return float(reached.argmax()) if reached.any() else inf


def bound(rate: float, limit: float, alpha: float) -> float:
    """The least workflows any such test needs on average: ln(1/alpha) / KL(rate || limit) (Wald, 1945)."""
    distance = float(rel_entr(rate, limit) + rel_entr(1 - rate, 1 - limit))
    return -log(alpha) / distance if distance else inf
