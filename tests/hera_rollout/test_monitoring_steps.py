"""The monitoring checklist: no line is called seen that was not, and another service's pods are nobody's figures."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from hera_rollout import checklists
from hera_rollout.gates import Verdict
from hera_rollout.metrics import Prometheus
from hera_rollout.phase.steps.monitoring import NO_DATA, _service, monitored_check, slow_queries

BEGAN = datetime(2026, 11, 28, 12, 0, 0, 400_000, tzinfo=UTC)


def rows(**changed):
    """A row with data for each line of the guide's list, but for those named."""
    return [
        {"the guide's words": line.words, "seen": changed.get(line.words.replace(" ", "_"), "7 entries")}
        for line in checklists.MONITORING
    ]


def test_a_list_with_data_on_every_line_passes():
    check = monitored_check(rows())
    assert check.verdict is Verdict.PASS
    assert check.seen == f"{len(checklists.MONITORING)} of {len(checklists.MONITORING)} lines have data"


@pytest.mark.parametrize("seen", ["no data", "no data: The API server answered 403 to: logs of pod backend-1"])
def test_logs_that_could_not_be_read_are_no_data(seen):
    check = monitored_check(rows(Error_logs=seen))
    assert check.verdict is Verdict.HOLD
    assert check.evidence["missing"] == ["Error logs"]
    assert check.todo


def test_a_line_without_any_row_is_no_data():
    assert monitored_check(rows()[1:]).verdict is Verdict.HOLD


def test_what_is_slow_is_asked_of_the_targets_pods_and_of_no_deployment_whose_name_begins_alike(make_target):
    queries = slow_queries(make_target(deployment="backend"), 60)
    patterns = [found for query in queries.values() for found in re.findall(r'pod=~"([^"]*)"', query)]
    assert len(patterns) == 3
    for pattern in patterns:
        assert re.fullmatch(pattern, "backend-5d8f7c9b6d-x2x4z")
        assert not re.fullmatch(pattern, "backend-worker-5d8f7c9b6d-x2x4z")


class JustScraped(Prometheus):
    """Both pods have their first sample a moment after the first weight began; nothing is known before."""

    def __init__(self, first):
        self.first = first

    def value(self, query, at=None):
        return BEGAN.timestamp() - 20 if query.startswith("max(process_start") else 7.0 if self._known(query) else None

    def instant(self, query, at=None):
        rows = [{"pod": pod, "value": BEGAN.timestamp() - 20} for pod in ("backend-a", "backend-b")]
        return pd.DataFrame(rows if self._known(query) else [], columns=["pod", "value"])

    def range(self, query, start, end, step):
        moments = pd.date_range(start, end, freq="1s")
        return pd.DataFrame({"time": [at for at in moments if at >= self.first], "value": 2.0})

    def _known(self, query):
        return all(float(at) >= self.first.timestamp() for at in re.findall(r"@ (\d+)", query))


@pytest.mark.parametrize("after", [0.1, 0.5, 0.6])
def test_pods_that_are_first_scraped_as_the_first_weight_begins_have_figures(make_target, after):
    target = make_target()
    prometheus = JustScraped(BEGAN + timedelta(seconds=after))
    pods = pd.DataFrame({"name": ["backend-a", "backend-b"]})
    cluster = SimpleNamespace(pods=lambda _: pods, selector=lambda: "")
    phase = SimpleNamespace(target=target, cluster=cluster, prometheus=prometheus)
    lines = {row["what"]: row["seen"] for row in _service(phase, BEGAN, 12)}
    assert lines["cpu"] != NO_DATA
    assert lines["network in"] != NO_DATA
