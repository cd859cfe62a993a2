"""What the service counted as created by Hera against the workflows that were seen: what is missing is never good."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from hera_rollout.canary import Ladder, Look, Rung, checks, misplaced
from hera_rollout.canary.judging import ERRORS, SUCCESS
from hera_rollout.canary.looking import SCRAPED_SECONDS, buckets, creations
from hera_rollout.errors import Retryable
from hera_rollout.gates import Check, Errors, RungShare, Verdict, rules
from hera_rollout.metrics import Prometheus
from hera_rollout.production import Baseline, Watch
from hera_rollout.production import checks as production_checks
from hera_rollout.target import Limits, Target

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEGAN = NOW - timedelta(minutes=30)
LIMITS = Limits()
Document = dict[str, Any]


def workflow(number: int, made: datetime, phase: str = "Succeeded", path: str = "hera") -> Document:
    stamp, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (made, made + timedelta(seconds=5)))
    labels = {"hera-rollout/path": path, "hera-rollout/task": f"task-{number}"}
    times = {"startedAt": stamp} | ({"finishedAt": end} if phase != "Running" else {})
    return {"metadata": {"uid": f"{path}-{number}", "name": f"wf-{path}-{number}", "labels": labels,
                         "creationTimestamp": stamp}, "status": {"phase": phase, **times}}  # fmt: skip


class Cluster:
    """Workflows that come and go."""

    def __init__(self, target: Target, *documents: Document) -> None:
        self.target, self.documents = target, list(documents)

    def raw(self, selector: str | None = None, since: datetime | None = None) -> Iterator[Document]:
        for one in self.documents:
            made = datetime.fromisoformat(one["metadata"]["creationTimestamp"])
            if since is None or made >= since.replace(microsecond=0):
                yield one

    def archived(self, since: datetime) -> Iterator[Document]:
        return iter(())


class Counters(Prometheus):
    """Each pod's count of creations by Hera at the beginning and now, when it started, and whether it was scraped."""

    def __init__(self, first: dict[str, float], last: dict[str, float], **more: Any) -> None:
        self.first, self.last = first, last
        self.scraped: dict[str, float] = more.get("scraped", dict.fromkeys(first, BEGAN.timestamp()))
        self.started: dict[str, float] = more.get("started", dict.fromkeys(last, 0.0))
        self.labels: dict[str, str] = more.get("labels", {"path": "hera", "outcome": "created"})
        self.failed: dict[str, float] = more.get("failed", {})
        self.yaml: float = more.get("yaml", 0)
        self.between: tuple[datetime, float] | None = more.get("between")
        self.failing = False

    def instant(self, query: str, at: datetime | None = None) -> pd.DataFrame:
        if self.failing:
            raise Retryable("Prometheus did not answer.")
        early = at is not None and at <= BEGAN
        if "backend_workflow_creations_total" in query:
            counts = self.first if early else self.last
            if self.between and at and not early and at <= self.between[0]:
                counts = dict.fromkeys(self.last, self.between[1])
            rows = [{"pod": pod, **self.labels, "value": one} for pod, one in counts.items()]
            if not early and self.labels:
                rows += [{"pod": pod, "path": "hera", "outcome": "error", "value": one}
                         for pod, one in self.failed.items()]  # fmt: skip
                rows += [{"pod": "a", "path": "yaml", "outcome": "created", "value": self.yaml}] * bool(self.yaml)
        elif "timestamp(up" in query:
            rows = [{"pod": pod, "value": moment} for pod, moment in self.scraped.items()]
        elif "process_start_time_seconds" in query:
            rows = [{"pod": pod, "value": moment} for pod, moment in self.started.items()]
        else:
            rows = []
        return pd.DataFrame(rows, columns=None if rows else ["value"])


class Asked(Counters):
    """Notes what it was asked."""

    def instant(self, query: str, at: datetime | None = None) -> pd.DataFrame:
        self.asked = [*getattr(self, "asked", []), (query, at)]
        return super().instant(query, at)


Looker = Callable[..., tuple[Look, Cluster]]


@pytest.fixture
def looker(make_target: Callable[..., Target]) -> Looker:
    def make(prometheus: Prometheus | None, *documents: Document) -> tuple[Look, Cluster]:
        target = make_target()
        cluster = Cluster(target, *documents)
        return Look(cluster, SimpleNamespace(target=target), prometheus, 60), cluster  # type: ignore[arg-type]

    return make


def begun() -> Rung:
    return Rung.begin(100, "code", BEGAN)


def good(count: int, first: int = 0) -> list[Document]:
    return [workflow(first + number, BEGAN + timedelta(seconds=10 + number)) for number in range(count)]


def at(look: Look, rung: Rung) -> Rung:
    return look.at(rung, NOW, logs=False)


def judged(*rungs: Rung) -> Check:
    made = {check.name: check for check in checks(Ladder(code_revision="code", rungs=rungs), LIMITS)}[SUCCESS]
    assert rules.RULES[made.rule](json.loads(json.dumps(made.evidence))) is made.verdict, "a record judges the same"
    return made


def test_created_by_the_services_counter_and_not_seen_is_not_good(looker: Looker) -> None:
    look, _ = looker(Counters({"a": 50}, {"a": 1_050}), *good(600))
    check = judged(at(look, begun()))
    assert check.verdict is Verdict.HOLD
    assert "1,000 created by Hera by the service's counter, 600 workflows seen: 400 are not accounted for" in check.seen
    assert "archive" in check.todo


def test_a_single_one_that_is_missing_is_enough(looker: Looker) -> None:
    look, _ = looker(Counters({}, {"a": 601}, scraped={"a": BEGAN.timestamp()}), *good(600))
    check = judged(at(look, begun()))
    assert check.verdict is Verdict.HOLD
    assert "1 is not accounted for" in check.seen


def test_failures_that_were_deleted_before_a_run_anew_are_missing(looker: Looker) -> None:
    """Fourteen that failed are deleted on the cluster and in the archive, and nothing of them was kept."""
    look, _ = looker(Counters({"a": 0}, {"a": 614}), *good(600))
    assert judged(at(look, begun())).verdict is Verdict.HOLD


def test_where_every_creation_was_seen_the_gate_passes_and_says_so(looker: Looker) -> None:
    look, _ = looker(Counters({"a": 50, "gone": 7}, {"a": 640, "gone": 17}), *good(600))
    check = judged(at(look, begun()))
    assert check.verdict is Verdict.PASS
    assert "600 created by Hera by the service's counter" in check.seen
    assert "if failures come one at a time" in check.seen


def test_workflows_in_flight_were_seen(looker: Looker) -> None:
    running = [workflow(1_000 + number, NOW - timedelta(seconds=5), "Running") for number in range(9)]
    look, _ = looker(Counters({"a": 0}, {"a": 609}), *good(600), *running)
    assert judged(at(look, begun())).verdict is Verdict.PASS


def test_what_was_seen_and_is_gone_counts_in_this_run_and_in_the_next(looker: Looker) -> None:
    prometheus = Counters({"a": 0}, {"a": 600})
    look, cluster = looker(prometheus, *good(600))
    rung = at(look, begun())
    cluster.documents.clear()
    assert judged(at(look, rung)).verdict is Verdict.PASS
    another, _ = looker(prometheus)
    assert judged(at(another, Rung.read(json.loads(json.dumps(rung.plain()))))).verdict is Verdict.PASS


def test_those_made_between_the_last_scrape_and_the_beginning_are_seen_too(looker: Looker) -> None:
    """The counter's first value is of a scrape half a minute before the rung: what came then grows it."""
    early = [workflow(5_000 + number, BEGAN - timedelta(seconds=number)) for number in range(1, 26)]
    scraped = {"a": BEGAN.timestamp() - 26}
    look, cluster = looker(Counters({"a": 100}, {"a": 725}, scraped=scraped), *good(600), *early)
    rung = at(look, begun())
    assert rung.hera.outcomes.workflows == 600, "they are no outcome of this rung"
    assert judged(rung).verdict is Verdict.PASS
    cluster.documents = good(600)
    another, _ = looker(Counters({"a": 100}, {"a": 725}, scraped=scraped), *good(600))
    assert judged(at(another, rung)).verdict is Verdict.PASS, "also where they are gone by now"


def test_pods_that_were_made_for_the_deploy_counted_before_it_was_done(looker: Looker) -> None:
    early = [workflow(5_000 + number, BEGAN - timedelta(seconds=20 + number)) for number in range(15)]
    prometheus = Counters({"old": 10}, {"old": 10, "new": 615}, scraped={"old": BEGAN.timestamp() - 2},
                          started={"old": 0.0, "new": BEGAN.timestamp() - 40})  # fmt: skip
    look, _ = looker(prometheus, *good(600), *early)
    assert judged(at(look, begun())).verdict is Verdict.PASS


def test_an_idle_pod_that_was_scraped_does_not_excuse_what_was_made_before(looker: Looker) -> None:
    before = [workflow(5_000 + number, BEGAN - timedelta(seconds=300 + number)) for number in range(50)]
    prometheus = Counters({}, {"a": 620}, scraped={"a": BEGAN.timestamp() - 2},
                          started={"a": BEGAN.timestamp() - 86_400})  # fmt: skip
    look, _ = looker(prometheus, *good(600), *before)
    assert judged(at(look, begun())).verdict is Verdict.HOLD


def replaced(last: float) -> Counters:
    """A pod that was replaced two minutes before the rung began, and the new one, which Prometheus has scraped."""
    return Counters({"old": 90, "new": 0}, {"new": last}, started={"new": BEGAN.timestamp() - 60},
                    scraped={"old": BEGAN.timestamp() - 120, "new": BEGAN.timestamp() - 2})  # fmt: skip


def test_what_a_pod_that_was_replaced_had_made_excuses_nothing_that_is_missing(looker: Looker) -> None:
    before = [workflow(5_000 + number, BEGAN - timedelta(seconds=10 + number)) for number in range(45)]
    look, _ = looker(replaced(620), *good(600), *before)
    check = judged(at(look, begun()))
    assert check.verdict is Verdict.HOLD
    assert "20 are not accounted for" in check.seen


@pytest.mark.parametrize("first", [3, 10, 600])
def test_what_was_made_right_before_the_rung_is_not_lacking_in_its_count(looker: Looker, first: int) -> None:
    """Seen on the lab: 45 workflows by Hera of the phase before held a weight of three for ever."""
    before = [workflow(5_000 + number, BEGAN - timedelta(seconds=number + 1)) for number in range(45)]
    scraped = {"a": BEGAN.timestamp() - 60}
    look, _ = looker(Counters({"a": 100}, {"a": 100 + first}, scraped=scraped), *good(first), *before)
    rung = at(look, begun())
    assert rung.uncounted == 0
    assert "not in the service's counter" not in judged(rung).seen


def test_workflows_by_yaml_make_up_for_none_by_hera(looker: Looker) -> None:
    yaml = [workflow(number, BEGAN + timedelta(seconds=number), path="yaml") for number in range(10, 400)]
    look, _ = looker(Counters({"a": 0}, {"a": 1_000}), *good(600), *yaml)
    assert "600 workflows seen: 400" in judged(at(look, begun())).seen


@pytest.mark.parametrize("prometheus", [None, Counters({}, {})])
def test_without_the_services_count_the_gate_holds_and_says_why(looker: Looker, prometheus: Prometheus | None) -> None:
    look, _ = looker(prometheus, *good(600))
    rung = at(look, begun())
    check = judged(rung)
    assert check.verdict is Verdict.HOLD
    assert "not compared with the service's own count" in check.seen
    assert rung.open, "a rung that was left is asked again"


def test_a_counter_that_does_not_answer_once_leaves_what_it_said(looker: Looker) -> None:
    prometheus = Counters({"a": 0}, {"a": 700})
    look, _ = looker(prometheus, *good(600))
    rung = at(look, begun())
    prometheus.failing = True
    assert judged(at(look, rung)).verdict is Verdict.HOLD
    assert look.missing


def test_one_rungs_surplus_makes_up_for_no_other_rungs_loss(looker: Looker) -> None:
    fewer, more = (at(looker(Counters({"a": 0}, {"a": count}), *good(600))[0], begun()) for count in (500, 650))
    check = judged(fewer, more)
    assert check.verdict is Verdict.HOLD
    assert "50 are not accounted for" in check.seen


def test_failures_are_failures_whatever_is_missing(looker: Looker) -> None:
    failed = [workflow(5_000 + number, BEGAN + timedelta(seconds=number), "Failed") for number in range(100)]
    look, _ = looker(Counters({"a": 0}, {"a": 900}), *good(300), *failed)
    assert judged(at(look, begun())).verdict is Verdict.FAIL


@pytest.mark.parametrize(("created", "verdict"), [(600, Verdict.PASS), (1_000, Verdict.HOLD)])
def test_productions_watch_compares_them_too(looker: Looker, created: int, verdict: Verdict) -> None:
    look, _ = looker(Counters({"a": 0}, {"a": created}), *good(600))
    watch = Watch(rung=at(look, begun()), baseline=Baseline(source="a test"))
    made = {check.name: check for check in production_checks(watch, LIMITS, NOW.timestamp())}[SUCCESS]
    assert made.verdict is verdict
    assert "if failures come one at a time" in made.seen


@pytest.mark.parametrize("created", [0, 300])
def test_a_counter_that_lacks_workflows_that_were_seen_shows_nothing_good(looker: Looker, created: int) -> None:
    """One of two pods is not scraped, or the counter has no path: what is not there did not go well."""
    answered = Counters({"a": 0}, {"a": created}, yaml=5_000)
    look, _ = looker(answered, *good(600))
    rung = replace(at(look, begun()), errors=Errors.between("code", (5_000, 5_000), (0, 30)))
    by_name = {check.name: check for check in checks(Ladder(code_revision="code", rungs=(rung,)), LIMITS)}
    for name in (SUCCESS, ERRORS):
        check = by_name[name]
        assert check.verdict is Verdict.HOLD, check.seen
        assert f"{600 - created} of 600 workflows by Hera are not in the service's counter" in check.seen
        assert "scrape" in check.todo
        assert rules.RULES[check.rule](json.loads(json.dumps(check.evidence))) is check.verdict


def test_a_counter_without_paths_is_no_count(looker: Looker) -> None:
    look, _ = looker(Counters({"a": 0}, {"a": 600}, labels={}), *good(600))
    check = judged(at(look, begun()))
    assert check.verdict is Verdict.HOLD
    assert "not compared with the service's own count" in check.seen


def test_workflows_after_the_last_scrape_and_a_few_that_people_made_anew_are_no_lack(looker: Looker) -> None:
    new = [workflow(2_000 + number, NOW - timedelta(seconds=40)) for number in range(70)]
    by_hand = [workflow(3_000 + number, BEGAN + timedelta(seconds=90)) for number in range(20)]
    look, _ = looker(Counters({"a": 0}, {"a": 600}), *good(600), *new, *by_hand)
    assert judged(at(look, begun())).verdict is Verdict.PASS


def test_what_a_rung_made_after_it_was_left_makes_up_for_none_that_is_missing(looker: Looker) -> None:
    """An approval of the next rung may take hours, and this one's workflows are seen on."""
    left, until = BEGAN + timedelta(minutes=12), NOW - timedelta(minutes=1)
    after = [workflow(4_000 + number, left + timedelta(seconds=1 + number)) for number in range(400)]
    look, _ = looker(Counters({"a": 0}, {"a": 1_400}, between=(left, 1_000)), *good(600), *after)
    rung = replace(begun(), ended=left.timestamp(), until=until.timestamp())
    check = judged(at(look, rung))
    assert check.verdict is Verdict.HOLD
    assert "400 are not accounted for" in check.seen


def test_counts_that_a_restart_erased_stay(looker: Looker) -> None:
    """A container that begins anew in its pod counts from zero: 40 of 190 failed, then none of 2,000."""
    prometheus = Counters({"a": 100}, {"a": 250}, failed={"a": 40})
    look, _ = looker(prometheus, *good(150))
    rung = at(look, begun())
    assert (rung.errors.hera, rung.errors.totals) == (190, (40, 0))
    prometheus.last, prometheus.failed = {"a": 2_000}, {"a": 0}
    assert at(look, rung).errors.totals == (40, 0)
    prometheus.last, prometheus.failed = {}, {}
    assert at(look, rung).errors == rung.errors, "nor does a series that is gone at a look take them away"


def test_evidence_of_before_the_service_was_asked_is_read_and_not_good(looker: Looker) -> None:
    plain = at(looker(Counters({"a": 0}, {"a": 600}), *good(600))[0], begun()).plain()
    old = Rung.read({key: value for key, value in plain.items() if key not in ("created", "early", "late")})
    assert judged(old).verdict is Verdict.HOLD


def test_records_from_before_the_service_was_asked_judge_the_same(looker: Looker) -> None:
    check = judged(at(looker(Counters({"a": 0}, {"a": 600}), *good(600))[0], begun()))
    without = {key: value for key, value in check.evidence.items() if key != "service"}
    service = {key: value for key, value in check.evidence["service"].items() if key != "uncounted"}
    assert rules.success_rate(without) is Verdict.PASS
    assert rules.success_rate({**without, "service": service}) is Verdict.PASS


def test_a_pod_that_was_not_scraped_as_a_rung_began_counts_for_no_rung_with_all_its_life(looker: Looker) -> None:
    """What it counted in the day before would excuse as many that are missing now, and its old errors would fail it."""
    day = [workflow(9_000 + number, BEGAN - timedelta(seconds=400 + number)) for number in range(500)]
    prometheus = Counters({"a": 0}, {"a": 1_000, "b": 500}, failed={"b": 300}, scraped={"a": BEGAN.timestamp() - 2},
                          started={"a": 0.0, "b": BEGAN.timestamp() - 86_400})  # fmt: skip
    look, _ = looker(prometheus, *good(600), *day)
    rung = at(look, begun())
    assert rung.errors.totals == (0, 0)
    assert judged(rung).verdict is Verdict.HOLD
    assert any("b" in line and "scraped" in line for line in look.missing), look.missing


def test_a_scrape_that_was_missed_as_a_rung_began_is_taken_from_before_it(make_target: Callable[..., Target]) -> None:
    target = make_target()
    for query in (creations, buckets):
        assert "last_over_time" in query(target, SCRAPED_SECONDS)
    prometheus = Asked({"a": 50}, {"a": 650})
    Look(Cluster(target, *good(600)), SimpleNamespace(target=target), prometheus, 60).at(begun(), NOW, logs=False)  # type: ignore[arg-type]
    first = [query for query, moment in prometheus.asked if moment == BEGAN]
    assert len(first) == 3
    assert all(f"[{SCRAPED_SECONDS}s" in query for query in first), "a series ends where a scrape is missed"
    (scrapes,) = [query for query in first if "timestamp(up" in query]
    assert "== 1" in scrapes, "an attempt that failed is no scrape"


@pytest.mark.parametrize(
    ("seen", "counted"), [(1, 1), (1, 2), (0, 1), (1, 0), (600, 600), (600, 601), (600, 300), (600, None)]
)
def test_the_success_gate_reads_well(looker: Looker, seen: int, counted: int | None) -> None:
    look, _ = looker(Counters({}, {} if counted is None else {"a": counted}), *good(seen))
    rung = replace(
        at(look, begun()), share=RungShare(percent=100, tasks=1, hera=1), misplaced=("a",), misplaced_count=1
    )
    check = judged(rung)
    words = f"{check.seen} {check.todo} {misplaced(Ladder(code_revision='code', rungs=(rung,))).seen}"
    assert not re.search(r"(?<![\d,])1 (more )?(workflows|observations|task keys)", words), words
    assert "if failures come one at a time" in check.seen
    assert check.verdict is not Verdict.HOLD or "decided" not in check.seen, "a HOLD is not decided"
