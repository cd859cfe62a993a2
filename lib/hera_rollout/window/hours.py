"""The hours of low traffic out of a history of hours. Pure: no clock, no client."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pandas as pd

from hera_rollout.errors import Refused
from hera_rollout.gates import quiet

SHARE: Final = 0.5
MIN_DAYS: Final = 7
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Hour:
    """One hour of the day or of the week.

    Attributes:
        rate: usual requests an hour: the median; None where it was seen too seldom.
        n: how often it was seen.
        least, most: of what was seen; None where it never was.
    """

    rate: float | None
    n: int
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Standing:
    """How a moment stands to the window.

    Attributes:
        inside: whether its hour is low; False where nothing can be said (then ``missing`` of the window says why).
        rate_now: usual requests in this hour; None where it is not known.
        rate_low: usual requests in a low hour (the median of theirs); None where none is low.
        opening: start and end, UTC, of the window that is open, or else of the next one; None where none opens. One
            without an end within a whole period, since every hour is low, ends with the period.
    """

    inside: bool
    rate_now: float | None
    rate_low: float | None
    opening: tuple[datetime, datetime] | None


@dataclass(frozen=True)
class Window:
    """The low hours, and what they rest on.

    Attributes:
        share: an hour is low if its rate is at most this share of the busiest hour's.
        min_days: days of history that are wanted.
        hours: of the day (24) or of the week (168, from Monday 00:00), UTC.
    """

    share: float
    min_days: float
    hours: tuple[Hour, ...]

    @property
    def by(self) -> str:
        """What an hour is one of."""
        return "hour of the week" if len(self.hours) == quiet.WEEK else "hour of the day"

    @property
    def days(self) -> float:
        """Days of whole hours that it rests on."""
        return quiet.days(self._rows())

    @property
    def missing(self) -> str:
        """Why no hour can be called low; empty if one can."""
        return quiet.missing(self._facts())

    @property
    def low(self) -> frozenset[int]:
        """The low hours; none without enough history."""
        return frozenset() if self.missing else quiet.low(self._rates(), self.share)

    @property
    def limit(self) -> float | None:
        """The highest usual rate that is still low; None without any history."""
        return quiet.ceiling(self._rates(), self.share)

    def now(self, moment: datetime) -> Standing:
        """How a moment stands to it.

        Args:
            moment: with its offset.

        Raises:
            Refused: a moment without one.
        """
        here, low = quiet.place(aware(moment), len(self.hours)), self.low
        rates = [rate for hour in low if (rate := self.hours[hour].rate) is not None]
        usual = float(pd.Series(rates).median()) if rates else None
        return Standing(here in low, self.hours[here].rate, usual, self._opening(moment, low))

    def frame(self) -> pd.DataFrame:
        """One row an hour: hour, rate, n, least, most, low."""
        rows = [{"hour": hour, **asdict(one), "low": hour in self.low} for hour, one in enumerate(self.hours)]
        return pd.DataFrame(rows).astype({"rate": float, "least": float, "most": float})

    def evidence(self, moment: datetime) -> dict[str, Any]:
        """Everything that the verdict about a moment follows from, as plain JSON data."""
        return {"at": aware(moment).isoformat(), **self._facts()}

    def _facts(self) -> dict[str, Any]:
        return {"share": self.share, "days_wanted": self.min_days, "hours": self._rows()}

    def _rows(self) -> list[dict[str, Any]]:
        return [{"rate": hour.rate, "n": hour.n} for hour in self.hours]

    def _rates(self) -> list[float | None]:
        return [hour.rate for hour in self.hours]

    def _opening(self, moment: datetime, low: frozenset[int]) -> tuple[datetime, datetime] | None:
        period = len(self.hours)
        begin = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        starts = (begin + ahead * _HOUR for ahead in range(period))
        start = next((one for one in starts if quiet.place(one, period) in low), None)
        if start is None:
            return None
        ends = (start + ahead * _HOUR for ahead in range(1, period))
        return start, next((one for one in ends if quiet.place(one, period) not in low), start + period * _HOUR)


def low_traffic(history: pd.DataFrame, *, share: float = SHARE, min_days: float = MIN_DAYS) -> Window:
    """Find the low hours: of the week where two weeks were seen, else of the day.

    Args:
        history: columns time (an hour's begin, UTC) and per_hour (requests); hours may be missing.
        share: an hour is low if its median is at most this share of the busiest hour's.
        min_days: days of history below which no hour is called low.

    Returns:
        The window; without enough history one that says so, and in which no hour is low.
    """
    seen = history.dropna(subset=["per_hour"]).drop_duplicates("time", keep="last")
    period = quiet.WEEK if len(seen) >= 2 * quiet.WEEK else quiet.DAY
    places = [quiet.place(moment, period) for moment in pd.to_datetime(seen["time"], utc=True)]
    rates = seen["per_hour"].astype(float).reset_index(drop=True)
    found = {hour: rates[[one == hour for one in places]] for hour in set(places)}
    return Window(float(share), float(min_days), tuple(_hour(found.get(hour)) for hour in range(period)))


def _hour(seen: pd.Series | None) -> Hour:
    if seen is None:
        return Hour(None, 0)
    rate = float(seen.median()) if len(seen) >= quiet.LEAST_SEEN else None
    return Hour(rate, len(seen), float(seen.min()), float(seen.max()))


def aware(moment: datetime) -> datetime:
    """The same moment; one without its offset could be hours off, and is refused."""
    if moment.tzinfo is None:
        raise Refused(f"The moment {moment.isoformat()} has no offset.", expected="a moment with its offset from UTC",
                      todo="Give it in UTC, such as datetime.now(UTC).")  # fmt: skip
    return moment
