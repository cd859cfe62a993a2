"""The figures that the guide asks to be monitored, as data, and their values window by window.

A counter's growth is taken from its values at the two ends: `increase()` would lose the first count of a series that
began inside the window, which is just what an error's series does. Nothing after the window's end is looked at: what
follows at once is the next window's load. So a load's last scrape interval is missed, and should be without load.
A process that began or ended inside a window took its counters with it: that window has no data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Final, Literal

import pandas as pd

from hera_rollout.errors import RolloutError
from hera_rollout.metrics import expressions
from hera_rollout.metrics.prometheus import Prometheus
from hera_rollout.metrics.windows import Window

SHORT_SECONDS: Final = 60.0
"""cAdvisor looks at a container every 10 to 15 s: windows shorter than this use the process's own figures."""
SUBMITTING: Final = 'route=~"/api/v1/tasks/submit|/api/v1/tasks/.*/run"'
"""What makes a workflow, in either dialect of the service."""
COLUMNS: Final = ["figure", "window", "path", "value", "unit", "query"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: short.
        words: the guide's words.
        metric: the counter or gauge, with its labels but for the pods; a second one for short windows.
        unit: of the value.
        kind: ``growth`` of counters between the ends, ``level``: the mean over pods and time, or ``quantile`` of a
            histogram's growth, interpolated between its buckets.
        each: whether it is given a submission.
        container: whether several scrape jobs may know it (cAdvisor and the kubelet's own): each container counts once.
        better: which way is good; ``same``: it only says how much load there was.
        share: of a quantile.
    """

    name: str
    words: str
    metric: str
    unit: str
    kind: Literal["growth", "level", "quantile"] = "growth"
    short: str = ""
    each: bool = False
    container: bool = False
    better: Literal["lower", "same"] = "lower"
    share: float = 0.0


_SUBMITTED = f"backend_http_request_duration_seconds_bucket{{{SUBMITTING}}}"
_NETWORK = "container_network_receive_bytes_total"
FIGURES: Final = (
    Figure("requests", "API endpoint performance", 'backend_http_requests_total{route!~"/healthz|/metrics"}',
           "requests", better="same"),
    Figure("errors", "Error rates (should remain stable)", 'backend_http_requests_total{status=~"5.."}', "requests"),
    Figure("answer p50", "Response times (should not increase)", _SUBMITTED, "seconds", kind="quantile", share=0.5),
    Figure("answer p95", "Response times (should not increase)", _SUBMITTED, "seconds", kind="quantile", share=0.95),
    Figure("creations", "Workflow creation success rate", "backend_workflow_creations_total", "tried", better="same"),
    Figure("creations failed", "Workflow creation success rate",
           'backend_workflow_creations_total{outcome!="created"}', "tried"),
    Figure("cpu", "CPU usage", 'container_cpu_usage_seconds_total{container!=""}', "CPU-seconds a submission",
           short="process_cpu_seconds_total", each=True, container=True),
    Figure("memory", "Memory usage", 'container_memory_working_set_bytes{container!=""}', "bytes a pod", kind="level",
           short="process_resident_memory_bytes", container=True),
    Figure("network in", "Network traffic", _NETWORK, "bytes received a submission",
           each=True),
    Figure("network out", "Network traffic", "container_network_transmit_bytes_total", "bytes sent a submission",
           each=True),
)  # fmt: skip
"""Of the service. Times are judged by the submissions themselves, workflows by their status."""
CREATIONS: Final = next(figure for figure in FIGURES if figure.name == "creations")
_OF: Final = {"errors": "requests", "creations failed": "creations"}
"""A bad count's whole: where that was counted and this was not, there was none: its series begins with the first."""


def query(figure: Figure, window: Window) -> str:
    """The PromQL of a figure in a window."""
    metric = figure.short if figure.short and window.seconds < SHORT_SECONDS else figure.metric
    chosen = expressions.series(metric, _pods(window))
    first, last = window.start.timestamp(), window.end.timestamp()
    if figure.kind == "quantile":
        after, before = (f"sum by (le) ({chosen} @ {moment:.0f})" for moment in (last, first))
        return f"histogram_quantile({figure.share:g}, {after} - ({before} or 0 * {after}))"
    if figure.kind == "level":
        mean = f"avg_over_time({chosen}[{max(1, round(window.seconds))}s] @ {last:.0f})"
        return f"avg(sum by (pod) (max by (pod, container) ({mean})))"
    after, before = (f"{chosen} @ {moment:.0f}" for moment in (last, first))
    if figure.container:
        after, before = (f"max by (pod, container) ({one})" for one in (after, before))
    # A counter that nobody had counted up before the window began at zero; CPU has always begun before.
    return f"sum({after}) - (sum({before})" + (")" if figure.each else " or vector(0))")


def _pods(window: Window) -> str:
    return expressions.named(window.pods, window.namespace)


def service(prometheus: Prometheus, windows: Sequence[Window]) -> pd.DataFrame:
    """Every figure in every window.

    Returns:
        Columns: figure, window, path, value (NaN where there is no data), unit, query. One row a figure and window.

    Raises:
        RolloutError: Prometheus does not answer.
    """
    rows = [row for window in windows for row in _rows(prometheus, window)]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"value": float})


def _rows(prometheus: Prometheus, window: Window) -> Iterable[tuple[str, int, str, float | None, str, str]]:
    seen: dict[str, float | None] = {}
    steady, since_before = _processes(prometheus, window)
    for figure in FIGURES:
        asked = query(figure, window)
        known = steady and (not figure.each or (since_before and window.submissions > 0))
        value = prometheus.value(asked) if known else None
        if value is not None and value < 0:
            value = None  # a counter that fell was lost with its process
        if known and value is None and seen.get(_OF.get(figure.name, "")):
            value = 0.0
        seen[figure.name] = value
        shared = value / window.submissions if value is not None and figure.each else value
        yield figure.name, window.number, window.path, shared, figure.unit, asked


def _processes(prometheus: Prometheus, window: Window) -> tuple[bool, bool]:
    """Whether all of a window's processes lived all through it, and whether all were scraped before it began.

    A service that does not tell when its processes began is taken at its word; a counter that fell still shows.
    """
    if not window.pods:
        return False, False
    asked = f"process_start_time_seconds{{{_pods(window)}}}"
    first, last = (
        {str(row["pod"]): float(row["value"]) for row in found.to_dict("records") if "pod" in row}
        for found in (prometheus.instant(f"{asked} @ {one.timestamp():.0f}") for one in (window.start, window.end))
    )
    if not first and not last:
        return True, True
    same = all(last.get(pod) == began for pod, began in first.items())
    steady = same and set(window.pods) <= last.keys() and max(last.values()) <= window.start.timestamp()
    return steady, set(window.pods) <= first.keys()


def scraped_since(
    prometheus: Prometheus, namespace: str, pods: Sequence[str], since: datetime, now: datetime
) -> datetime | None:
    """From when on every figure has all of these pods, each with the process it has now.

    A pod that a deploy or a drained node made anew has no counters before its first scrape.

    Args:
        prometheus: of the target.
        namespace: the pods'.
        pods: by name.
        since: not before this moment, UTC.
        now: not after this one.

    Returns:
        To the second; None where they are not all known by now. Of a service that does not tell when its processes
        began, or a cluster without cAdvisor, only what is known counts.

    Raises:
        RolloutError: Prometheus does not answer.
    """
    mine = expressions.named(pods, namespace)
    began = f"process_start_time_seconds{{{mine}}}"
    youngest = prometheus.value(f"max({began})", now)
    first = datetime.fromtimestamp(ceil(max(since.timestamp(), youngest or 0)), UTC)
    for known, series in ((youngest is not None, began), (None, expressions.series(_NETWORK, mine))):
        if first >= now:
            return None
        whole = prometheus.range(f"count(count by (pod) ({series})) >= {len(pods)}", first, now, step=1.0)
        if len(whole):
            first = whole["time"].iloc[0].to_pydatetime()
        elif known:
            return None
    return first


def errors_over_time(prometheus: Prometheus, windows: Sequence[Window], step: float = 0.0) -> pd.DataFrame:
    """The service's errors from the first window's start to the last one's end, counted bin by bin.

    Args:
        prometheus: of the target.
        windows: in order; the pods of all of them are counted, so that the restarts of a flip are seen through.
        step: seconds a bin; a sixtieth of the time if 0. Not shorter than Prometheus' scrape interval.

    Returns:
        Columns: time (UTC, a bin's end), requests, errors, share (NaN where nothing was asked: no data, not zero).
        Empty where Prometheus has no series. Its queries are in ``attrs["command"]``.

    Raises:
        RolloutError: Prometheus does not answer.
    """
    pods = tuple(sorted({pod for window in windows for pod in window.pods}))
    columns = ["time", "requests", "errors", "share"]
    if not pods:
        return pd.DataFrame(columns=columns)
    start, end = windows[0].start, windows[-1].end
    step = step or max(2.0, (end - start).total_seconds() / 60)
    span = Window(0, "", start, end, 0, pods, windows[0].namespace)
    asked = [f"sum by (pod) ({expressions.series(figure.metric, _pods(span))})" for figure in FIGURES[:2]]
    requests, errors = (_wide(prometheus.range(one, start, end, step)) for one in asked)
    if requests.empty:
        return pd.DataFrame(columns=columns)
    errors = errors.reindex(index=requests.index)
    made = pd.DataFrame({"requests": _growth(requests), "errors": _growth(errors)})
    made["share"] = (made["errors"] / made["requests"]).where(made["requests"] > 0)
    made = made.rename_axis("time").reset_index()[columns]
    made.attrs["command"] = "promql: " + "; ".join(asked)
    return made


def _wide(series: pd.DataFrame) -> pd.DataFrame:
    """A column a pod, a row a moment."""
    return pd.DataFrame() if series.empty else series.pivot_table(index="time", columns="pod", values="value")


def _growth(wide: pd.DataFrame) -> pd.Series:
    """What counters grew by from moment to moment, over all pods; one that fell, or came later, began at zero."""
    grown = wide.diff()
    began_again = (grown < 0) | (wide.notna() & wide.shift().isna())
    return grown.where(~began_again, wide).iloc[1:].sum(axis=1)


def by_path(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a figure: its mean by each path, and how much more Hera's is."""
    if frame.empty:
        raise RolloutError("There are no windows, so there are no figures.")
    wide = frame.pivot_table(index=["figure", "unit"], columns="path", values="value", aggfunc="mean", sort=False)
    made = wide.reindex(columns=["yaml", "hera"]).reset_index()
    made["change"] = [
        f"{hera / yaml - 1:+.0%}" if yaml and not pd.isna(yaml) and not pd.isna(hera) else ""
        for yaml, hera in zip(made["yaml"], made["hera"], strict=True)
    ]
    made.columns.name = None
    return made


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Values as people read them: three digits, bytes in MB or kB."""
    made = frame.copy()
    for column in {"value", "yaml", "hera"} & set(frame.columns):
        made[column] = [_text(value, unit) for value, unit in zip(frame[column], frame["unit"], strict=True)]
    return made


def _text(value: float, unit: str) -> str:
    if pd.isna(value):
        return "no data"
    if unit.startswith("bytes"):
        return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.1f} kB"  # noqa: PLR2004
    return f"{value:.0f}" if value == round(value) else f"{value:.3g}"
