"""A recorded day as a plan: when somebody submitted, or how many a minute did. Pure but for reading the file."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from hera_rollout.answers import plain
from hera_rollout.backend.traffic.planning import MOST, Plan, checked
from hera_rollout.errors import Refused

MOST_ROWS: Final = 1_000_000
RATES: Final = {"per_second": 1.0, "per_minute": 60.0, "per_hour": 3600.0}
"""Columns that say a rate, and the seconds it is about."""
_EXPECTED = (
    f"CSV with a column at (ISO 8601); alone, or with one of {', '.join(RATES)}, which holds until the next row."
)


def recorded(path: str | Path, *, seconds: float, most: int = MOST) -> Plan:
    """Replay a recording in its shape, quicker if it is longer than `seconds`, never slower.

    Where it has more submissions than `most`, they are thinned evenly, so that peaks stay peaks.

    Args:
        path: a CSV: ``at`` alone is one submission a row; beside it ``per_second``, ``per_minute`` or ``per_hour`` is
            the rate from that moment until the next row's.
        seconds: for how long at most.
        most: at most so many.

    Raises:
        Refused: It cannot be read as that, or has no submission in it.
    """
    checked(seconds=seconds, most=most)
    moments, rates = _read(Path(path))
    plan = _times(moments, seconds, most) if rates is None else _rates(moments, rates, seconds, most)
    if not plan.offsets:
        raise _unusable(str(path), "no submission is in it")
    return plan


def _times(moments: Sequence[float], seconds: float, most: int) -> Plan:
    """One submission a moment."""
    kept = moments
    if len(moments) > most:
        kept = [moments[int((number + 0.5) * len(moments) / most)] for number in range(most)]
    span = moments[-1] if moments else 0.0
    scale = _scale(span, seconds)
    offsets = tuple(min(one * scale, seconds) for one in kept)
    return Plan(_kind(span, scale), offsets, seconds, len(moments) - len(kept))


def _rates(moments: Sequence[float], rates: Sequence[float], seconds: float, most: int) -> Plan:
    """Where the rates' integral reaches 0.5, 1.5, 2.5 …: no dice, so two replays are the same."""
    lengths = np.diff([*moments, 2 * moments[-1] - moments[-2]])  # the last rate holds as long as the one before
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    reached = np.concatenate([[0.0], np.cumsum(np.asarray(rates) * lengths)])
    due = round(float(reached[-1]))
    made = min(due, most)
    targets = (np.arange(made) + 0.5) / max(made, 1) * float(reached[-1])
    scale = _scale(float(edges[-1]), seconds)
    offsets = np.interp(targets, reached, edges) * scale
    return Plan(_kind(float(edges[-1]), scale), tuple(map(float, np.minimum(offsets, seconds))), seconds, due - made)


def _scale(span: float, seconds: float) -> float:
    return min(1.0, seconds / span) if span > 0 else 1.0


def _kind(span: float, scale: float) -> str:
    return f"a recording of {span / 3600:.1f} h" + (f", {1 / scale:.0f} times as fast" if scale < 1 else "")


def _read(path: Path) -> tuple[list[float], list[float] | None]:
    """Seconds since the first row, ascending; and the rates a second, if there are any."""
    try:
        with path.expanduser().open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = [column for column in RATES if column in (reader.fieldnames or [])]
            if "at" not in (reader.fieldnames or []) or len(columns) > 1:
                raise _unusable(str(path), f"its columns are {', '.join(reader.fieldnames or ['none'])}")
            rows = [_row(row, columns, f"{path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unusable(str(path), str(error)) from None
    return _ordered(rows, str(path), with_rates=bool(columns))


def _row(row: dict[str, str], columns: list[str], where: str) -> tuple[datetime, float]:
    try:
        at = datetime.fromisoformat((row["at"] or "").strip())
        rate = float(row[columns[0]]) / RATES[columns[0]] if columns else 1.0
    except (TypeError, ValueError) as error:
        raise _unusable(where, str(error)) from None
    if not (math.isfinite(rate) and rate >= 0):
        raise _unusable(where, f"a rate of {rate:g} cannot be")
    return at, rate


def _ordered(
    rows: list[tuple[datetime, float]], where: str, *, with_rates: bool
) -> tuple[list[float], list[float] | None]:
    if len(rows) > MOST_ROWS:
        raise _unusable(where, f"it has more than {MOST_ROWS} rows")
    if len({at.tzinfo is None for at, _ in rows}) > 1:
        raise _unusable(where, "some of its times have an offset from UTC and some have none")
    rows = sorted(rows, key=lambda row: row[0])
    moments = [(at - rows[0][0]).total_seconds() for at, _ in rows]
    if not with_rates:
        return moments, None
    if len(rows) < 2 or any(one == other for one, other in pairwise(moments)):  # noqa: PLR2004
        raise _unusable(where, "rates need two rows or more, each at a moment of its own")
    return moments, [rate for _, rate in rows]


def _unusable(where: str, fault: str) -> Refused:
    return Refused(f"The recording {where} cannot be used: {plain(fault)}.", expected=_EXPECTED)
