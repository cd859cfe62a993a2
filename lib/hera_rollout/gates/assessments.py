"""What a gate says after a look: the verdict, the evidence now, how much is needed, and when it will be there."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import exp, log
from typing import Any

from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.checks import Verdict

FARTHEST = 10**9
"""A forecast beyond so many more units is called not foreseeable."""


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """One look at one gate, in plain numbers.

    Attributes:
        verdict: PASS, FAIL or HOLD.
        unit: what is counted, such as ``workflows on Hera``.
        have: how many there are.
        needed: how many there will be when the gate decides, if things go on as so far; None if not foreseeable.
        seconds: until then at the present rate; None if never, or not foreseeable; 0 once it is decided.
        log_for: log of the e-value for PASS; it decides at ``-log(alpha.passing)``.
        log_against: log of the e-value for FAIL; it decides at ``-log(alpha.failing)``.
        alpha: this gate's budget.
        estimate: the measured figure that is held against the limit; None if nothing was measured.
        low: the lower end of its confidence sequence, valid at every look.
        high: its upper end.
        limit: what the figure is held against.
        asymptotic: whether the guarantee holds only for large samples.
        waiting: what must be there before the gate looks at all (burn-in); empty if nothing.
    """

    verdict: Verdict
    unit: str
    have: float
    needed: float | None
    seconds: float | None
    log_for: float
    log_against: float
    alpha: Alpha
    estimate: float | None
    low: float | None
    high: float | None
    limit: float
    asymptotic: bool = False
    waiting: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return asdict(self) | {"verdict": self.verdict.value}

    @property
    def forecast(self) -> str:
        """When the gate will decide at the present rate, in words."""
        if self.verdict is not Verdict.HOLD:
            return "decided"
        if self.needed is None:
            return "not foreseeable: what was measured is too near the limit, or there is nothing yet"
        more = f"about {amount(self.needed - self.have, f'more {self.unit}')} if it goes on as so far"
        return f"{more}: {'never, for none arrive now' if self.seconds is None else duration(self.seconds)}"

    @property
    def evidence(self) -> str:
        """The evidence now and what it takes, in words."""
        return (
            f"evidence for PASS {shown(self.log_for)} of {1 / self.alpha.passing:,.0f}, "
            f"for FAIL {shown(self.log_against)} of {1 / self.alpha.failing:,.0f}"
        )


def amount(count: float, unit: str) -> str:
    """So many of them: ``1 workflow on Hera``, ``2 workflows on Hera``."""
    text = f"{count:,.0f}"
    return f"{text} {re.sub('s(?= |$)', '', unit, count=1) if text == '1' else unit}"


def shown(log_value: float) -> str:
    """An e-value in few characters."""
    return f"10^{log_value / log(10):.0f}" if abs(log_value) > log(10_000) else f"{exp(log_value):.3g}"


def duration(seconds: float) -> str:
    """A span of time as a person says it."""
    for limit, size, word in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds / 86_400:,.0f} days"


def decided(log_for: float, log_against: float, alpha: Alpha) -> Verdict:
    """FAIL before PASS before HOLD: each by its own e-value against its own share of the budget (Ville)."""
    if log_against >= -log(alpha.failing):
        return Verdict.FAIL
    return Verdict.PASS if log_for >= -log(alpha.passing) else Verdict.HOLD


def first_true(decides: Callable[[float], bool], *, start: float = 1.0) -> float | None:
    """The least amount more at which the gate decides: doubling, then halving. None if it never does."""
    high = start
    while not decides(high):
        high *= 2
        if high > FARTHEST:
            return None
    low = high / 2 if high > start else 0.0
    while high - low > max(0.5, 1e-3 * high):
        middle = (low + high) / 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def wait(more: float | None, per_second: float) -> float | None:
    """Seconds until so many more are there at this rate; None if never or not foreseeable."""
    return more / per_second if more is not None and per_second > 0 else None
