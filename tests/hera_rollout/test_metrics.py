"""Figures of two paths, without a cluster: the queries, the pairs of windows, and what each gate says of them."""

import re
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from hera_rollout import metrics
from hera_rollout.gates import Verdict, rules
from hera_rollout.metrics import FIGURES, Window
from hera_rollout.metrics.figures import COLUMNS, by_path, query
from hera_rollout.metrics.judging import GATES, pairs
from hera_rollout.metrics.prometheus import Prometheus
from hera_rollout.target import Limits, Target

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
FIGURE = {figure.name: figure for figure in FIGURES}


def target(**limits: float) -> Target:
    return Target(name="here", backend_url="http://b", argo_url="http://a", limits=Limits(**limits))


def window(number: int = 0, path: str = "hera", seconds: float = 10) -> Window:
    return Window(number, path, NOW, NOW + timedelta(seconds=seconds), 4, ("backend-1", "backend-2"), "argo")


class Answers(Prometheus):
    """Prometheus' answers by the beginning of a query, or by a part of it: for what no lab shows at will."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers

    def instant(self, query: str, at: datetime | None = None) -> pd.DataFrame:
        end = "last" if f"@ {NOW.timestamp() + 10:.0f}" in query else "first"
        began = self.answers.get(f"began_{end}", {})
        return pd.DataFrame([{"pod": pod, "value": NOW.timestamp() + seconds} for pod, seconds in began.items()])

    def value(self, query: str, at: datetime | None = None) -> float | None:
        for part, value in self.answers.get("values", {}).items():
            if part in query:
                return value
        return None


@pytest.mark.parametrize("name", ["answer p50", "answer p95"])
def test_answers_are_timed_whichever_dialect_submits(name: str) -> None:
    """One step, POST …/tasks/submit, or two: a task saved, then POST …/tasks/ID/run, which makes the workflow."""
    (pattern,) = set(re.findall(r'route=~"([^"]*)"', query(FIGURE[name], window())))
    assert all(re.fullmatch(pattern, route) for route in ("/api/v1/tasks/submit", "/api/v1/tasks/{task_id}/run"))
    assert not re.fullmatch(pattern, "/api/v1/tasks")


BEFORE = {"backend-1": -60.0, "backend-2": -50.0}
COUNTED = {'status=~"5.."': None, "requests_total": 20.0, "cpu_seconds": 0.8, "outcome": None, "creations": 4.0}


def values(**answers: object) -> dict[str, float | None]:
    given = {"began_first": BEFORE, "began_last": BEFORE, "values": COUNTED} | answers
    return metrics.service(Answers(**given), [window()]).set_index("figure")["value"].to_dict()


def submissions(hera: float = 5.0, yaml: float = 5.0, n: int = 40, refused: int = 0) -> pd.DataFrame:
    rows = [
        {"window": place % 2 + 2 * (place // 8), "path": path, "answer_seconds": 0.1 + 0.001 * (place % 7),
         "seconds": seconds + 0.1 * (place % 5), "problem": "", "workflow": f"{path}-{place}"}
        for path, seconds in (("hera", hera), ("yaml", yaml))
        for place in range(n)
    ]  # fmt: skip
    for row in rows[:refused]:
        row |= {"workflow": "", "problem": "answered 500", "seconds": None}
    return pd.DataFrame(rows)


def figures(n: int = 12, **hera: float) -> pd.DataFrame:
    """`n` pairs of windows: by YAML 100 requests, no error, 0.05 CPU-seconds, 100 MB; by Hera as given."""
    yaml = {"requests": 100.0, "errors": 0.0, "cpu": 0.05, "memory": 1e8}
    rows = [
        (name, 2 * pair + place, path, (yaml | hera if path == "hera" else yaml)[name], "", "q")
        for pair in range(n)
        for place, path in enumerate(("hera", "yaml") if pair % 2 == 0 else ("yaml", "hera"))
        for name in yaml
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def verdicts(frame: pd.DataFrame, seen: pd.DataFrame, **limits: float) -> dict[str, Verdict]:
    made = metrics.checks(frame, seen, target(**limits), "code")
    assert [check.name for check in made] == list(GATES)
    assert all(rules.RULES[check.rule](check.evidence) is check.verdict for check in made), "not to be judged again"
    return {check.name: check.verdict for check in made}


def test_a_counter_is_the_difference_of_its_ends_on_the_windows_own_pods() -> None:
    asked = query(FIGURE["errors"], window())
    chosen = 'backend_http_requests_total{status=~"5..",namespace="argo",pod=~"backend-1|backend-2"}'
    began = int(NOW.timestamp())
    assert asked == f"sum({chosen} @ {began + 10}) - (sum({chosen} @ {began}) or vector(0))"


def test_a_short_window_asks_the_process_and_a_long_one_cadvisor() -> None:
    assert 'process_cpu_seconds_total{namespace="argo",pod=' in query(FIGURE["cpu"], window(seconds=10))
    assert 'container_cpu_usage_seconds_total{container!="",namespace="argo",pod=' in query(
        FIGURE["cpu"], window(seconds=300)
    )
    assert "vector(0)" not in query(FIGURE["cpu"], window()), "a start that was not seen is no data, and not zero"
    assert "[10s]" in query(FIGURE["memory"], window())


def test_neighbours_make_a_pair_and_a_window_without_data_makes_none() -> None:
    frame = figures(n=2, cpu=0.06)
    cpu = frame[frame["figure"] == "cpu"]
    assert pairs(cpu) == [(0.06, 0.05), (0.06, 0.05)]
    assert pairs(cpu.assign(value=[0.06, None, 0.05, 0.06])) == [(0.06, 0.05)]


def test_equal_paths_pass_every_gate_with_enough_evidence() -> None:
    wide = {"success_rate_min": 0.9, "error_rate_max": 0.05, "slowdown_max": 0.5, "resources_up_max": 0.5}
    assert set(verdicts(submissions(), figures(), **wide).values()) == {Verdict.PASS}


@pytest.mark.parametrize(
    ("gate", "frame", "seen"),
    [
        ("execution times", submissions(hera=9.0), figures()),
        ("creation success", submissions(refused=20), figures()),
        ("error rate", submissions(), figures(errors=20.0)),
        ("cpu", submissions(), figures(n=40, cpu=0.25)),
        ("memory", submissions(), figures(n=40, memory=4e8)),
    ],
)
def test_a_path_that_is_worse_fails_its_own_gate(gate: str, frame: pd.DataFrame, seen: pd.DataFrame) -> None:
    assert verdicts(frame, seen, success_rate_min=0.9, error_rate_max=0.05)[gate] is Verdict.FAIL


def test_no_data_is_hold_and_never_pass() -> None:
    empty = pd.DataFrame(columns=COLUMNS)
    found = verdicts(submissions(), empty)
    assert {found[name] for name in ("error rate", "cpu", "memory")} == {Verdict.HOLD}
    holes = figures().assign(value=None)
    assert {verdicts(submissions(), holes)[name] for name in ("error rate", "cpu", "memory")} == {Verdict.HOLD}


def test_a_hold_says_what_is_there_what_is_needed_and_when() -> None:
    made = {check.name: check for check in metrics.checks(submissions(n=4), figures(n=2), target(), "code", 0.5)}
    assert made["execution times"].verdict is Verdict.HOLD
    assert "30" in made["execution times"].seen
    assert made["cpu"].verdict is Verdict.HOLD
    assert "5 pairs of windows (now 2)" in made["cpu"].seen


def test_each_check_says_whose_limit_it_used() -> None:
    made = metrics.checks(submissions(), figures(), target(slowdown_max=0.5), "code")
    sources = {check.name: check.limit_source for check in made}
    assert sources["execution times"] == "target here"
    assert sources["creation success"] == "guide default"
    assert sources["cpu"] == "kit default"


def test_the_means_by_path_stand_side_by_side() -> None:
    made = by_path(figures(cpu=0.06)).set_index("figure")
    assert made.loc["cpu", ["yaml", "hera", "change"]].tolist() == pytest.approx([0.05, 0.06, "+20%"])
    assert made.loc["errors", "change"] == ""


def test_a_bad_count_without_a_series_is_zero_only_where_its_whole_was_counted() -> None:
    found = values()
    assert (found["errors"], found["creations failed"], found["cpu"]) == (0.0, 0.0, 0.2)
    nothing = values(values={})
    assert all(pd.isna(value) for value in nothing.values())


@pytest.mark.parametrize(
    "last",
    [BEFORE | {"backend-2": 4.0}, {"backend-1": -60.0}, {"backend-1": -60.0, "backend-3": -50.0}],
    ids=["began anew", "gone", "another's"],
)
def test_a_window_in_which_a_process_was_lost_has_no_data(last: dict[str, float]) -> None:
    assert all(pd.isna(value) for value in values(began_last=last).values())


@pytest.mark.parametrize("last", [{"backend-1": -60.0}, BEFORE | {"backend-2": 4.0}], ids=["never seen", "began late"])
def test_a_pod_that_was_not_there_from_the_start_makes_no_data(last: dict[str, float]) -> None:
    assert all(pd.isna(value) for value in values(began_first={"backend-1": -60.0}, began_last=last).values())


def test_a_pod_that_was_not_scraped_before_the_window_gives_counts_but_no_cpu() -> None:
    found = values(began_first={"backend-1": -60.0})
    assert found["requests"] == 20.0
    assert pd.isna(found["cpu"]), "its start would be counted in"


def test_a_counter_that_fell_is_no_data_and_the_gates_hold() -> None:
    fell = values(began_first={}, began_last={}, values=COUNTED | {"requests_total": -50.0})
    assert pd.isna(fell["requests"])
    assert pd.isna(fell["errors"]), "no zero out of a whole that is not known"
    seen = figures()
    seen.loc[(seen["figure"] == "requests") & (seen["window"] == 0), "value"] = None
    assert verdicts(submissions(), seen)["error rate"] is Verdict.HOLD


def test_a_container_that_two_scrape_jobs_know_counts_once() -> None:
    assert query(FIGURE["cpu"], window(seconds=300)).startswith("sum(max by (pod, container) (container_cpu")
    assert "sum by (pod) (max by (pod, container)" in query(FIGURE["memory"], window(seconds=300))


def test_errors_over_time_see_through_restarts_and_leave_gaps_where_nothing_was_asked() -> None:
    class Ranges(Answers):
        def range(self, query: str, start: datetime, end: datetime, step: float) -> pd.DataFrame:
            series = {"a": [100, 110, 110, None], "b": [None, None, None, 8]}  # a's pod gave way to b's
            if "5.." in query:
                series = {"a": [None, 2, 2, None], "b": [None, None, None, 1]}
            rows = [
                {"pod": pod, "time": start + timedelta(seconds=place * step), "value": float(value)}
                for pod, counts in series.items()
                for place, value in enumerate(counts)
                if value is not None
            ]
            return pd.DataFrame(rows)

    found = metrics.errors_over_time(Ranges(), [window()], 3)
    assert found["requests"].tolist() == [10, 0, 8]
    assert found["errors"].tolist() == [2, 0, 1]
    assert found["share"].tolist()[::2] == [0.2, 0.125]
    assert pd.isna(found["share"].iloc[1]), "nothing asked is no data"
