"""PromQL asked, answers as frames. No series is no data: never zero, and never good news."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Self

import pandas as pd

from hera_rollout.answers import plain
from hera_rollout.asking import Caller
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.target import Target

MOST_POINTS: Final = 5_000
"""Points of one series that are asked for at once; Prometheus itself refuses more than 11,000."""


Points = list[tuple[float, float]]
"""Of one series: moments and values."""
_KINDS: Final = {"query": "vector", "query_range": "matrix"}


class Prometheus:
    """One target's Prometheus."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @classmethod
    def of(cls, target: Target) -> Self:
        """Of a target.

        Raises:
            Refused: the target names none.
        """
        if target.prometheus_url is None:
            raise Refused(
                f"Target {target.name} names no prometheus_url.",
                expected="the address of the Prometheus that scrapes the service",
                why="Error rates and resources are judged by it.",
                todo="Add prometheus_url to the target.",
            )
        todo = f"See whether it runs and whether prometheus_url of target {target.name} is right."
        seconds = float(target.limits.request_timeout_seconds)
        return cls(Caller("Prometheus", target.prometheus_url, seconds, unreachable_todo=todo))

    def instant(self, query: str, at: datetime | None = None) -> pd.DataFrame:
        """One row a series: its labels, and ``value``.

        Args:
            query: PromQL.
            at: the moment, UTC; now if not given.

        Raises:
            RolloutError: it does not answer, or refuses the query.
        """
        given = {"query": query} | ({"time": f"{at.timestamp():.3f}"} if at else {})
        rows = [
            {**labels, "value": value} for labels, points in self._result("query", given, query) for _, value in points
        ]
        made = pd.DataFrame(rows, columns=None if rows else ["value"])
        made.attrs["command"] = f"promql: {query}"
        return made

    def value(self, query: str, at: datetime | None = None) -> float | None:
        """The value of a query that gives one series; None where it gives none, or no number."""
        found = self.instant(query, at)
        if len(found) != 1 or pd.isna(found["value"].iloc[0]):
            return None
        return float(found["value"].iloc[0])

    def range(self, query: str, start: datetime, end: datetime, step: float) -> pd.DataFrame:
        """One row a series and moment: its labels, ``time`` (UTC) and ``value``.

        Args:
            query: PromQL.
            start: the first moment, UTC.
            end: the last one.
            step: seconds between two points; widened where that would be too many points.
        """
        step = max(step, (end - start).total_seconds() / MOST_POINTS)
        given = {
            "query": query,
            "start": f"{start.timestamp():.3f}",
            "end": f"{end.timestamp():.3f}",
            "step": str(step),
        }
        rows = [
            {**labels, "time": _time(query, moment), "value": value}
            for labels, points in self._result("query_range", given, query)
            for moment, value in points
        ]
        made = pd.DataFrame(rows, columns=None if rows else ["time", "value"])
        made.attrs["command"] = f"promql: {query}"
        return made

    def _result(self, route: str, given: dict[str, str], query: str) -> list[tuple[dict[str, str], Points]]:
        """Each series: its labels and its points.

        Raises:
            RolloutError: it does not answer, refuses the query, or answers anything else than series of numbers.
        """
        answer = self._caller.json("GET", f"/api/v1/{route}", query=given)
        data = answer.get("data")
        kind = data.get("resultType") if isinstance(data, dict) else None
        result = data.get("result") if isinstance(data, dict) else None
        if answer.get("status") != "success" or not isinstance(result, list):
            raise _no_series(query, f"it said: {plain(str(answer.get('error') or answer), 200)}")
        if kind not in (None, _KINDS[route]):
            raise _no_series(query, f"it answered a {plain(str(kind), 40)}: {plain(str(result), 80)}")
        return [_series(query, series) for series in result]


def _series(query: str, series: Any) -> tuple[dict[str, str], Points]:
    """One series' labels and points; anything but floats is said in words."""
    if isinstance(series, dict) and {"histogram", "histograms"} & set(series):
        raise _no_series(query, "it answered a native histogram, whose samples are no numbers",
                         "Have the scrape keep classic buckets too (always_scrape_classic_histograms).")  # fmt: skip
    try:
        points = series["values"] if "values" in series else [series["value"]]
        labels = {str(name): str(value) for name, value in series["metric"].items()}
        return labels, [(float(moment), float(value)) for moment, value in points]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise _no_series(query, f"a sample is no number: {plain(str(series), 160)}") from None


def _time(query: str, moment: float) -> datetime:
    try:
        return datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError, OSError):
        raise _no_series(query, f"a sample's time is no moment: {moment!r}") from None


def _no_series(query: str, came: str, todo: str = "") -> RolloutError:
    return RolloutError(
        f"Prometheus did not answer {query!r} with series of numbers: {came}.",
        expected="an instant vector or a matrix of floats",
        todo=todo or "Ask it the same on its own page; see whether prometheus_url of the target is a Prometheus.",
    )
