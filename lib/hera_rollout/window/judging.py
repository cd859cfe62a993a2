"""The check of the change window: a verdict that can be recomputed from the usual rate of every hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from hera_rollout.gates import Check, judge
from hera_rollout.gates.quiet import allowed_hour
from hera_rollout.window.hours import Standing, Window

CHANGE_WINDOW: Final = "change window"
CRITERION: Final = "Deploy during low-traffic period"


def check(
    window: Window, moment: datetime, owner: str = "kit default", override: Mapping[str, str] | None = None
) -> Check:
    """PASS inside the window; outside of it, and where the history shows none, HOLD without somebody's reasoned word.

    Args:
        window: the low hours.
        moment: when the change would be made, with its offset.
        owner: whose limit the share is, as `Limits.source("window_share")` says.
        override: ``approver`` and ``reason`` of whoever decided that the change is made all the same.

    Raises:
        Refused: a moment without its offset.
    """
    standing = window.now(moment)
    said = f"; made all the same, approved by {override['approver']}: {override['reason']}" if override else ""
    return judge(
        name=CHANGE_WINDOW,
        rule=allowed_hour,
        evidence=window.evidence(moment) | {"override": dict(override or {})},
        criterion=CRITERION,
        seen=_seen(window, standing, moment) + said,
        expected=f"an hour whose usual traffic is at most {window.share:.0%} of the busiest hour's, "
        f"from {window.min_days:g} days of history or more",
        limit_source=owner,
        why="What goes wrong during a change reaches everybody who is there.",
        todo="" if override else _todo(window, standing),
    )


def _seen(window: Window, standing: Standing, moment: datetime) -> str:
    if window.missing:
        return window.missing
    rests = f"by {window.by}, from {window.days:.1f} days"
    rates = f"usually {_rate(standing.rate_now)} now, {_rate(standing.rate_low)} in a low hour"
    most = f"low is up to {_rate(window.limit)}"
    if standing.inside and standing.opening is not None:
        ends = f"open until {_clock(standing.opening[1])}"
        return f"{_clock(moment)} is in a low-traffic hour ({ends}): {rates}; {most} ({rests})"
    return f"{_clock(moment)} is in no low-traffic hour: {rates}; {most} ({rests})"


def _todo(window: Window, standing: Standing) -> str:
    if window.days < window.min_days:
        return (f"Let Prometheus scrape the service for {window.min_days:g} days, or set window_days of the target to "
                "what it keeps.")  # fmt: skip
    if window.missing:
        return "Agree on a time with whoever uses the service; window_share of the target says what counts as low."
    if standing.inside or standing.opening is None:
        return ""
    start, end = standing.opening
    return f"Wait until {_clock(start)}; the window is then open until {_clock(end)}."


def _rate(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2g} requests an hour" if 0 < value < 1 else f"{value:,.0f} requests an hour"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%a %d %b %H:%M} UTC"
