"""The service's requests hour by hour, as Prometheus remembers them.

Each series' growth within the hour is taken by `increase()`, unlike the figures of a window of load: over weeks a pod's
counter is met again after a gap, and its whole value must not count for that one hour. What is lost, the first count
of a new series, is nothing beside an hour's traffic.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pandas as pd

from hera_rollout.metrics import FIGURES, Prometheus, expressions
from hera_rollout.target import Target
from hera_rollout.window.hours import aware

HOUR: Final = timedelta(hours=1)
DAYS: Final = 28
"""So far back one looks: four of each hour of the week."""
COLUMNS: Final = ["time", "per_hour"]
LOOKS: Final = 12
"""An hour is whole if the service was seen at so many of its five-minute marks; Prometheus looks back five minutes."""
_REQUESTS: Final = next(figure.metric for figure in FIGURES if figure.name == "requests")


def queries(target: Target) -> tuple[str, str]:
    """The PromQL of the requests an hour, and of how often in it the service was seen at all.

    All pods of the Deployment count, also those long gone. Whether it was seen is asked of all routes: the probes and
    the scrape itself count there, so that a night without a request is zero and a night without Prometheus is a gap.
    """
    of, name = expressions.pods(target), _REQUESTS.partition("{")[0]
    requests = f"sum(increase({expressions.series(_REQUESTS, of)}[1h]))"
    return requests, f"count_over_time(count({expressions.series(name, of)})[1h:5m])"


def history(prometheus: Prometheus, target: Target, now: datetime, days: int = DAYS) -> pd.DataFrame:
    """Requests in each whole hour of the last days.

    Args:
        prometheus: of the target.
        target: whose Deployment's pods are counted.
        now: the moment, with its offset; the hour that it lies in is not over and is left out.
        days: how far back to look.

    Returns:
        Columns: time (the hour's begin, UTC), per_hour (requests). An hour that was not scraped through has no row:
        it is unknown, not quiet. The queries are in ``attrs["command"]``.

    Raises:
        Refused: a moment without its offset.
        RolloutError: Prometheus does not answer.
    """
    last = aware(now).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = last - timedelta(days=days) + HOUR  # a value at a full hour is about the hour before
    requests, looks = (
        _by_hour(prometheus.range(query, first, last, HOUR.total_seconds())) for query in queries(target)
    )
    whole = looks[looks >= LOOKS].index
    made = requests.reindex(whole, fill_value=0.0).rename_axis("time").rename("per_hour").reset_index()[COLUMNS]
    made.attrs["command"] = "promql: " + "; ".join(queries(target))
    return made


def _by_hour(series: pd.DataFrame) -> pd.Series:
    """The values by the begin of their hour."""
    index = pd.DatetimeIndex(pd.to_datetime(series["time"], utc=True)) - HOUR
    return pd.Series(series["value"].to_numpy(dtype=float), index=index, dtype=float)
