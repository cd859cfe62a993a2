"""The guide's monitoring checklist, each line with its value and its query; and why something became slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pandas as pd

from hera_rollout import checklists, display, logclasses, metrics
from hera_rollout.canary import Rung
from hera_rollout.canary.looking import path_of
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.metrics import Window, expressions, figures
from hera_rollout.metrics.figures import COLUMNS, CREATIONS, shown
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.climbing import Climb
from hera_rollout.target import Target

MONITORED: Final = "monitoring checklist"
NO_DATA: Final = "no data"
_SECOND: Final = timedelta(seconds=1)
_LOGS: Final = {
    "Application startup logs": "startup",
    "Workflow creation logs": "creation",
    "Error logs": "error",
    "Warning messages": "warning",
}


def monitoring(phase: Phase) -> None:
    """The whole monitoring checklist since the ladder began."""
    monitored(phase, () if phase.dry_run else Climb.of(phase).ladder.rungs, "since the first rung")


def monitored(phase: Phase, rungs: Sequence[Rung], when: str) -> None:
    """The guide's list over the time of some rungs: application, workflow, infrastructure, logs.

    Args:
        phase: the run.
        rungs: with what they have shown; none where nothing was changed.
        when: in words.
    """
    if not rungs:
        display.note("Monitoring checklist: nothing was changed, so there is nothing to monitor")
        return
    since = datetime.fromtimestamp(rungs[0].began, UTC)
    submitted = sum(rung.submissions for rung in rungs)
    rows = [*_service(phase, since, submitted), *_workflows(phase, since), *_pods(phase), *_logs(phase, since)]
    order = {line.words: place for place, line in enumerate(checklists.MONITORING)}
    rows.sort(key=lambda row: order[row["the guide's words"]])
    frame = pd.DataFrame(rows)
    display.table(frame, f"The guide's monitoring checklist {when}", command="")
    phase.check(monitored_check(rows))


def monitored_check(rows: Sequence[Mapping[str, str]]) -> Check:
    """PASS if every line of the list has data; HOLD names those that have none, or could not be read."""
    lines: dict[str, list[str]] = {line.words: [] for line in checklists.MONITORING}
    for row in rows:
        lines[row["the guide's words"]].append(row["seen"])
    # What could not be read says why behind these words.
    missing = [words for words, seen in lines.items() if all(one.startswith(NO_DATA) for one in seen)]
    return judge(
        name=MONITORED, rule=rules.withheld if missing else rules.holds,
        evidence={"holds": not missing, "missing": missing, "lines": len(lines)},
        seen=f"{len(lines) - len(missing)} of {len(lines)} lines have data"
        + (f"; no data: {', '.join(missing)}" if missing else ""),
        expected="every line of the list has data", limit_source="guide", why="No data is no evidence.",
        todo="See whether Prometheus scrapes the service and the nodes (its targets page)." if missing else "",
    )  # fmt: skip


def _row(kind: str, words: str, what: str, seen: str, query: str) -> dict[str, str]:
    return {"list": kind, "the guide's words": words, "what": what, "seen": seen, "query": query}


def _service(phase: Phase, since: datetime, submitted: int) -> list[dict[str, str]]:
    """Prometheus' figures over this time, or over what of it the pods of now were there for."""
    pods = tuple(sorted(phase.cluster.pods(phase.cluster.selector())["name"]))
    try:
        window = _window(phase, since, submitted, pods)
        known = metrics.service(phase.prometheus, [window])
    except RolloutError as error:
        display.note(f"No figures of the service: {error.seen}")
        known = pd.DataFrame(columns=COLUMNS)
    by_name = {row["figure"]: row for row in shown(known).to_dict("records")} if len(known) else {}
    kinds = {line.words: line.kind for line in checklists.MONITORING}
    rows = []
    for figure in metrics.FIGURES:
        found = by_name.get(figure.name)
        seen = NO_DATA if found is None or found["value"] == NO_DATA else f"{found['value']} {_unit(figure.unit)}"
        rows.append(
            _row(kinds[figure.words], figure.words, figure.name, seen.strip(), str(found["query"]) if found else "")
        )
    return rows


def _window(phase: Phase, since: datetime, submitted: int, pods: tuple[str, ...]) -> Window:
    """The time since then; shorter where a deploy or a drained node made pods anew: theirs is what is known."""
    prometheus, now, namespace = phase.prometheus, datetime.now(UTC), phase.target.namespace
    first = metrics.scraped_since(prometheus, namespace, pods, since, now) if pods else None
    if first is None:
        return Window(0, "hera", since, now, submitted, pods, namespace)
    if first - since <= _SECOND:
        # Not from `since` itself: a pod that was first scraped within that second has no figure at its beginning.
        return Window(0, "hera", first, now, submitted, pods, namespace)
    display.note(f"The service's figures begin at {first:%H:%M:%S} UTC: its pods of now were not scraped before")
    window = Window(0, "hera", first, now, 0, pods, namespace)
    made = prometheus.value(figures.query(CREATIONS, window))
    return replace(window, submissions=round(made or 0))


def _unit(unit: str) -> str:
    """Bytes are in the value already."""
    return unit.removeprefix("bytes").strip()


def _workflows(phase: Phase, since: datetime) -> list[dict[str, str]]:
    """Workflows by path, from their status and labels."""
    frame = metrics.workflow_frame(phase.workflows, since=since, path_of=path_of)
    mine, command = frame[frame["task"] != ""], str(frame.attrs["command"])
    rows = []
    for one in metrics.summary(mine).to_dict("records") if len(mine) else []:
        path = str(one["path"])
        phases = mine[mine["path"] == path]["phase"].replace("", "Pending").value_counts()
        told = ", ".join(f"{count} {phase_}" for phase_, count in phases.items())
        for words, seen in (
            ("Workflow execution success rate", one["success"]),
            ("Average workflow execution time", f"median {one['median']}, 95 % {one['95 %']}"),
            ("Failed workflow count", str(one["failed"])),
            ("Workflow phase distribution", told),
        ):
            rows.append(_row("workflow", words, path, str(seen), command))
    if not rows:
        rows = [_row("workflow", line.words, "", NO_DATA, command)
                for line in checklists.MONITORING if line.kind == "workflow"]  # fmt: skip
    return rows


def _pods(phase: Phase) -> list[dict[str, str]]:
    """What the pods may take, and whether they had to begin again."""
    found = []
    for pod in phase.cluster.pod_documents(phase.cluster.selector()):
        for container in pod["spec"]["containers"]:
            asked = container.get("resources") or {}
            state = [one for one in (pod.get("status") or {}).get("containerStatuses") or []
                     if one["name"] == container["name"]]  # fmt: skip
            restarts = sum(int(one.get("restartCount") or 0) for one in state)
            found.append(f"requests {_amounts(asked.get('requests'))}, limits {_amounts(asked.get('limits'))}, "
                         f"{restarts} restarts")  # fmt: skip
    seen = "; ".join(sorted(set(found))) or NO_DATA
    return [_row("infrastructure", "Kubernetes resource usage", f"{len(found)} containers", seen,
                 f"kubectl describe pods -l {phase.cluster.selector()} -n {phase.target.namespace}")]  # fmt: skip


def _amounts(asked: dict[str, str] | None) -> str:
    return "/".join(str(value) for value in (asked or {}).values()) or "none"


def _logs(phase: Phase, since: datetime) -> list[dict[str, str]]:
    """Entries by class. Nothing restarts at a rung, so no line of a start is a good sign there."""
    command = f"kubectl logs deployment/{phase.target.deployment} --all-pods -n {phase.target.namespace} --since-time=…"
    try:
        found = logclasses.read(phase.cluster, since)
    except RolloutError as error:
        return [_row("logs", words, "", f"{NO_DATA}: {error.seen}"[:80], command) for words in _LOGS]
    return [_row("logs", words, kind, f"{len(found.of(kind))} entries", command)  # type: ignore[arg-type]
            for words, kind in _LOGS.items()]  # fmt: skip


def diagnose_times(phase: Phase, since: datetime) -> None:
    """Why something became slow, by the guide's list: limits and throttling, node, API, the service's own log."""
    rows = [*_limits(phase), *_asked(phase, since), *_node(phase), *_slow_log(phase, since)]
    display.table(pd.DataFrame(rows, columns=["look at", "seen", "query"]),
                  "Performance degradation: what the guide says to look at", command="")  # fmt: skip


def _limits(phase: Phase) -> list[tuple[str, str, str]]:
    row = _pods(phase)[0]
    return [("Resource limits", row["seen"], row["query"])]


def _asked(phase: Phase, since: datetime) -> list[tuple[str, str, str]]:
    """What Prometheus can say about throttling, the network and the API server."""
    asked = slow_queries(phase.target, max(30, round((datetime.now(UTC) - since).total_seconds())))
    rows = []
    for words, query in asked.items():
        try:
            value = phase.prometheus.value(query)
            seen = NO_DATA if value is None else f"{value:.3g}"
        except RolloutError as error:
            seen = error.seen
        rows.append((words, seen, query))
    return rows


def slow_queries(target: Target, seconds: int) -> dict[str, str]:
    """The PromQL of what the guide says to look at, over so many seconds, by the guide's words."""
    of, span = expressions.pods(target), f"[{seconds}s]"
    throttled, periods, dropped = (
        f"sum(increase({metric}{{{of}}}{span}))"
        for metric in (
            "container_cpu_cfs_throttled_periods_total",
            "container_cpu_cfs_periods_total",
            "container_network_receive_packets_dropped_total",
        )
    )
    return {
        "Resource limits: share of CPU periods throttled": f"{throttled} / {periods}",
        "Network latency: errors and drops": dropped,
        "Kubernetes cluster health: API server p99": "histogram_quantile(0.99, sum by (le) (increase("
        f'apiserver_request_duration_seconds_bucket{{verb!~"WATCH|CONNECT"}}{span})))',
    }


def _node(phase: Phase) -> list[tuple[str, str, str]]:
    """The nodes' conditions, where the operator may read them."""
    command = "kubectl get nodes"
    try:
        nodes = phase.cluster.connection.items("/api/v1/nodes", command)
    except RolloutError as error:
        return [("Kubernetes cluster health: nodes", f"not readable: {error.seen}"[:160], command)]
    told = []
    for node in nodes:
        status = {one["type"]: one["status"] for one in node["status"].get("conditions", [])}
        bad = [kind for kind, value in status.items() if value != ("True" if kind == "Ready" else "False")]
        told.append(f"{node['metadata']['name']}: {', '.join(bad) or 'Ready, no pressure'}")
    return [("Kubernetes cluster health: nodes", "; ".join(told) or NO_DATA, command)]


def _slow_log(phase: Phase, since: datetime) -> list[tuple[str, str, str]]:
    row = _logs(phase, since)
    told = ", ".join(f"{one['what']}: {one['seen']}" for one in row[2:])
    return [("Application logs", told, row[0]["query"])]
