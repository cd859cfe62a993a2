"""Whether a moment lies in an hour of low traffic: usual rates in, verdict out.

An hour is low if its usual rate is at most a share of the busiest hour's. An hour that was not seen often enough is
unknown, and unknown is never low.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from hera_rollout.gates.checks import Verdict

DAY, WEEK = 24, 168
"""Hours of a period: an hour of the day, or of the week from Monday 00:00 UTC."""
LEAST_SEEN: Final = 2
"""So often an hour must have been seen: one look is no habit."""


def place(moment: datetime, period: int) -> int:
    """A moment's hour of the period, in UTC: no clock is ever put forward or back there."""
    there = moment.astimezone(UTC)
    return there.hour if period == DAY else there.weekday() * DAY + there.hour


def ceiling(rates: Sequence[float | None], share: float) -> float | None:
    """The highest rate that is still low; None without any known rate."""
    known = [rate for rate in rates if rate is not None]
    return share * max(known) if known else None


def low(rates: Sequence[float | None], share: float) -> frozenset[int]:
    """The hours that are low; none where nothing was ever asked: then no hour is shown to be better than another.

    Args:
        rates: the usual rate of each hour of the period; None where it is not known.
        share: of the busiest hour's rate.
    """
    most = ceiling(rates, share)
    if most is None or not any(rates):
        return frozenset()
    return frozenset(hour for hour, rate in enumerate(rates) if rate is not None and rate <= most)


def days(hours: Sequence[Mapping[str, Any]]) -> float:
    """How many days of whole hours were seen."""
    return float(sum(hour["n"] for hour in hours) / DAY)


def missing(evidence: Mapping[str, Any]) -> str:
    """Why no hour can be called low, in a sentence; empty if one can."""
    rates = [hour["rate"] for hour in evidence["hours"]]
    seen = days(evidence["hours"])
    if not seen:
        return "no whole hour of history was found"
    if seen < evidence["days_wanted"]:
        return f"{seen:.1f} days of history were found, {evidence['days_wanted']:g} are needed"
    if all(rate is None for rate in rates):
        return f"no hour was seen {LEAST_SEEN} times"
    if not any(rates):
        return f"in {seen:.1f} days the usual hour had no request at all, so that none is lower than another"
    if not low(rates, evidence["share"]):
        return f"traffic is even: no hour is usually at or below {evidence['share']:.0%} of the busiest one"
    return ""


def quiet_hour(evidence: Mapping[str, Any]) -> Verdict:
    """PASS in an hour of low traffic; HOLD in any other, in one that is unknown, and without enough history.

    Evidence: ``at``: the moment, ISO; ``share``, ``days_wanted``; ``hours``: a row for each hour of the day or of the
    week, with ``rate`` (usual requests an hour, None where unknown) and ``n``, how often it was seen.
    """
    if missing(evidence):
        return Verdict.HOLD
    rates = [hour["rate"] for hour in evidence["hours"]]
    here = place(datetime.fromisoformat(evidence["at"]), len(rates))
    return Verdict.PASS if here in low(rates, evidence["share"]) else Verdict.HOLD


def allowed_hour(evidence: Mapping[str, Any]) -> Verdict:
    """As `quiet_hour`; in any other hour PASS only with an approver and a reason.

    Evidence: that of `quiet_hour`, and ``override`` with ``approver`` and ``reason``, or nothing.
    """
    override = evidence.get("override") or {}
    if override.get("approver") and override.get("reason"):
        return Verdict.PASS
    return quiet_hour(evidence)
