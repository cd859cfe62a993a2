"""How long production was watched: the spells in which one look followed the other closely enough. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

WATCHED: Final = "watched"
"""The piece of a run's state that has them."""
MOST: Final = 60
"""So many spells are kept apart; of more, the oldest two become one, as long as both together."""


@dataclass(frozen=True)
class Spells:
    """Begin and end of each spell, seconds since 1970, oldest first; a run an hour makes one long spell.

    Attributes:
        spells: as pairs.
    """

    spells: tuple[tuple[float, float], ...] = ()

    @classmethod
    def read(cls, data: Sequence[Sequence[float]]) -> Self:
        """Out of the rollout's state."""
        return cls(tuple((float(began), float(ended)) for began, ended in data))

    def plain(self) -> list[list[float]]:
        """As plain JSON data."""
        return [[began, ended] for began, ended in self.spells]

    def looked(self, now: float, gap: float) -> Self:
        """With one more look; one that comes too long after the last begins a spell of its own.

        Args:
            now: when, seconds since 1970.
            gap: so many seconds between two looks still count as watched.
        """
        if not self.spells or now - self.spells[-1][1] > gap:
            return type(self)(_bounded((*self.spells, (now, now))))
        began, ended = self.spells[-1]
        return type(self)((*self.spells[:-1], (began, max(ended, now))))

    @property
    def seconds(self) -> float:
        """How long it was watched, the gaps left out."""
        return sum(ended - began for began, ended in self.spells)

    def gaps(self) -> float:
        """Seconds between the first look and the last that nobody watched."""
        return self.spells[-1][1] - self.spells[0][0] - self.seconds if self.spells else 0.0


def _bounded(spells: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if len(spells) <= MOST:
        return spells
    (_, first), (began, second) = spells[:2]
    watched = (first - spells[0][0]) + (second - began)
    return ((second - watched, second), *spells[2:])
