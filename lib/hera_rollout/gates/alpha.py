"""How one phase's error budget is shared over its gates.

A phase has a budget alpha, 5 % by default, and it is spent on two different mistakes:

* a false FAIL: any gate that wrongly says FAIL rolls the whole phase back, so the budget is split over the gates
  (Bonferroni: the chance of any false FAIL is at most the sum of the shares);
* a false PASS: the phase is concluded only if every gate says PASS. Whatever criterion is violated, its own gate must
  have said PASS wrongly, so each gate may use the whole budget and the phase still keeps it (intersection-union test:
  Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hera_rollout.errors import Refused

PHASE_ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Alpha:
    """One gate's part of the budget.

    Attributes:
        passing: the chance, over all looks together, of PASS although the criterion is violated.
        failing: the chance, over all looks together, of FAIL although the criterion holds.
    """

    passing: float = PHASE_ALPHA
    failing: float = PHASE_ALPHA

    def __post_init__(self) -> None:
        for value in (self.passing, self.failing):
            if not 0 < value < 1:
                raise Refused(f"An alpha of {value!r} cannot be used.", expected="a number above 0 and below 1.")


def split(
    gates: Sequence[str], *, total: float = PHASE_ALPHA, weights: Mapping[str, float] | None = None
) -> dict[str, Alpha]:
    """Share a phase's budget over its gates: false FAILs by weight, false PASSes whole.

    Args:
        gates: the phase's gates by name.
        total: the phase's budget.
        weights: what a gate's share is worth beside the others'; 1 where not named.
    """
    worth = {name: (weights or {}).get(name, 1.0) for name in gates}
    if not worth or len(worth) != len(gates) or min(worth.values()) <= 0 or not set(weights or {}) <= set(worth):
        raise Refused(
            f"The budget cannot be split over {list(gates)} with weights {dict(weights or {})}.",
            expected="at least one gate, each named once, and weights above 0 for gates that are there.",
        )
    whole = sum(worth.values())
    return {name: Alpha(passing=total, failing=total * value / whole) for name, value in worth.items()}
