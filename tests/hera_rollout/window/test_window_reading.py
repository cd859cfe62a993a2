"""The reading against a Prometheus of the test's own, filled by promtool: a day-night week, zero nights and gaps."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hera_rollout.errors import Refused
from hera_rollout.metrics import Prometheus
from hera_rollout.target import Target
from hera_rollout.window import check, history, low_traffic

pytestmark = pytest.mark.slow  # needs Debian's prometheus, which `make lab` installs
NOW = datetime.now(UTC)
END = NOW.replace(minute=0, second=0, microsecond=0)
DAYS = 8
NAME = "backend_http_requests_total"
SCRAPE = 60
GAP = timedelta(days=3)
"""So long before the end Prometheus was away for three hours."""


def series(pod: str, route: str, first: datetime, last: datetime, per_hour) -> list[str]:
    """A counter that begins at zero with its pod; by day it grows, by night it stands still."""
    labels = f'namespace="argo",pod="{pod}",route="{route}"'
    lines, total, moment = [], 0.0, first
    while moment <= last:
        if not END - GAP < moment < END - GAP + timedelta(hours=3):
            lines.append(f"{NAME}{{{labels}}} {total} {moment.timestamp():.0f}\n")
        total += per_hour(moment) * SCRAPE / 3600
        moment += timedelta(seconds=SCRAPE)
    return lines


def by_day(moment: datetime) -> float:
    return 120.0 if 8 <= moment.hour < 20 else 0.0


@pytest.fixture(scope="module")
def target(tmp_path_factory, prometheus_over) -> Target:
    folder: Path = tmp_path_factory.mktemp("prometheus")
    begin, change = END - timedelta(days=DAYS), END - timedelta(days=2)
    text = ["# TYPE backend_http_requests counter\n"]
    for pod, first, last in (
        ("backend-5d9c7b8f66-aaaaa", begin, change), ("backend-7f6c5d4b8c-bbbbb", change, END),
    ):  # fmt: skip
        text += series(pod, "/api/v1/tasks", first, last, by_day)
        text += series(pod, "/healthz", first, last, lambda _: 360.0)
    text += series("other-5d9c7b8f66-ccccc", "/api/v1/tasks", begin, END, lambda _: 9000.0)
    (folder / "text").write_text("".join(text) + "# EOF\n")
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "-q", "--max-block-duration=24h", "openmetrics",
                    folder / "text", folder / "data"], check=True, capture_output=True, timeout=120)  # fmt: skip
    url = prometheus_over(folder / "data")
    return Target(name="here", backend_url="http://b", argo_url="http://a", prometheus_url=url)


@pytest.fixture(scope="module")
def seen(target):
    return history(Prometheus.of(target), target, NOW)


def test_every_hour_has_its_own_requests_and_none_those_of_another_service(seen):
    assert list(seen.columns) == ["time", "per_hour"]
    assert "increase(backend_http_requests_total" in seen.attrs["command"]
    assert seen["per_hour"].tolist() == pytest.approx([by_day(one) for one in seen["time"]], abs=3)


def test_a_night_without_a_request_is_zero_and_a_gap_is_no_hour(seen):
    hours = set(seen["time"])
    assert len(seen) == DAYS * 24 - 3
    assert not hours & {END - GAP + timedelta(hours=hour) for hour in range(3)}
    assert (seen["per_hour"] == 0).any()


def test_a_new_pod_and_the_end_of_a_gap_make_no_spike(seen):
    assert seen["per_hour"].max() <= 123


def test_the_window_is_the_night(seen):
    window = low_traffic(seen)
    assert window.low == frozenset({*range(8), *range(20, 24)})
    assert check(window, NOW.replace(hour=3)).verdict == "PASS"
    assert check(window, NOW.replace(hour=12)).verdict == "HOLD"


def test_a_service_nobody_scraped_has_no_history_and_no_window(target):
    found = history(Prometheus.of(target), target.model_copy(update={"deployment": "nobody"}), NOW)
    assert (len(found), list(found.columns)) == (0, ["time", "per_hour"])
    assert low_traffic(found).missing == "no whole hour of history was found"


def test_a_moment_without_its_offset_is_refused(target):
    with pytest.raises(Refused, match="has no offset"):
        history(Prometheus.of(target), target, NOW.replace(tzinfo=None))
