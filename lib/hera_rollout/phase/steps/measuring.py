"""Times, errors and resources by path over the alternating windows."""

from datetime import datetime
from typing import Any

import pandas as pd

from hera_rollout import display, metrics
from hera_rollout.canary.looking import path_of
from hera_rollout.errors import RolloutError
from hera_rollout.metrics import Window
from hera_rollout.metrics.figures import COLUMNS, by_path, shown
from hera_rollout.metrics.judging import pairs, rows_of
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.alternating import WINDOWS


def measures(phase: Phase) -> None:
    """Show and judge what the windows measured: times, creation success, error rate, CPU, memory."""
    kept: list[dict[str, Any]] = phase.memory.get(WINDOWS, [])
    if phase.dry_run or not kept:
        display.note("Measures: no window was run, so there is nothing to measure")
        return
    submissions = pd.DataFrame(list(rows_of(kept)))
    windows = [window_of(one, phase.target.namespace) for one in kept]
    figures = _figures(phase, windows)
    limits = phase.target.limits
    _workflows(phase, windows[0].start)
    display.times_by_path(submissions, limits.slowdown_max, limits.source("slowdown_max"))
    if not figures.empty:
        display.table(shown(by_path(figures)), "The service by path, mean of its windows", command="")
        display.table(shown(figures), "Every window, with its query", command="", folded=True)
        changes = {name: pairs(figures[figures["figure"] == name]) for name in ("cpu", "memory")}
        display.resources_by_path(changes, limits.resources_up_max, limits.source("resources_up_max"))
        _errors(phase, windows)
    seconds = (windows[-1].end - windows[0].start).total_seconds()
    rate = sum(submissions["path"] == "hera") / seconds if seconds else 0.0
    for check in metrics.checks(submissions, figures, phase.target, phase.code_revision, rate):
        phase.check(check)


def window_of(kept: dict[str, Any], namespace: str) -> Window:
    """A kept window as metrics take it."""
    return Window(kept["number"], kept["path"], datetime.fromisoformat(kept["began"]),
                  datetime.fromisoformat(kept["ended"]), len(kept["rows"]), tuple(kept["pods"]),
                  namespace)  # fmt: skip


def _figures(phase: Phase, windows: list[Window]) -> pd.DataFrame:
    """The service's figures; none, and said so, where Prometheus does not give any."""
    try:
        return metrics.service(phase.prometheus, windows)
    except RolloutError as error:
        display.note(f"No figures of the service: {error.seen}")
        return pd.DataFrame(columns=COLUMNS)


def _errors(phase: Phase, windows: list[Window]) -> None:
    """The error rate over all windows, with each turn of the flag."""
    found = metrics.errors_over_time(phase.prometheus, windows)
    limits = phase.target.limits
    spans = [(one.path, one.start, one.end) for one in windows]
    display.error_rate_over_time(found, spans, limits.error_rate_max, limits.source("error_rate_max"))


def _workflows(phase: Phase, since: datetime) -> None:
    """All of the service's workflows in the windows' time, by path."""
    frame = metrics.workflow_frame(phase.workflows, since=since, path_of=path_of)
    command = str(frame.attrs["command"])
    mine, limits = frame[frame["task"] != ""], phase.target.limits
    display.table(metrics.summary(mine), "Workflows by path since the first window", command=command)
    display.success_by_path(mine, limits.success_rate_min, limits.source("success_rate_min"))
