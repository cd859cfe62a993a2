"""What a drill comes to: figures from what was sent, and a verdict from the figures. On a cluster: tests/live."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest
from pandas import DataFrame

from hera_rollout import drill
from hera_rollout.backend.traffic import Row
from hera_rollout.drill import DrillResult, Settings, measuring
from hera_rollout.drill.measuring import Turned
from hera_rollout.errors import Refused
from hera_rollout.gates import Verdict, drilling
from hera_rollout.split import path_for

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=seconds)


ON, OFF = Turned(at(10), at(14)), Turned(at(30), at(33))


def row(second, path="hera", *, task="task-1", outcome="accepted", name=""):
    mark = f"d-{second:05}"
    return Row(second, mark, task=task, workflow=name or f"w-{second}", sent=at(second), path=path, outcome=outcome)


def healthy():
    """A submission a second: YAML until 12, Hera until 31, then YAML."""
    return [row(second, "hera" if 12 <= second <= 31 else "yaml") for second in range(41)]


def evidence(**changes):
    rows = healthy()
    made = {
        "medium": "env", "percent": 100.0, "command_on": "kubectl set env …=true", "command_off": "…=false",
        "before": {"sent": 10}, "on": measuring.on_figures(rows, ON, OFF, 100) | {"lost": 0},
        "off": measuring.off_figures(rows, OFF, []) | {"lost": 0},
        "requests": measuring.request_figures(rows, 0.01),
        "in_flight": [{"name": "w-29", "phase": "Succeeded"}, {"name": "w-30", "phase": "Succeeded"}],
        "unverified": [],
    }  # fmt: skip
    made = copy.deepcopy(made)
    for path, value in changes.items():
        part, _, key = path.partition("__")
        if key:
            made[part][key] = value
        else:
            made[part] = value
    return made


def result(**changes):
    return DrillResult("env", evidence(**changes), DataFrame(), None, "target lab")


def test_first_and_last_by_hera_are_told_from_the_patch_and_the_report_from_it_too():
    on, off = measuring.on_figures(healthy(), ON, OFF, 100), measuring.off_figures(healthy(), OFF, [])
    assert (on["reported_seconds"], on["first_hera_seconds"], on["sent"], on["hera"]) == (4, 2, 20, 18)
    assert (off["reported_seconds"], off["last_hera_seconds"], off["sent_after"]) == (3, 1, 8)
    assert on["misplaced"] == off["hera_after"] == []


def test_a_submission_by_yaml_counts_as_misplaced_only_once_every_pod_has_reported():
    rows = healthy()
    rows[11].path = rows[13].path = "yaml"
    assert measuring.on_figures(rows, ON, OFF, 100)["misplaced"] == []
    rows[14].path = "yaml"
    assert measuring.on_figures(rows, ON, OFF, 100)["misplaced"] == ["d-00014"]


def test_with_a_share_each_task_is_held_against_the_split():
    hera, yaml = (
        next(f"task-{n}" for n in range(999) if path_for(f"task-{n}", 10) == path) for path in ("hera", "yaml")
    )
    rows = [row(20, "hera", task=hera), row(21, "yaml", task=yaml)]
    assert measuring.on_figures(rows, ON, OFF, 10)["misplaced"] == []
    rows = [row(20, "yaml", task=hera), row(21, "hera", task=yaml), row(22, "", task=hera)]
    assert measuring.on_figures(rows, ON, OFF, 10)["misplaced"] == ["d-00020", "d-00021"]


def test_hera_after_the_way_back_is_this_drills_by_when_it_was_sent_and_others_by_the_rollbacks_word():
    rows = [*healthy(), row(35, "hera", name="late")]
    # w-32 was sent before every pod had reported: what decided it was decided in time, whenever it was made.
    seen = ["w-32", "somebody-elses"]
    assert measuring.off_figures(rows, OFF, seen)["hera_after"] == ["late", "somebody-elses"]


def test_what_was_not_reported_has_no_figure_and_nothing_counts_as_after_it():
    blind = measuring.off_figures(healthy(), Turned(at(30), None), [])
    assert (blind["reported_seconds"], blind["sent_after"], blind["last_hera_seconds"]) == (None, 0, 1)
    assert measuring.on_figures(healthy(), Turned(at(10), None), OFF, 100)["misplaced"] == []


def test_lost_are_those_that_came_to_nothing_and_undecided_those_nobody_looked_up():
    outcomes = ["accepted", "found", "refused", "unreachable", "absent", "answer lost"]
    rows = [row(second, outcome=outcome) for second, outcome in enumerate(outcomes)]
    found = measuring.request_figures(rows, 0.01)
    assert (found["sent"], found["lost"], found["undecided"]) == (6, 3, 1)
    assert measuring.lost_between(rows, at(3), at(4)) == 1


def test_a_drill_that_went_well_is_pass_with_its_figures_in_words():
    check = result().check()
    assert check.verdict is Verdict.PASS
    assert check.seen == (
        "by medium env on in 4.0 s and off in 3.0 s; last submission by Hera 1.0 s after the patch; "
        "0 of 41 requests lost; in flight: 2 Succeeded"
    )
    assert check.name == "drill (env)"
    assert (check.limit_source, check.todo) == ("target lab", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"off__hera_after": ["late"]}, "1 workflows by Hera after the flag was off: late"),
        ({"on__misplaced": ["a", "b", "c", "d"]}, "4 submissions by the wrong path while it was on: a, b, c …"),
        ({"requests__lost": 1}, "1 of 41 requests lost, above 1.0%"),
        ({"in_flight": [{"name": "w", "phase": "Failed"}]}, "1 workflows that were in flight did not end well: w"),
    ],
)
def test_what_went_wrong_is_fail_by_name_also_where_something_else_was_not_shown(changes, words):
    for more in ({}, {"unverified": ["x"]}):
        check = result(**changes, **more).check()
        assert check.verdict is Verdict.FAIL
        assert words in check.seen
        assert "Do not begin" in check.todo


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unverified": ["which were in flight. No answer."]}, "not shown: which were in flight. No answer."),
        ({"on__reported_seconds": None}, "not shown: that every pod reported the flag on"),
        ({"off__reported_seconds": None}, "not shown: that every pod reported the flag off"),
        ({"on__hera": 0}, "that Hera made anything while the flag was on"),
        ({"off__sent_after": 0}, "that anything was submitted after the flag was off"),
        ({"requests__undecided": 2}, "what became of 2 requests"),
        ({"in_flight": []}, "none was at the moment of the way back"),
        ({"in_flight": [{"name": "w", "phase": "Running"}]}, "how 1 workflows that were in flight end: w"),
        ({"in_flight": [{"name": "w", "phase": ""}]}, "how 1 workflows that were in flight end: w"),
    ],
)
def test_what_was_not_shown_is_hold_and_said(changes, words):
    check = result(**changes).check()
    assert check.verdict is Verdict.HOLD
    assert words in check.seen
    assert "Drill again" in check.todo


def test_lost_requests_within_the_limit_are_told_and_no_failure():
    check = result(requests__lost=1, requests__lost_max=0.05).check()
    assert check.verdict is Verdict.PASS
    assert "1 of 41 requests lost" in check.seen


def test_the_verdict_is_got_again_from_the_evidence_alone():
    for one in (result(), result(on__hera=0), result(off__hera_after=["late"])):
        check = one.check()
        assert check.rule == "drilled"
        assert drilling.drilled(json.loads(json.dumps(check.evidence))) is check.verdict


def test_the_table_sets_media_beside_each_other_a_measure_a_row():
    one, other = result(), result(on__first_hera_seconds=None)
    alone = one.frame().set_index("measure")
    assert list(alone.loc["requests sent", ["on", "off"]]) == [20, 11]
    assert alone.loc["last submission by Hera, after the patch", "off"] == "1.0 s"
    both = drill.frame([one, DrillResult("configmap", other.evidence, DataFrame(), None)])
    assert list(both.columns) == ["measure", "on (env)", "off (env)", "on (configmap)", "off (configmap)"]
    first = both.set_index("measure").loc["first submission by Hera, after the patch"]
    assert list(first) == ["2.0 s", "", "not seen", ""]


def test_the_traffic_lasts_through_two_slow_flips_and_is_bounded():
    plan = Settings(per_second=2, before_seconds=1, on_seconds=2, after_seconds=3).plan(deadline_seconds=10)
    assert (plan.seconds, len(plan.offsets)) == (26, 52)
    assert len(Settings(per_second=50).plan(300).offsets) == 500
    with pytest.raises(Refused):
        Settings(per_second=0).plan(10)
    assert "[{mark}]" in Settings().code
