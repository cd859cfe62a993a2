"""A recorded week for a new Prometheus: the backend's request counter with days and nights, for what looks far back.

The week is synthetic (history/week.csv says so), and its series say so too: their pod and instance are of no pod that
lives. A live pod's counter is another series, so that nothing falls where one ends and the other begins.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rollout_lab import commands
from rollout_lab.components import installed
from rollout_lab.errors import LabError
from rollout_lab.paths import PACKAGE, Paths

WEEK: Final = PACKAGE / "history/week.csv"
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS: Final = 7 * 24
METRIC: Final = "backend_http_requests"
POD: Final = "backend-bcdf456789-week0"
"""Named as a Deployment's pods are, hash and all, so that whoever asks for all pods of the backend finds it."""
LABELS: Final = {"job": "backend", "service": "backend", "namespace": "argo", "pod": POD, "instance": "recorded-week"}
SERIES: Final = (
    ({"method": "POST", "route": "/api/v1/tasks/submit", "status": "200", "path": "yaml"}, 0.25),
    ({"method": "GET", "route": "/api/v1/tasks/{task_id}", "status": "200", "path": "none"}, 0.75),
)
"""Labels, and the share of the requests that they have: before a rollout all submissions are by YAML."""
EVERY: Final = timedelta(minutes=1)
"""Prometheus forgets a series that had no sample for five minutes."""
REST: Final = timedelta(minutes=10)
"""The week ends so long before the boot at least, so that no figure of the last minutes has any of it."""
_BLOCKS: Final = "24h"
_BUILD_SECONDS: Final = 120.0


def ensure(paths: Paths, now: datetime) -> bool:
    """Give Prometheus the recorded week unless it has a data folder already; whether it was given.

    A folder that a cut-off start left half made is made anew: only a finished one gets its name.

    Args:
        paths: of the lab.
        now: the moment of the boot, with its offset; Prometheus must not have been started yet.

    Raises:
        LabError: promtool is not there, or refuses; then there is no data folder.
    """
    folder = paths.state / "prometheus"
    if folder.exists():
        return False
    unfinished = paths.state / "prometheus.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    build(unfinished, ends(now))
    unfinished.rename(folder)
    return True


def ends(now: datetime) -> datetime:
    """Where the week ends: the last full hour that is over for long enough."""
    return (now.astimezone(UTC) - REST).replace(minute=0, second=0, microsecond=0)


def build(folder: Path, end: datetime) -> None:
    """Make Prometheus' blocks of the week that ends there.

    Args:
        folder: where to; made.
        end: a full hour.

    Raises:
        LabError: promtool is not there, or refuses.
    """
    folder.mkdir(parents=True)
    text = folder / "week.txt"
    try:
        with text.open("w", encoding="utf-8") as file:
            file.writelines(openmetrics(weights(), end))
        # Longer blocks than promtool's own two hours: it reads the whole file once for each.
        length = f"--max-block-duration={_BLOCKS}"
        commands.run([installed("promtool"), "tsdb", "create-blocks-from", "-q", length, "openmetrics", text, folder],
                     timeout=_BUILD_SECONDS)  # fmt: skip
    finally:
        text.unlink(missing_ok=True)


def weights(file: Path = WEEK) -> tuple[int, ...]:
    """Requests of each hour of the week, from Monday 00:00 UTC.

    Raises:
        LabError: the file does not hold every hour once.
    """
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = {(row["day"], int(row["hour"])): int(row["requests"]) for row in csv.DictReader(lines)}
    wanted = [(day, hour) for day in DAYS for hour in range(24)]
    if len(lines) != HOURS + 1 or set(found) != set(wanted):
        raise LabError(f"{file.name} has {len(found)} hours of a week; expected each of the {HOURS} once.")
    return tuple(found[hour] for hour in wanted)


def openmetrics(week: tuple[int, ...], end: datetime) -> Iterator[str]:
    """The week as OpenMetrics text, line by line.

    Args:
        week: requests of each hour from Monday 00:00 UTC.
        end: a full hour; its sample is the last one.
    """
    yield f"# TYPE {METRIC} counter\n"
    yield f"# HELP {METRIC} A recorded week; synthetic.\n"
    for labels, share in SERIES:
        told = ",".join(f'{name}="{value}"' for name, value in (LABELS | labels).items())
        for moment, total in _counted(week, end):
            yield f"{METRIC}_total{{{told}}} {round(total * share)} {moment:.0f}\n"
    yield "# EOF\n"


def _counted(week: tuple[int, ...], end: datetime) -> Iterator[tuple[float, float]]:
    """Each moment as seconds since 1970, and what was counted by then; each hour's requests come evenly."""
    steps = timedelta(hours=1) // EVERY
    moment, total = end - timedelta(hours=HOURS), 0.0
    yield moment.timestamp(), total
    while moment < end:
        total += week[moment.weekday() * 24 + moment.hour] / steps
        moment += EVERY
        yield moment.timestamp(), total
