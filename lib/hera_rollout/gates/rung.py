"""When a rung of the canary ladder may be left, when the phase may be concluded, and what is carried to 100 %.

A rung is left on no FAIL plus the stated minimum of evidence: waiting for every PASS at 10 % would take a small site
weeks. The phase is concluded only when every gate says PASS. At 100 % no YAML workflows are left to compare with, so
the comparison is carried from the rungs before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

from hera_rollout.errors import Refused
from hera_rollout.gates.accumulating import Statistics
from hera_rollout.gates.checks import Verdict, worst

LADDER: Final = (10, 25, 50, 75, 100)
"""The guide's percentages."""


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """The least evidence a rung must have brought before it is left; a target may set its own.

    Attributes:
        workflows: settled workflows on Hera at this rung.
        seconds: time since the rung began; a day by default, as in the guide.
    """

    workflows: int = 50
    seconds: float = 86_400.0

    def __post_init__(self) -> None:
        if self.workflows < 1 or self.seconds < 0:
            raise Refused(
                f"This minimum cannot be used: {self}.", expected="workflows of 1 or more, seconds of 0 or more."
            )


def missing(minimum: Mapping[str, float], seen: Mapping[str, float]) -> dict[str, float]:
    """What the rung still lacks, by name; empty if it has the minimum. What was not measured counts as zero."""
    gaps = {name: least - seen.get(name, 0) for name, least in minimum.items()}
    return {name: gap for name, gap in gaps.items() if gap > 0}


def leave_rung(evidence: Mapping[str, Any]) -> Verdict:
    """FAIL if one gate says FAIL; PASS if the rung has its minimum of evidence; else HOLD. No gate at all is HOLD.

    Evidence: ``verdicts``: gate's name to verdict; ``minimum`` and ``seen``: figures by name.
    """
    verdicts = {Verdict(verdict) for verdict in evidence["verdicts"].values()}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    enough = evidence["minimum"] and not missing(evidence["minimum"], evidence["seen"])
    return Verdict.PASS if verdicts and enough else Verdict.HOLD


def conclude_ladder(evidence: Mapping[str, Any]) -> Verdict:
    """FAIL if one gate says FAIL; PASS only if every gate that was asked says PASS, at the last rung; else HOLD.

    Evidence: ``verdicts``: gate's name to verdict; ``asked``: every gate of the phase; ``percent``: where it stands.
    """
    verdicts = {name: Verdict(verdict) for name, verdict in evidence["verdicts"].items()}
    heard = [verdicts.get(name, Verdict.HOLD) for name in evidence["asked"]]
    found = worst([*heard, *verdicts.values()])
    at_the_end = evidence["percent"] == LADDER[-1] and bool(evidence["asked"])
    return Verdict.HOLD if found is Verdict.PASS and not at_the_end else found


def next_percent(percent: float, ladder: tuple[int, ...] = LADDER) -> int | None:
    """The rung after this one; None after the last."""
    return next((rung for rung in ladder if rung > percent), None)


def comparable(percent: float) -> bool:
    """Whether both paths get work at this percentage, so that they can be compared."""
    return 0 < percent < LADDER[-1]


def comparison(by_percent: Mapping[float, Statistics]) -> Statistics | None:
    """The comparison with YAML: the evidence of every rung that had both paths; None if none had."""
    found = [by_percent[percent] for percent in sorted(by_percent) if comparable(percent)]
    return reduce(lambda left, right: left + right, found) if found else None
