"""What a drill measured: evidence, a check, a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pandas import DataFrame

from hera_rollout.gates import Check, drilling
from hera_rollout.gates.rules import judge
from hera_rollout.rollback import RollbackResult

CHECK = "drill"


@dataclass(frozen=True)
class DrillResult:
    """One drill by one medium.

    Attributes:
        medium: how the flag was turned.
        evidence: plain data; the check's verdict follows from it.
        traffic: one row a submission.
        rollback: the way back, as the rollback itself saw it; None if there was no need of one.
        lost_limit: whose limit on lost requests it was held against.
    """

    medium: str
    evidence: dict[str, Any]
    traffic: DataFrame = field(repr=False)
    rollback: RollbackResult | None = field(repr=False)
    lost_limit: str = "kit default"

    def check(self) -> Check:
        """FAIL for what went wrong, HOLD for what was not shown."""
        wrong, missing = drilling.wrong(self.evidence), drilling.missing(self.evidence)
        told = [*wrong, *(f"not shown: {one}" for one in missing)]
        return judge(
            name=f"{CHECK} ({self.medium})",
            rule=drilling.drilled,
            evidence=self.evidence,
            seen="; ".join([*told, self.sentence()]),
            expected="every pod reports the flag on and off again, no submission goes the wrong way after that, no "
            f"more than {self.evidence['requests']['lost_max']:.1%} of requests are lost, what is in flight ends well",
            limit_source=self.lost_limit,
            why="A way back that was never walked is a hope; these figures are how long users wait for it.",
            todo=self._todo(wrong, missing),
        )

    def sentence(self) -> str:
        """The figures in a sentence."""
        on, off, requests = (self.evidence[name] for name in ("on", "off", "requests"))
        ends = ", ".join(f"{count} {phase}" for phase, count in self._phases().items()) or "none"
        return (
            f"by medium {self.medium} on in {_time(on['reported_seconds'])} and off in "
            f"{_time(off['reported_seconds'])}; last submission by Hera {_time(off['last_hera_seconds'])} after the "
            f"patch; {requests['lost']} of {requests['sent']} requests lost; in flight: {ends}"
        )

    def frame(self) -> DataFrame:
        """One row a measure: measure, on, off."""
        on, off, requests = (self.evidence[name] for name in ("on", "off", "requests"))
        ends = ", ".join(f"{count} {phase}" for phase, count in self._phases().items()) or "none was"
        rows = [
            ("every pod reports it, after the patch", _time(on["reported_seconds"]), _time(off["reported_seconds"])),
            ("first submission by Hera, after the patch", _time(on["first_hera_seconds"]), ""),
            ("last submission by Hera, after the patch", "", _time(off["last_hera_seconds"])),
            ("submissions the wrong way, after every pod reported", len(on["misplaced"]), len(off["hera_after"])),
            ("requests sent", on["sent"], requests["sent"] - on["sent"] - self.evidence["before"]["sent"]),
            ("requests lost", on["lost"], off["lost"]),
            ("in flight by Hera at the patch", "", ends),
        ]
        made = DataFrame(rows, columns=["measure", "on", "off"])
        made.insert(0, "medium", self.medium)
        made.attrs["command"] = f"{self.evidence['command_on']}; {self.evidence['command_off']}"
        return made

    def _phases(self) -> dict[str, int]:
        phases = [one["phase"] or "unknown" for one in self.evidence["in_flight"]]
        return {phase: phases.count(phase) for phase in sorted(set(phases))}

    @staticmethod
    def _todo(wrong: list[str], missing: list[str]) -> str:
        if wrong:
            return "Do not begin: read the service's log at that time, mend what went wrong, drill again."
        return (
            "Drill again with what was missing: longer, with more traffic, or once the pods answer." if missing else ""
        )


def frame(results: Iterable[DrillResult]) -> DataFrame:
    """Several drills in one table: measure, then on and off a medium."""
    made = DataFrame()
    for result in results:
        one = result.frame()
        if made.empty:
            made = one[["measure"]].copy()
        made[f"on ({result.medium})"], made[f"off ({result.medium})"] = one["on"], one["off"]
    return made


def _time(seconds: float | None) -> str:
    return "not seen" if seconds is None else f"{seconds:.1f} s"
