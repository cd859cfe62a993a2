"""The monitoring checklist: no line is called seen that was not, and another service's pods are nobody's figures."""

import re

import pytest

from hera_rollout import checklists
from hera_rollout.gates import Verdict
from hera_rollout.phase.steps.monitoring import monitored_check, slow_queries


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
