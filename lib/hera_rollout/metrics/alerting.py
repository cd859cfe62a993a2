"""Prometheus' alerting rules with the limits of the gates. Pure.

A point threshold alarms falsely more often than the kit's gates. A healthy service with 0.5 % failures is above 1 % in
22 % of all windows of 50 workflows, and once within 25 such windows in 99.8 % of all cases; a gate may be looked at as
often as one likes and keeps its chance of a wrong verdict. So a rollout is judged by the gates, and the alerts are for
the time between the looks: nights, and the days after the canary. Fewer than `FEWEST` failures never alarm, which
brings the 22 % down to 0.2 %; in windows of 200 workflows it is still 8 %.

What no rule can tell is whether the flag is on: the service exports no flag. So "on, but no workflow by Hera" is told
by Hera having stopped, and "pods differ" by what the pods make. Without data only `HeraRolloutBlind` alarms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, Literal

from hera_rollout.metrics.expressions import labels, pods, quantile, series, span, total
from hera_rollout.metrics.figures import FIGURES, SUBMITTING
from hera_rollout.target import Target

GROUP: Final = "hera-rollout"
WINDOW: Final = 900
"""Seconds over which failures are counted: the dashboard's default."""
LONG: Final = 3_600
"""Seconds over which times, and who makes workflows at all, are looked at."""
WEEK: Final = 604_800
FEWEST: Final = 3
"""Failures in a window below which a share above its limit says too little; one, where the limit tolerates none."""
ENOUGH: Final = 10
"""Workflows after which it is no chance that a pod, or the whole service, made none by the other path."""
_SCRAPES: Final = 4
"""A window has at least so many scrapes."""
_ARGO: Final = "argo_workflows_total_count"
_METRICS: Final = {figure.name: figure.metric for figure in FIGURES}
_BUCKETS: Final = f"backend_http_request_duration_seconds_bucket{{{SUBMITTING}}}"
_SHARE: Final = "{{ $value | humanizePercentage }}"
_TIMES: Final = '{{ printf "%.2f" $value }} times'
_COUNT: Final = '{{ printf "%.0f" $value }}'
_PATH: Final = "{{ $labels.path }}"


@dataclass(frozen=True)
class _Alert:
    """One rule, but for what all have in common.

    Attributes:
        name: after the prefix ``HeraRollout``.
        expr: PromQL, a line a condition.
        minutes: so long it must hold.
        severity: ``page``: users lose work now; ``ticket``: to be looked at in working hours.
        summary: one line.
        description: what was seen; Prometheus fills in the values.
        limit: with whose it is.
    """

    name: str
    expr: str
    minutes: int
    severity: Literal["page", "ticket"]
    summary: str
    description: str
    limit: str


def rules(target: Target) -> dict[str, Any]:
    """A rule file of one group, with a target's limits."""
    return {"groups": [{"name": GROUP, "rules": [_rule(target, alert) for alert in _alerts(target)]}]}


def prometheus_rule(target: Target) -> dict[str, Any]:
    """The same as an object of the Prometheus Operator, in the target's namespace."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": target.state_name, "namespace": target.namespace},
        "spec": rules(target),
    }


def _rule(target: Target, alert: _Alert) -> dict[str, Any]:
    return {
        "alert": f"HeraRollout{alert.name}",
        "expr": alert.expr,
        "for": f"{alert.minutes}m",
        "labels": {"severity": alert.severity, "target": target.name},
        "annotations": {
            "summary": alert.summary,
            "description": f"{alert.description} Limit: {alert.limit}.",
            "runbook": f"Flag off, and proof of it: hera-rollout rollback --target {target.name} --yes",
        },
    }


def _alerts(target: Target) -> Iterator[_Alert]:
    yield _creation(target)
    yield _errors(target)
    yield _failing(target)
    yield from _slower(target)
    yield _stopped(target)
    yield _disagreeing(target)
    yield _restarting(target)
    yield _blind(target)


def _creation(target: Target) -> _Alert:
    window, of = _window(target, WINDOW), pods(target)
    failed = total(series(_METRICS["creations failed"], of), window, by="path")
    tried = total(series(_METRICS["creations"], of), window, by="path")
    return _Alert(
        "CreationFailing", _above(failed, tried, _tolerated(target)), 2, "page",
        f"Submissions by {_PATH} make no workflow.",
        f"{_SHARE} of the submissions by {_PATH} made no workflow in {span(window)}."
        '{{ if eq $labels.path "yaml" }} It is the YAML path that fails: the way back does not help.{{ end }}',
        _succeeding(target),
    )  # fmt: skip


def _errors(target: Target) -> _Alert:
    window, of, limits = _window(target, WINDOW), pods(target), target.limits
    requests = series(_METRICS["requests"], of)
    errors = total(series(requests, labels(_METRICS["errors"])), window)
    return _Alert(
        "Errors", _above(errors, total(requests, window), limits.error_rate_max), 2, "page",
        "The service answers with errors.",
        f"{_SHARE} of all requests were answered 5xx in {span(window)}. An error has no path.",
        f"{_percent(limits.error_rate_max)} ({limits.source('error_rate_max')})",
    )  # fmt: skip


def _failing(target: Target) -> _Alert:
    window, of = _window(target, WINDOW), f'namespace="{target.namespace}"'
    failed = total(series(_ARGO, 'phase=~"Failed|Error"', of), window)
    ended = total(series(_ARGO, 'phase=~"Succeeded|Failed|Error"', of), window)
    return _Alert(
        "WorkflowsFailing", _above(failed, ended, _tolerated(target)), 5, "ticket",
        "Workflows fail.",
        f"{_SHARE} of the workflows that ended in {span(window)} failed, as Argo's controller counts them: by both "
        "paths, and users' own mistakes too. By path: "
        f"`kubectl get workflows -n {target.namespace} -L hera-rollout/path`.",
        _succeeding(target),
    )  # fmt: skip


def _slower(target: Target) -> Iterator[_Alert]:
    """Against YAML's answers beside Hera's; where there are too few of them, against those of a week ago."""
    window, limits = _window(target, LONG), target.limits
    hera, beside, before = _Answers(target, "hera"), _Answers(target, "yaml"), _Answers(target, "yaml", WEEK)
    limit = f"{_percent(limits.slowdown_max)} slower ({limits.source('slowdown_max')})"
    yield _Alert(
        "SlowerThanYaml", hera.above(beside), 15, "ticket",
        "Submissions by Hera are answered more slowly than those by YAML.",
        f"p95 of the answers by Hera is {_TIMES} that by YAML in the same {span(window)}, estimated from the buckets "
        "of a histogram.",
        limit,
    )  # fmt: skip
    yield _Alert(
        "SlowerThanYamlBefore", f"{hera.above(before)}\nunless {beside.enough()}", 15, "ticket",
        "Submissions by Hera are answered more slowly than those by YAML a week ago.",
        f"p95 of the answers by Hera is {_TIMES} that by YAML in the same {span(window)} a week ago, estimated from "
        "the buckets of a histogram. By YAML there are too few now, and the load may be another one than then.",
        limit,
    )  # fmt: skip


def _stopped(target: Target) -> _Alert:
    window, of = _window(target, LONG), pods(target)
    every, hera = series(_METRICS["creations"], of), series(_METRICS["creations"], 'path="hera"', of)
    expected = f"{total(hera, window, ago=window)}\n/ {total(every, window, ago=window)}\n* {total(every, window)}"
    return _Alert(
        "HeraStopped", f"{expected}\n>= {ENOUGH}\nunless {total(hera, window)} > 0", 5, "ticket",
        "Hera makes no more workflows, though tasks come.",
        f"At its share of the {span(window)} before, Hera would have been given {_COUNT} submissions in the last "
        f"{span(window)}, and was given none. After a rollback that is as it should be; else see what decides: "
        "GET /api/v1/flag of each pod.",
        f"{ENOUGH} expected and none made (the kit's)",
    )  # fmt: skip


def _disagreeing(target: Target) -> _Alert:
    window, of = _window(target, WINDOW), pods(target)
    yaml, hera = (
        total(series(_METRICS["creations"], f'path="{path}"', of), window, by="pod") for path in ("yaml", "hera")
    )
    only_yaml, only_hera = (f"count({one} >= {ENOUGH} unless {none} > 0)" for one, none in ((yaml, hera), (hera, yaml)))
    # Pods that are gone stay in the window: only what holds for longer than it is not just a rolling restart.
    minutes = ceil(window / 60) + 5
    return _Alert(
        "PodsDisagree", f"{only_yaml}\nand {only_hera}", minutes, "ticket",
        "Pods of the service read the flag differently.",
        f"{_COUNT} of the pods submit by YAML only, others by Hera only. A split by task gives every pod both: see "
        "GET /api/v1/flag of each pod.",
        f"{ENOUGH} submissions of a pod in {span(window)} by one path and none by the other (the kit's)",
    )  # fmt: skip


def _restarting(target: Target) -> _Alert:
    window = _window(target, 2 * WINDOW)
    started, most = series("process_start_time_seconds", pods(target)), target.limits.restarts_max
    return _Alert(
        "PodsRestarting", f"sum (max by (pod) (changes({started}[{span(window)}])))\n> {most}", 1, "page",
        "The service's containers restart.",
        f"{_COUNT} times in {span(window)} the service began anew in a pod that stayed; replaced pods do not count. "
        f"Why: `kubectl describe pods -n {target.namespace}`, `kubectl logs --previous`.",
        f"{most} restart{'' if most == 1 else 's'} ({target.limits.source('restarts_max')})",
    )  # fmt: skip


def _blind(target: Target) -> _Alert:
    return _Alert(
        "Blind", f"absent({series('up', pods(target))} == 1)", 5, "page",
        "No pod of the service is scraped.",
        "The service is down, or Prometheus does not find it: the other alerts about it are silent meanwhile.",
        "one pod (the kit's)",
    )  # fmt: skip


@dataclass(frozen=True)
class _Answers:
    """Times to the answer of submissions by one path, now or some seconds ago."""

    target: Target
    path: str
    ago: int = 0

    def above(self, baseline: _Answers) -> str:
        """A p95 above the baseline's by more than the limit, where both rest on enough answers."""
        ratio = f"{self._p95()}\n/ {baseline._p95()}\n> {_number(1 + self.target.limits.slowdown_max)}"
        return f"{ratio}\nand {self.enough()}\nand {baseline.enough()}"

    def enough(self) -> str:
        """As many answers as the gate wants before it compares times at all."""
        counted = total(self._buckets('le="+Inf"'), _window(self.target, LONG), ago=self.ago)
        return f"{counted} >= {self.target.limits.burn_in}"

    def _p95(self) -> str:
        return quantile(0.95, self._buckets(), _window(self.target, LONG), self.ago)

    def _buckets(self, *more: str) -> str:
        return series(_BUCKETS, f'path="{self.path}"', *more, pods(self.target))


def _above(bad: str, whole: str, limit: float) -> str:
    """A share above its limit that does not rest on a single failure."""
    return f"{bad}\n/ {whole}\n> {_number(limit)}\nand {bad} >= {FEWEST if limit > 0 else 1}"


def _window(target: Target, seconds: int) -> int:
    """Long enough for some scrapes."""
    return max(seconds, _SCRAPES * target.limits.scrape_seconds)


def _tolerated(target: Target) -> float:
    return 1 - target.limits.success_rate_min


def _succeeding(target: Target) -> str:
    limits = target.limits
    least = f"at least {_percent(limits.success_rate_min)} succeed"
    return f"{_percent(_tolerated(target))}, {least} ({limits.source('success_rate_min')})"


def _percent(share: float) -> str:
    return f"{_number(100 * share)} %"


def _number(value: float) -> str:
    """Without the digits that binary fractions bring along: 1 - 0.99 is 0.01."""
    return f"{value:.10g}"
