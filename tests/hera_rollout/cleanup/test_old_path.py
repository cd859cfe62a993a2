"""How the old path is looked at: what the workflows that are left show, and what the service itself says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from hera_rollout import flag
from hera_rollout.errors import Retryable
from hera_rollout.gates import Verdict
from hera_rollout.metrics import Prometheus
from hera_rollout.phase.steps import settling
from hera_rollout.target import Limits, Target

DAY = 86_400
ON = pd.DataFrame([("backend-1", True, 100.0)], columns=["pod", "enabled", "percent"])
Document = dict[str, Any]


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def workflow(name: str, days: float, path: str = "hera") -> Document:
    labels = {"hera-rollout/path": path, "hera-rollout/task": f"task-{name}"}
    times = {"startedAt": stamp(ago(days)), "finishedAt": stamp(ago(days))}
    return {"metadata": {"uid": name, "name": name, "labels": labels, "creationTimestamp": stamp(ago(days))},
            "status": {"phase": "Succeeded", **times}}  # fmt: skip


class Source:
    """Workflows on the cluster and in the archive."""

    def __init__(self, target: Target, live: list[Document], archive: list[Document]) -> None:
        self.target, self.live, self.archive = target, live, archive

    def raw(self, selector: str | None = None, since: datetime | None = None) -> Iterator[Document]:
        return self._since(self.live, since)

    def archived(self, since: datetime) -> Iterator[Document]:
        return self._since(self.archive, since)

    @staticmethod
    def _since(documents: list[Document], since: datetime | None) -> Iterator[Document]:
        for one in documents:
            if since is None or datetime.fromisoformat(one["metadata"]["creationTimestamp"]) >= since:
                yield one


class Rows:
    """The service's own tasks and their runs."""

    def __init__(self, *runs: tuple[str, str, float]) -> None:
        self.runs, self.asked, self.failing = runs, 0, False

    def tasks(self) -> list[dict[str, Any]]:
        if self.failing:
            raise Retryable("The backend answered 500 to GET /api/v1/tasks.")
        return [{"id": task, "runCount": sum(other == task for other, _, _ in self.runs),
                 "createdAt": stamp(ago(days))} for task, _, days in self.runs]  # fmt: skip

    def task(self, task: str) -> dict[str, Any]:
        self.asked += 1
        runs = [{"workflowId": name, "createdAt": stamp(ago(days))} for one, name, days in self.runs if one == task]
        return {"id": task, "runs": runs}


class Counted(Prometheus):
    """A pod's creations by YAML at the beginning of the time, and now."""

    def __init__(self, first: float, last: float, lag: float = 2) -> None:
        self.values, self.lag = (first, last), lag

    def instant(self, query: str, at: datetime | None = None) -> pd.DataFrame:
        if "timestamp(up" in query and at is not None:
            return pd.DataFrame([{"pod": "backend-1", "value": at.timestamp() - self.lag}])
        if "process_start_time_seconds" in query:
            return pd.DataFrame(columns=["value"])
        value = self.values[0] if at is not None and at < ago(0.0001) else self.values[1]
        return pd.DataFrame([{"pod": "backend-1", "path": "yaml", "outcome": "created", "value": value}])


@pytest.fixture
def usage(make_target, monkeypatch):
    """What is seen of the service, judged."""

    def look(live=(), archive=(), rows=None, prometheus=None, seconds=14 * DAY):
        target = make_target(limits=Limits(settled_seconds=seconds))
        monkeypatch.setattr(flag, "report", lambda *_: ON)
        source = Source(target, list(live), list(archive))
        phase = SimpleNamespace(target=target, workflows=source, cluster=SimpleNamespace(target=target),
                                backend=rows or Rows(), prometheus=prometheus or Counted(3, 3))  # fmt: skip
        return settling.usage_check(settling._usage(phase), "target lab")

    return look


def test_a_namespace_without_a_workflow_shows_nothing(usage):
    check = usage()
    assert check.verdict is Verdict.HOLD
    assert "not shown to reach back 14 d" in check.seen


def test_workflows_younger_than_the_time_asked_for_do_not_show_all_of_it(usage):
    assert usage([workflow("a", 1), workflow("b", 13)]).verdict is Verdict.HOLD


@pytest.mark.parametrize("place", ["live", "archive"])
def test_an_older_one_shows_that_the_source_reaches_back(usage, place):
    old = [workflow("old", 15)]
    check = usage([workflow("a", 1), *(old if place == "live" else [])], old if place == "archive" else [])
    assert check.verdict is Verdict.PASS
    assert f"shown back to {ago(15):%Y-%m-%d}" in check.seen
    assert check.evidence["counts"] == {"hera": 1}, "the older one is not of that time"


def test_an_older_one_by_yaml_shows_it_too_and_is_no_use_of_it(usage):
    assert usage([workflow("a", 1), workflow("old", 15, "yaml")]).verdict is Verdict.PASS


def test_a_fortnight_without_any_workflow_is_not_shown_to_be_looked_at(usage):
    check = usage([workflow("old", 15)])
    assert check.verdict is Verdict.HOLD
    assert "no workflow at all in 14 d" in check.seen


def test_some_seconds_may_pass_without_a_workflow(usage):
    assert usage([workflow("old", 0.01)], seconds=3).verdict is Verdict.PASS


def test_runs_by_yaml_whose_workflows_were_deleted_are_named(usage):
    rows = Rows(*((f"task-{number}", f"python-job-{number}-1-1", 2.0) for number in range(4)))
    check = usage([workflow("a", 1), workflow("old", 15)], rows=rows)
    assert check.verdict is Verdict.HOLD
    assert "4 runs whose workflows are not to be found" in check.seen
    assert "python-job-3-1-1" in check.seen


def test_a_run_with_its_workflow_or_from_before_is_not_missed_and_not_asked_for_in_vain(usage):
    rows = Rows(("task-a", "a", 1), ("task-x", "gone-1-1", 20))
    assert usage([workflow("a", 1), workflow("old", 15)], rows=rows).verdict is Verdict.PASS
    assert rows.asked == 1, "only of the task that has more runs than workflows"


def test_rows_that_cannot_be_read_are_not_taken_for_none(usage):
    rows = Rows()
    rows.failing = True
    assert usage([workflow("a", 1), workflow("old", 15)], rows=rows).verdict is Verdict.HOLD


def test_what_the_services_counter_says_came_by_yaml_counts(usage):
    check = usage([workflow("a", 1), workflow("old", 15)], prometheus=Counted(3, 7))
    assert check.verdict is Verdict.HOLD
    assert "4 created by YAML by the service's counter" in check.seen


def test_a_count_that_begins_long_before_that_time_says_nothing_of_it(usage):
    """A pod older than what Prometheus remembers: what it counted by YAML may all be from before."""
    check = usage([workflow("a", 1), workflow("old", 15)], prometheus=Counted(0, 400, lag=5 * DAY))
    assert check.verdict is Verdict.PASS
    assert "not compared with the service's counter" in check.seen


def unlabelled(name: str, days: float) -> Document:
    """As an archive lists it that keeps no labels."""
    document = workflow(name, days)
    document["metadata"]["labels"] = {}
    return document


def test_a_workflow_without_labels_that_the_services_rows_name_is_of_unknown_path(usage):
    rows = Rows(("task-x", "python-job-x-1-1", 2), ("task-y", "python-job-y-1-1", 2))
    archive = [unlabelled("python-job-x-1-1", 2), unlabelled("python-job-y-1-1", 2), unlabelled("a-strangers", 2)]
    check = usage([workflow("a", 1), workflow("old", 15)], archive, rows=rows)
    assert check.verdict is Verdict.HOLD
    assert "2 by path unknown" in check.seen


def test_workflows_that_people_made_anew_of_a_task_hide_no_run_that_is_gone(usage):
    """Two of its first run, none of its second, by YAML: as many workflows as runs."""
    again = [workflow("a", 3), workflow("b", 2)]
    for one in again:
        one["metadata"]["labels"] |= {"hera-rollout/task": "task-a", "hera-rollout/run": "1"}
    rows = Rows(("task-a", "a", 3), ("task-a", "python-job-a-2-1", 2))
    check = usage([*again, workflow("old", 15)], rows=rows)
    assert check.verdict is Verdict.HOLD
    assert "python-job-a-2-1" in check.seen


@pytest.mark.parametrize(
    "row", [{"name": "task-a"}, {"id": "task-a", "runCount": "many"}, {"id": "task-a", "startedAt": "28 Nov 2026"},
            {"id": "task-a", "startedAt": 1_790_000_000}],
)  # fmt: skip
def test_rows_of_another_shape_are_not_read_and_no_crash(usage, row):
    rows = Rows()
    rows.tasks = lambda: [row]
    check = usage([workflow("a", 1), workflow("old", 15)], rows=rows)
    assert check.verdict is Verdict.HOLD
    assert "the service's own rows were not read" in check.seen


def test_a_task_that_was_never_run_is_not_asked_for(usage):
    rows = Rows()
    rows.tasks = lambda: [
        {"id": f"task-{number}", "runCount": 0, "createdAt": stamp(ago(1))} for number in range(2_000)
    ]
    assert usage([workflow("a", 1), workflow("old", 15)], rows=rows).verdict is Verdict.PASS
    assert rows.asked == 0


def test_one_workflow_is_one(usage):
    check = usage([workflow("a", 1), workflow("old", 15)])
    assert "1 workflow by Hera in 14 d" in check.seen
