"""Errors of two arms: no increase in counts such as failed requests or error lines, whatever each arm's share is.

Given that an error happened, it is Hera's with probability r s / (r s + 1 - s), where r is Hera's error rate over
YAML's and s Hera's share of the exposure: YAML's own rate, and how it wanders over the day, drops out. So each error
is a bet on r, and a mixture of likelihood ratios is any-time valid for the whole composite null on one side of the
limit (the counts test of Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, used in
Netflix's "Sequential A/B testing keeps the world streaming", part 2).

With no errors at all in either arm that test never decides. A rate of Hera's own below ``floor`` counts as no increase,
whatever YAML's is: "increase" means above the floor and above the ratio. PASS needs either shown false (the mean of the
two e-processes is valid where both hold); FAIL needs both shown true (the smaller one is valid where either fails).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from hera_rollout.errors import Refused
from hera_rollout.gates.accumulating import counted, same_revision
from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.assessments import Assessment, decided, first_true, wait
from hera_rollout.gates.checks import Verdict
from hera_rollout.gates.mixtures import Mixture, log_evidence_counts, log_weights, points_of

STEPS: Final = 400
"""Shares are kept in 400 steps, odd ones for a share between two of 200 marks: state stays bounded."""
LESS: Final[Mixture] = ((0.01, 1.0), (0.2, 1.0), (0.4, 1.0), (0.6, 1.0), (0.8, 1.0))
"""What PASS bets on: Hera's rate as multiples of the limit."""
MORE: Final[Mixture] = ((1.25, 1.0), (1.6, 1.0), (2.5, 1.0), (5.0, 1.0), (20.0, 1.0), (100.0, 1.0))
"""What FAIL bets on, likewise."""


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Errors and exposures of both paths.

    Attributes:
        code_revision: what code they are about.
        hera: Hera's exposure: requests, submissions or workflows.
        yaml: YAML's.
        rows: (step of Hera's share, Hera's errors, YAML's errors), one row a step that had an error.
    """

    code_revision: str
    hera: int = 0
    yaml: int = 0
    rows: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        counted(hera=self.hera, yaml=self.yaml)
        for step, mine, theirs in self.rows:
            counted(step=step, hera_errors=mine, yaml_errors=theirs)
            if step > STEPS:
                raise Refused(f"A share's step of {step} cannot be.", expected=f"0 to {STEPS}.")

    @classmethod
    def between(cls, code_revision: str, exposure: tuple[int, int], errors: tuple[int, int]) -> "Errors":
        """What happened between two looks, Hera's figure first in each pair; add it to what there is."""
        share = 100 * 2 * exposure[0] / sum(exposure) if sum(exposure) else 0.0
        rows = ((floor(share) + ceil(share), *errors),) if any(errors) else ()
        return cls(code_revision=code_revision, hera=exposure[0], yaml=exposure[1], rows=rows)

    def __add__(self, other: "Errors") -> "Errors":
        both: Counter[tuple[int, str]] = Counter()
        for step, mine, theirs in (*self.rows, *other.rows):
            both.update({(step, "hera"): mine, (step, "yaml"): theirs})
        rows = tuple((step, both[step, "hera"], both[step, "yaml"]) for step in sorted({step for step, _ in both}))
        return Errors(
            code_revision=same_revision(self, other),
            hera=self.hera + other.hera,
            yaml=self.yaml + other.yaml,
            rows=rows,
        )

    @property
    def totals(self) -> tuple[int, int]:
        """All errors: Hera's, YAML's."""
        return sum(row[1] for row in self.rows), sum(row[2] for row in self.rows)


def log_ratio_evidence(mixture: Mixture, limit: float, rows: Mapping[float, tuple[ArrayLike, ArrayLike]]) -> Any:
    """Log e-process against "Hera's rate over YAML's is on the other side of the limit", from errors by share."""
    total: Any = 0.0
    for share, (mine, theirs) in rows.items():
        null, bet = (r * share / (r * share + 1 - share) for r in (limit, limit * points_of(mixture)))
        if 0 < share < 1:  # with one arm alone there is nothing to compare
            total = total + np.multiply.outer(np.asarray(mine, dtype=float), np.log(bet / null))
            total = total + np.multiply.outer(np.asarray(theirs, dtype=float), np.log1p(-bet) - np.log1p(-null))
    return logsumexp(total + log_weights(mixture), axis=-1)


@dataclass(frozen=True, kw_only=True)
class NoIncrease:
    """The gate "no increase in errors".

    Attributes:
        ratio: Hera's error rate over YAML's that is still no increase; without a margin above 1 nothing can be shown.
        floor: an error rate of Hera's own that is still no increase, whatever YAML's is.
        alpha: this gate's budget.
    """

    ratio: float = 1.5
    floor: float = 0.002
    alpha: Alpha = field(default_factory=Alpha)

    def __post_init__(self) -> None:
        if not (self.ratio > 1 and self.floor > 0):
            raise Refused(f"This gate cannot be used: {self}.", expected="ratio above 1 and floor above 0.")

    def logs(self, seen: Errors, grown: float = 1.0) -> tuple[float, float]:
        """Log e-values for PASS and FAIL, if everything seen had come so many times."""
        # Of a share's two marks each verdict takes the one that does not favour it: PASS the lower, FAIL the upper.
        low, high = (
            {mark: (mine * grown, theirs * grown) for mark, mine, theirs in _marked(seen, upper)}
            for upper in (False, True)
        )
        exposure, events = seen.hera * grown, seen.totals[0] * grown
        own = [log_evidence_counts(_times(points, self.floor), self.floor, exposure, events) for points in (LESS, MORE)]
        pro = float(np.logaddexp(log_ratio_evidence(LESS, self.ratio, low), own[0]) - np.log(2))
        return pro, float(min(log_ratio_evidence(MORE, self.ratio, high), own[1]))

    def assess(self, seen: Errors, per_second: float = 0.0) -> Assessment:
        """Judge what was seen; ``per_second`` is the present rate of Hera's exposure."""
        pro, contra = self.logs(seen)
        verdict = decided(pro, contra, self.alpha)
        grown = 1.0 if verdict is not Verdict.HOLD else self._growth(seen)
        more = None if grown is None else seen.hera * (grown - 1)
        mine, theirs = seen.totals
        known = theirs and seen.hera and seen.yaml
        return Assessment(
            verdict=verdict, unit="observations on Hera", have=seen.hera,
            needed=None if more is None else seen.hera + more,
            seconds=0.0 if verdict is not Verdict.HOLD else wait(more, per_second), log_for=pro, log_against=contra,
            alpha=self.alpha, estimate=(mine / seen.hera) / (theirs / seen.yaml) if known else None,
            low=None, high=None, limit=self.ratio,
        )  # fmt: skip

    def _growth(self, seen: Errors) -> float | None:
        if not seen.hera:
            return None
        more = first_true(lambda extra: decided(*self.logs(seen, 1 + extra / 64), self.alpha) is not Verdict.HOLD)
        return None if more is None else 1 + more / 64


def _times(mixture: Mixture, limit: float) -> Mixture:
    return tuple((point * limit, weight) for point, weight in mixture)


def _marked(seen: Errors, upper: bool) -> list[tuple[float, int, int]]:
    """Rows with the lower or the upper mark of their share; rows that meet at a mark are summed."""
    met: dict[int, tuple[int, int]] = {}
    for step, mine, theirs in seen.rows:
        mark = (step + upper) // 2
        before = met.get(mark, (0, 0))
        met[mark] = (before[0] + mine, before[1] + theirs)
    return [(mark / 200, *errors) for mark, errors in met.items()]
