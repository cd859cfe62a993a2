"""Non-inferiority of two arms: durations and response times are not more than 10 % up, rung by rung."""

from dataclasses import dataclass, field
from functools import reduce
from math import expm1, log1p, sqrt
from typing import Final

from hera_rollout.errors import Refused
from hera_rollout.gates.accumulating import counted, same_revision
from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.assessments import Assessment, decided, first_true, wait
from hera_rollout.gates.checks import Verdict
from hera_rollout.gates.information import Moments, error_of_difference, log_half_normal, reach

LEAST_BURN_IN: Final = 10
MOST_LOG: Final = 700.0
"""Of a few values with a wild spread the upper end would be infinite, which is no JSON."""


@dataclass(frozen=True, kw_only=True)
class Stratum:
    """The log durations of both paths while the canary stood at one percentage."""

    percent: float
    hera: Moments = field(default_factory=Moments)
    yaml: Moments = field(default_factory=Moments)

    def __add__(self, other: "Stratum") -> "Stratum":
        return Stratum(percent=self.percent, hera=self.hera + other.hera, yaml=self.yaml + other.yaml)


@dataclass(frozen=True, kw_only=True)
class Durations:
    """Sufficient statistics of two arms' log durations, one stratum a rung.

    Kept apart by rung, since a slow day at 75 % would else make Hera, which has most of that day, look slower.
    """

    code_revision: str
    strata: tuple[Stratum, ...] = ()

    def __post_init__(self) -> None:
        for stratum in self.strata:
            counted(hera=stratum.hera.n, yaml=stratum.yaml.n)

    def __add__(self, other: "Durations") -> "Durations":
        by_percent: dict[float, Stratum] = {}
        for stratum in (*self.strata, *other.strata):
            before = by_percent.get(stratum.percent)
            by_percent[stratum.percent] = before + stratum if before else stratum
        strata = tuple(by_percent[percent] for percent in sorted(by_percent))
        return Durations(code_revision=same_revision(self, other), strata=strata)

    @property
    def total(self) -> Stratum:
        """All rungs together; only for counting."""
        return reduce(Stratum.__add__, self.strata, Stratum(percent=0))


@dataclass(frozen=True, kw_only=True)
class NotSlower:
    """The gate "not more than 10 % up" on the geometric mean of durations: asymptotic, any-time.

    Attributes:
        increase: how much slower is still good; the guide's is 0.10.
        alpha: this gate's budget.
        burn_in: how many of each path a rung needs before it is used at all.
        scale: the typical distance from the limit that the test is best at, on the log scale; the limit's own if 0,
            which is where a path with no slowdown at all stands.
        least_spread: the least spread of log durations believed; Argo's times are whole seconds.
    """

    increase: float = 0.10
    alpha: Alpha = field(default_factory=Alpha)
    burn_in: int = 30
    scale: float = 0.0
    least_spread: float = 0.02

    def __post_init__(self) -> None:
        if not (self.increase > 0 and self.burn_in >= LEAST_BURN_IN and self.scale >= 0 and self.least_spread > 0):
            raise Refused(
                f"This gate cannot be used: {self}.",
                expected=f"increase and least_spread above 0, burn_in of {LEAST_BURN_IN} or more, scale of 0 or more.",
                why="Without a margin no amount of evidence shows that nothing got slower; the test is asymptotic.",
            )

    @property
    def margin(self) -> float:
        """The limit on the log scale."""
        return log1p(self.increase)

    @property
    def tau(self) -> float:
        """The mixture's scale on the log scale."""
        return self.scale or self.margin

    def logs(self, difference: float, information: float) -> tuple[float, float]:
        """Log e-values for PASS and for FAIL at an estimated log ratio with so much information."""
        z, r = (difference - self.margin) * sqrt(information), self.tau**2 * information
        return float(log_half_normal(-z, r)), float(log_half_normal(z, r))

    def usable(self, seen: Durations) -> list[Stratum]:
        """The rungs that have enough of both paths."""
        return [stratum for stratum in seen.strata if min(stratum.hera.n, stratum.yaml.n) >= self.burn_in]

    def estimate(self, seen: Durations) -> tuple[float, float]:
        """Hera's log ratio to YAML, each rung weighted by its information, and the information of all."""
        score = information = 0.0
        for part in self.usable(seen):
            hera, yaml = part.hera, part.yaml
            error = error_of_difference(hera.n, hera.squares, yaml.n, yaml.squares, self.least_spread)
            score += (hera.mean - yaml.mean) / float(error)
            information += 1 / float(error)
        return (score / information if information else 0.0), information

    def assess(self, seen: Durations, per_second: float = 0.0) -> Assessment:
        """Judge what was seen; ``per_second`` is the present rate of Hera workflows."""
        difference, information = self.estimate(seen)
        if not information:
            return self._burning_in(seen, per_second)
        pro, contra = self.logs(difference, information)
        verdict, have = decided(pro, contra, self.alpha), seen.total.hera.n
        grown = 1.0 if verdict is not Verdict.HOLD else self._growth(difference, information)
        more = None if grown is None else have * (grown - 1)
        low, high = self.interval(difference, information)
        return Assessment(
            verdict=verdict, unit="workflows on Hera", have=have, needed=None if more is None else have + more,
            seconds=0.0 if verdict is not Verdict.HOLD else wait(more, per_second), log_for=pro, log_against=contra,
            alpha=self.alpha, estimate=expm1(difference), low=low, high=high,
            limit=self.increase, asymptotic=True,
        )  # fmt: skip

    def interval(self, difference: float, information: float) -> tuple[float, float]:
        """An asymptotic confidence sequence for the increase: the limits that these very tests would not reject."""
        far = [reach(self.tau**2 * information, alpha) for alpha in (self.alpha.failing, self.alpha.passing)]
        low, high = difference - far[0] / sqrt(information), difference + far[1] / sqrt(information)
        return expm1(low), expm1(min(high, MOST_LOG))

    def _growth(self, difference: float, information: float) -> float | None:
        more = first_true(
            lambda extra: (
                decided(*self.logs(difference, information * (1 + extra / 64)), self.alpha) is not Verdict.HOLD
            )
        )
        return None if more is None else 1 + more / 64

    def _burning_in(self, seen: Durations, per_second: float) -> Assessment:
        last = seen.strata[-1] if seen.strata else Stratum(percent=0)
        least, have = min(last.hera.n, last.yaml.n), last.hera.n
        needed = have * self.burn_in / least if least else None
        return Assessment(
            verdict=Verdict.HOLD, unit="workflows on Hera", have=have, needed=needed,
            seconds=wait(needed - have, per_second) if needed else None, log_for=0.0, log_against=0.0,
            alpha=self.alpha, estimate=None, low=None, high=None, limit=self.increase, asymptotic=True,
            waiting=f"{self.burn_in} workflows of each path at one percentage (now {have} Hera, {last.yaml.n} YAML)",
        )  # fmt: skip
