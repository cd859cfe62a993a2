"""Whose series a query asks for: this namespace's and this Deployment's pods, whoever else one Prometheus scrapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from hera_rollout import metrics
from hera_rollout.canary import Look, Rung
from hera_rollout.metrics import FIGURES, Prometheus, Window, expressions
from hera_rollout.metrics.alerting import rules
from hera_rollout.metrics.figures import query
from hera_rollout.phase.steps.monitoring import slow_queries
from hera_rollout.production import baseline
from hera_rollout.target import Target
from hera_rollout.window import reading

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=10)
OURS = "backend-7c9d8f6b5-x2k4q"
REPLACED = "backend-5f6d4c8b97-q8w7z"
FIFTY = "a-service-whose-name-has-fifty-characters-in-it-ok"
SELECTOR = re.compile(r"(?P<name>\w+)?\{(?P<labels>[^{}]*(?:\{[\d,]+\}[^{}]*)*)\}")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
CLUSTER_WIDE = {"apiserver_request_duration_seconds_bucket"}
Series = tuple[dict[str, str], float, float]
"""Labels, and the counter's value at the beginning and now."""


def matches(labels: str, series: dict[str, str]) -> bool:
    """As Prometheus does: a regular expression is held against the whole value, a missing label is empty."""
    tests = {
        "=": lambda seen, asked: seen == asked,
        "!=": lambda seen, asked: seen != asked,
        "=~": lambda seen, asked: re.fullmatch(asked, seen) is not None,
        "!~": lambda seen, asked: re.fullmatch(asked, seen) is None,
    }
    return all(tests[how](series.get(name, ""), asked) for name, how, asked in MATCHER.findall(labels))


class SmallPrometheus(Prometheus):
    """Series with two values each, chosen by a query's labels and summed by what it is summed by."""

    def __init__(self, *series: Series) -> None:
        self.series = series
        self.queries: list[str] = []

    def instant(self, query: str, at: datetime | None = None) -> pd.DataFrame:
        self.queries.append(query)
        metric = re.findall(r"\b(?:backend_\w+|process_\w+|container_\w+|up)\b", query)[0]
        found = SELECTOR.search(query)
        by = [name.strip() for name in re.findall(r"by \(([^)]*)\)", query)[0].split(",")] if " by (" in query else []
        sums: dict[tuple[str, ...], float] = {}
        for labels, first, last in self.series:
            if labels["__name__"] == metric and matches(found["labels"] if found else "", labels):
                key = tuple(labels.get(name, "") for name in by)
                sums[key] = sums.get(key, 0.0) + (first if at and at < NOW else last)
        rows = [dict(zip(by, key, strict=True), value=value) for key, value in sums.items()]
        return pd.DataFrame(rows, columns=None if rows else ["value"])

    def range(self, query: str, start: datetime, end: datetime, step: float) -> pd.DataFrame:
        self.queries.append(query)
        return pd.DataFrame(columns=["time", "value"])


def creation(pod: str, path: str, outcome: str, first: float, last: float, *, namespace: str = "argo") -> Series:
    name = "backend_workflow_creations_total"
    return {"__name__": name, "namespace": namespace, "pod": pod, "path": path, "outcome": outcome}, first, last


def answers(pod: str, count: float, namespace: str = "argo") -> Iterator[Series]:
    name, route = "backend_http_request_duration_seconds_bucket", "/api/v1/tasks/submit"
    for le in ("0.1", "+Inf"):
        yield {"__name__": name, "namespace": namespace, "pod": pod, "path": "hera", "route": route, "le": le}, 0, count


class NoWorkflows:
    """A namespace without any."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def raw(self, selector: str | None = None, since: datetime | None = None) -> Iterator[Any]:
        return iter(())

    def archived(self, since: datetime) -> Iterator[Any]:
        return iter(())


def looked(target: Target, prometheus: Prometheus) -> Rung:
    look = Look(NoWorkflows(target), SimpleNamespace(target=target), prometheus, 60)  # type: ignore[arg-type]
    return look.at(Rung.begin(25, "code", BEGAN), NOW, logs=False)


@pytest.mark.parametrize(
    ("stranger", "namespace"),
    [
        (OURS, "staging"),
        ("backend-x-7c9d8f6b5-x2k4q", "argo"),
        ("backend-canary-7c9d8f6b5-x2k4q", "argo"),
        ("backend-migrate-x2k4q", "argo"),
        ("my-backend-7c9d8f6b5-x2k4q", "argo"),
    ],
)
def test_a_strangers_failures_and_successes_count_for_no_rung(
    make_target: Callable[..., Target], stranger: str, namespace: str
) -> None:
    prometheus = SmallPrometheus(
        creation(OURS, "hera", "created", 100, 160), creation(REPLACED, "hera", "created", 20, 30),
        creation(OURS, "hera", "error", 0, 1), *answers(OURS, 50),
        creation(stranger, "hera", "error", 0, 400, namespace=namespace),
        creation(stranger, "yaml", "created", 0, 999, namespace=namespace),
        *answers(stranger, 7_000, namespace),
    )  # fmt: skip
    rung = looked(make_target(), prometheus)
    assert (rung.errors.hera, rung.errors.totals) == (71, (1, 0))
    assert (rung.errors.yaml, rung.submissions, rung.answers.hera.n) == (0, 71, 50)


def test_the_baseline_without_a_canary_counts_no_stranger(make_target: Callable[..., Target]) -> None:
    target = make_target()
    prometheus = SmallPrometheus(
        creation(OURS, "yaml", "created", 0, 40), creation(OURS, "yaml", "error", 0, 500, namespace="staging")
    )
    look = Look(NoWorkflows(target), SimpleNamespace(target=target), prometheus, 60)  # type: ignore[arg-type]
    found = baseline._counted(look, NOW)
    assert (found["submissions"], found["failed"]) == (40, 0)


def every_query(target: Target) -> list[str]:
    """What the kit asks for a verdict, a rollback, a picture, and what its alerts ask."""
    prometheus = SmallPrometheus(creation(OURS, "hera", "created", 1, 2))
    looked(target, prometheus)
    baseline.of_service(prometheus, target, 60, NOW)
    window = Window(0, "hera", BEGAN, NOW, 4, (OURS, REPLACED), target.namespace)
    prometheus.queries += [query(figure, window) for figure in FIGURES]
    metrics.errors_over_time(prometheus, [window])
    metrics.scraped_since(prometheus, target.namespace, window.pods, BEGAN, NOW)
    metrics.service(prometheus, [window])
    return [
        *prometheus.queries, *slow_queries(target, 60).values(), *reading.queries(target),
        *(str(rule["expr"]) for rule in rules(target)["groups"][0]["rules"]),
    ]  # fmt: skip


def test_every_query_asks_for_this_namespace_and_for_this_deployments_pods(make_target: Callable[..., Target]) -> None:
    asked = every_query(make_target())
    assert len(asked) > 30
    for text in asked:
        selectors = list(SELECTOR.finditer(text))
        assert selectors, text
        for found in selectors:
            if found["name"] in CLUSTER_WIDE:
                continue
            chosen = {name: (how, value) for name, how, value in MATCHER.findall(found["labels"])}
            assert chosen["namespace"] == ("=", "argo"), text
            if str(found["name"]).startswith("argo_"):  # Argo's controller, which counts by namespace
                continue
            how, pattern = chosen["pod"]
            assert how == "=~"
            assert re.fullmatch(pattern, OURS), text
            assert not re.fullmatch(pattern, "backend-worker-7c9d8f6b5-x2k4q"), text
        without = SELECTOR.sub("", text)
        assert not re.search(r"\b(?:backend_\w+|process_\w+|container_\w+|up)\b", without), (
            f"a metric without any label: {text}"
        )


def pattern_of(deployment: str) -> str:
    (pattern,) = re.findall(r'pod=~"([^"]+)"', expressions.pods(Target(
        name="here", backend_url="http://b", argo_url="http://a", deployment=deployment)))  # fmt: skip
    return str(pattern)


def pod_of(deployment: str, template_hash: str) -> str:
    """As Kubernetes names it: the ReplicaSet's name and a dash, cut to 58 characters, and five more."""
    return f"{deployment}-{template_hash}-"[:58] + "x2k4q"


@pytest.mark.parametrize("template_hash", ["7c9d8f6b5", "5f6d4c8b97", "c8b97f6d"])
@pytest.mark.parametrize("length", [7, 46, 47, 48, 50, 52, 56, 57, 58, 60])
def test_pods_of_a_deployment_with_a_long_name_are_its_own(length: int, template_hash: str) -> None:
    deployment = (FIFTY + "-and-more-of-it")[:length].rstrip("-").ljust(length, "z")
    pattern = pattern_of(deployment)
    assert re.fullmatch(pattern, pod_of(deployment, template_hash))
    assert not re.fullmatch(pattern, f"other-{pod_of(deployment, template_hash)[6:]}")
    if length < 50:
        for longer in (f"{deployment}-x", f"{deployment}-worker", f"{deployment}-canary"):
            assert not re.fullmatch(pattern, pod_of(longer, template_hash)), longer


@pytest.mark.parametrize(
    ("label", "asked"), [({"status": "200"}, 40), ({"status": "2xx"}, 40), ({"code": "200"}, 0), ({}, 0)]
)
def test_requests_whose_status_is_not_told_are_no_good_answers(
    make_target: Callable[..., Target], label: dict[str, str], asked: int
) -> None:
    """A counter by `code`, or by nothing, has no 5xx to be found: as many requests without an error were evidence."""
    series = {"__name__": "backend_http_requests_total", "namespace": "argo", "pod": OURS, "route": "/x", **label}
    found = baseline.counts(SmallPrometheus((series, 0, 40)), make_target(), 60, NOW)
    assert found == (asked, 0)
