"""The figures that the guide asks to be monitored, as data, and their values window by window.

A counter's growth is taken from its values at the two ends: `increase()` would lose the first count of a series that
began inside the window, which is just what an error's series does. Nothing after the window's end is looked at: what
follows at once is the next window's load. So a load's last scrape interval is missed, and should be without load.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from hera_rollout.errors import RolloutError
from hera_rollout.metrics.prometheus import Prometheus
from hera_rollout.metrics.windows import Window

SHORT_SECONDS: Final = 60.0
"""cAdvisor looks at a container every 10 to 15 s: windows shorter than this use the process's own figures."""
COLUMNS: Final = ["figure", "window", "path", "value", "unit", "query"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: short.
        words: the guide's words.
        metric: the counter or gauge, with its labels but for the pods; a second one for short windows.
        unit: of the value.
        kind: ``growth`` of counters between the ends, or ``level``: the mean over pods and time.
        each: whether it is given a submission.
    """

    name: str
    words: str
    metric: str
    unit: str
    kind: Literal["growth", "level"] = "growth"
    short: str = ""
    each: bool = False


FIGURES: Final = (
    Figure("requests", "API endpoint performance", 'backend_http_requests_total{route!~"/healthz|/metrics"}',
           "requests"),
    Figure("errors", "Error rates (should remain stable)", 'backend_http_requests_total{status=~"5.."}', "requests"),
    Figure("creations", "Workflow creation success rate", "backend_workflow_creations_total", "workflows"),
    Figure("cpu", "CPU usage", 'container_cpu_usage_seconds_total{container!=""}', "CPU-seconds a submission",
           short="process_cpu_seconds_total", each=True),
    Figure("memory", "Memory usage", 'container_memory_working_set_bytes{container!=""}', "bytes a pod", kind="level",
           short="process_resident_memory_bytes"),
    Figure("network", "Network traffic", "container_network_receive_bytes_total", "bytes received a submission",
           each=True),
)  # fmt: skip
"""Of the service; times are taken from the submissions themselves, workflows' figures from their status."""


def query(figure: Figure, window: Window) -> str:
    """The PromQL of a figure in a window."""
    metric = figure.short if figure.short and window.seconds < SHORT_SECONDS else figure.metric
    name, _, labels = metric.rstrip("}").partition("{")
    chosen = f"{name}{{{','.join(filter(None, [labels, _pods(window)]))}}}"
    first, last = window.start.timestamp(), window.end.timestamp()
    if figure.kind == "level":
        return f"avg(avg_over_time({chosen}[{max(1, round(window.seconds))}s] @ {last:.0f}))"
    # A counter that nobody had counted up before the window began at zero; CPU has always begun before.
    before = f"sum({chosen} @ {first:.0f})" + ("" if figure.each else " or vector(0)")
    return f"sum({chosen} @ {last:.0f}) - ({before})"


def _pods(window: Window) -> str:
    return f'pod=~"{"|".join(window.pods)}"'


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
    for figure in FIGURES:
        asked = query(figure, window)
        value = prometheus.value(asked) if window.pods else None
        if figure.name == "errors" and value is None and seen.get("requests"):
            value = 0.0  # requests were counted, and none of them was an error: its series does not exist yet
        seen[figure.name] = value
        shared = value / window.submissions if value is not None and figure.each and window.submissions else value
        yield figure.name, window.number, window.path, shared, figure.unit, asked


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
