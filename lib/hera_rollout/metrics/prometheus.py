"""PromQL asked, answers as frames. No series is no data: never zero, and never good news."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Self

import pandas as pd

from hera_rollout.asking import Caller
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.target import Target

MOST_POINTS: Final = 5_000
"""Points of one series that are asked for at once; Prometheus itself refuses more than 11,000."""


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
            {**series["metric"], "value": float(series["value"][1])} for series in self._result("query", given, query)
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
            {**series["metric"], "time": datetime.fromtimestamp(float(moment), UTC), "value": float(value)}
            for series in self._result("query_range", given, query)
            for moment, value in series["values"]
        ]
        made = pd.DataFrame(rows, columns=None if rows else ["time", "value"])
        made.attrs["command"] = f"promql: {query}"
        return made

    def _result(self, route: str, given: dict[str, str], query: str) -> list[dict[str, Any]]:
        answer = self._caller.json("GET", f"/api/v1/{route}", query=given)
        data = answer.get("data") or {}
        if answer.get("status") != "success" or not isinstance(data.get("result"), list):
            raise RolloutError(
                f"Prometheus did not answer {query!r} with series: {str(answer.get('error') or answer)[:200]}.",
                expected="an instant vector or a matrix",
            )
        found: list[dict[str, Any]] = data["result"]
        return found
