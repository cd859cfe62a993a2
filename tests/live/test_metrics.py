"""Figures from the lab's own Argo, archive and Prometheus."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hera_rollout import metrics
from hera_rollout.backend import Backend
from hera_rollout.errors import Refused, Retryable
from hera_rollout.metrics import Prometheus, Window
from hera_rollout.metrics.figures import query
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows, server

pytestmark = pytest.mark.live

QUIET = 2.5
"""A scrape of the lab's Prometheus and a bit: seconds without load at both ends of a window."""

NODE = 20.0
"""cAdvisor's slowest look at a container, a scrape of it, and a bit."""


@pytest.fixture(scope="module")
def prometheus(target: Target) -> Prometheus:
    return Prometheus.of(target)


@pytest.fixture(scope="module")
def load(lab, backend: Backend, workflows: Workflows) -> Iterator[tuple[Window, list[str]]]:
    """A window with three submissions in it, and the names of their workflows, ended."""
    lab.clean()  # another module may have left workflows that start no pod
    pods = tuple(pod.metadata.name for pod in lab.pods())
    path = "hera" if all(flag["enabled"] for flag in lab.flags()) else "yaml"
    time.sleep(QUIET)
    start = datetime.now(UTC)
    sent = [backend.submit(f"print({number})") for number in range(3)]
    try:
        for one in sent:
            assert workflows.wait(one.workflow, 60).succeeded
        time.sleep(QUIET)
        yield Window(0, path, start, datetime.now(UTC), len(sent), pods, lab.namespace), [one.workflow for one in sent]
    finally:
        for one in sent:
            backend.delete(one.task)


def test_each_workflow_is_one_row_also_when_only_the_archive_has_it(
    workflows: Workflows, load: tuple[Window, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    window, names = load
    monkeypatch.setattr(server, "PAGE", 2)  # so that the archive comes in pages
    before = metrics.workflow_frame(workflows, since=window.start)
    assert before["uid"].is_unique
    mine = before[before["name"].isin(names)]
    assert len(mine) == len(names)
    assert set(zip(mine["phase"], mine["path"], mine["how"], strict=True)) == {("Succeeded", window.path, "label")}
    assert (mine["seconds"] > 0).all()
    assert (mine["waited_seconds"] >= 0).all()
    assert mine["cpu"].notna().all()

    def archived() -> bool:
        return {one["metadata"]["name"] for one in workflows.archived(window.start)} >= set(names)

    deadline = time.monotonic() + 20
    while not archived():
        assert time.monotonic() < deadline, "not archived within 20 s"
        time.sleep(0.5)
    workflows.delete(names[0])
    after = metrics.workflow_frame(workflows, since=window.start)
    assert after["uid"].is_unique
    assert set(names) <= set(after["name"])
    assert names[0] not in set(metrics.workflow_frame(workflows, since=window.start, archive=False)["name"])


def test_the_summary_counts_of_how_many(workflows: Workflows, load: tuple[Window, list[str]]) -> None:
    window, names = load
    frame = metrics.workflow_frame(workflows, since=window.start, until=window.end)
    found = metrics.summary(frame[frame["name"].isin(names)]).set_index("path")
    assert found.loc[window.path, "success"] == "3 of 3"


def test_prometheus_gives_frames_with_their_query(prometheus: Prometheus, lab) -> None:
    now, query = datetime.now(UTC), f'up{{job="backend",namespace="{lab.namespace}"}}'
    found = prometheus.instant(query)
    assert set(found["value"]) == {1.0}
    assert found.attrs["command"] == f"promql: {query}"
    series = prometheus.range(query, now - timedelta(seconds=10), now, 2)
    assert {"time", "value", "pod"} <= set(series.columns)
    assert series.attrs["command"].startswith("promql: up")


def test_no_series_is_no_data_and_not_zero(prometheus: Prometheus, target: Target) -> None:
    assert prometheus.value("nobody_counts_this_total") is None
    assert prometheus.value("vector(0) / vector(0)") is None
    now = datetime.now(UTC)
    nobody = Window(0, "hera", now - timedelta(seconds=10), now, 5, ("backend-none-there",), target.namespace)
    assert metrics.service(prometheus, [nobody])["value"].isna().all()


def test_a_wrong_query_is_refused_in_prometheus_own_words(prometheus: Prometheus) -> None:
    with pytest.raises(Refused, match="parse error"):
        prometheus.instant("sum(")


def test_a_prometheus_that_is_not_there_is_told_by_its_address(target: Target) -> None:
    with pytest.raises(Retryable, match=r"Prometheus at http://127\.0\.0\.1:9 did not answer"):
        Prometheus.of(target.model_copy(update={"prometheus_url": "http://127.0.0.1:9"})).instant("up")
    with pytest.raises(Refused, match="names no prometheus_url"):
        Prometheus.of(target.model_copy(update={"prometheus_url": None}))


def test_the_services_own_counters_say_what_was_submitted(
    prometheus: Prometheus, load: tuple[Window, list[str]]
) -> None:
    window, names = load
    found = metrics.service(prometheus, [window]).set_index("figure")["value"]
    assert found["creations"] == len(names)
    assert found["requests"] >= len(names)
    assert (found["errors"], found["creations failed"]) == (0, 0)
    assert 0 < found["answer p50"] <= found["answer p95"]
    assert (found[["cpu", "memory", "network in", "network out"]] > 0).all()


def test_requests_over_time_add_up_to_the_windows(prometheus: Prometheus, load: tuple[Window, list[str]]) -> None:
    window, _ = load
    found = metrics.errors_over_time(prometheus, [window], 2)
    whole = metrics.service(prometheus, [window]).set_index("figure")["value"]["requests"]
    assert abs(found["requests"].sum() - whole) <= 2, "the last bin may end before the window does"
    assert found["errors"].sum() == 0


def test_a_container_that_cadvisor_and_the_kubelet_know_counts_once(
    prometheus: Prometheus, load: tuple[Window, list[str]]
) -> None:
    window, _ = load
    long = Window(0, window.path, window.end - timedelta(seconds=61), window.end, 1, window.pods, window.namespace)
    pods = "|".join(window.pods)
    at = f"@ {long.end.timestamp():.0f}"
    jobs = prometheus.instant(f'count by (job) (container_cpu_usage_seconds_total{{container!="",pod=~"{pods}"}} {at})')
    assert len(jobs) > 1, "the lab scrapes both"
    cpu = next(figure for figure in metrics.FIGURES if figure.name == "cpu")
    counted = prometheus.value(query(cpu, long).partition(" - ")[0])
    process = prometheus.value(f'sum(process_cpu_seconds_total{{pod=~"{pods}"}} {at})')
    assert counted == pytest.approx(process, rel=0.3)


@pytest.mark.soak
def test_pods_made_anew_have_every_figure_from_their_first_scrape_on(
    clean_backend, prometheus: Prometheus, backend: Backend, workflows: Workflows
) -> None:
    """A deploy by the variable: a watch since then would otherwise never have the figures that need a beginning."""
    start = datetime.now(UTC)
    clean_backend.operator.kubectl("rollout", "restart", "deployment/backend")
    clean_backend.settled()
    pods = tuple(pod.metadata.name for pod in clean_backend.pods())
    time.sleep(NODE)
    first = metrics.scraped_since(prometheus, clean_backend.namespace, pods, start, datetime.now(UTC))
    assert first is not None, "the pods are scraped"
    assert first > start
    sent = [backend.submit(f"print({number})") for number in range(2)]
    for one in sent:
        assert workflows.wait(one.workflow, 60).succeeded
    time.sleep(QUIET)
    end = datetime.now(UTC)
    each = {figure.name for figure in metrics.FIGURES if figure.each}
    for began, known in ((start, False), (first, True)):
        found = metrics.service(prometheus, [Window(0, "yaml", began, end, len(sent), pods, clean_backend.namespace)])
        values = found[found["figure"].isin(each)]["value"]
        assert values.notna().all() if known else values.isna().all()
    for one in sent:
        backend.delete(one.task)
    assert (
        metrics.scraped_since(prometheus, clean_backend.namespace, [*pods, "backend-0000000000-00000"], start, end)
        is None
    )
