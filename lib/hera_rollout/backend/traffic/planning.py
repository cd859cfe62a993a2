"""When to send: offsets in seconds from the start, bounded in count and in time. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from hera_rollout.errors import Refused

MOST: Final = 1_000
"""Submissions of one plan, if nothing else is said: each may start a pod."""
CEILING: Final = 100_000
LONGEST: Final = 7 * 86_400.0


@dataclass(frozen=True)
class Plan:
    """When each submission is due.

    Attributes:
        kind: in words.
        offsets: seconds from the start, ascending.
        seconds: nothing is sent later than this.
        left_out: how many more there would be without the bound in count.
    """

    kind: str
    offsets: tuple[float, ...]
    seconds: float
    left_out: int = 0

    def __post_init__(self) -> None:
        good = all(math.isfinite(one) and 0 <= one <= self.seconds for one in self.offsets)
        if not good or list(self.offsets) != sorted(self.offsets) or len(self.offsets) > CEILING:
            raise Refused(
                f"This plan cannot be used: {self.kind}, {len(self.offsets)} submissions in {self.seconds:g} s.",
                expected=f"at most {CEILING} ascending offsets from 0 to {self.seconds:g} s.",
            )

    def sentence(self) -> str:
        """The plan in words."""
        rest = f"; {self.left_out} more are left out by the bound in count" if self.left_out else ""
        return f"{self.kind}: {len(self.offsets)} submissions in {self.seconds:g} s{rest}"


def steady(per_second: float, seconds: float, most: int = MOST) -> Plan:
    """One after the other, evenly.

    Args:
        per_second: how many a second; 0.5 is one in two seconds.
        seconds: for how long.
        most: at most so many; the first ones.

    Raises:
        Refused: A figure that makes no traffic, or too much.
    """
    checked(per_second=per_second, seconds=seconds, most=most)
    due = _count(per_second * seconds)
    made = min(due, most)
    kind = f"steady, {per_second:g} a second"
    return Plan(kind, tuple(number / per_second for number in range(made)), seconds, due - made)


def bursty(size: int, every_seconds: float, seconds: float, most: int = MOST) -> Plan:
    """So many at once, then a pause; raises as `steady` does.

    Args:
        size: of one burst.
        every_seconds: from one burst's beginning to the next one's.
        seconds: for how long.
        most: at most so many; the first ones.
    """
    checked(size=size, every_seconds=every_seconds, seconds=seconds, most=most)
    due = _count(seconds / every_seconds) * size
    made = min(due, most)
    offsets = tuple((number // size) * every_seconds for number in range(made))
    return Plan(f"bursts of {size} every {every_seconds:g} s", offsets, seconds, due - made)


def checked(**figures: float) -> None:
    """Refuse figures that cannot be meant; `most` and `size` are whole numbers.

    Raises:
        Refused: One is not above zero, not finite, or beyond what one plan may ask of a cluster.
    """
    for name, value in figures.items():
        whole = name in {"most", "size"}
        ceiling = CEILING if whole else LONGEST
        if not (math.isfinite(value) and 0 < value <= ceiling) or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise Refused(
                f"Traffic with {name}={value!r} cannot be made.", expected=f"{kind} above 0, at most {ceiling:g}."
            )


def _count(amount: float) -> int:
    """How many begin before the end; a product that is whole but for rounding is whole."""
    return max(1, math.ceil(amount - 1e-9))
