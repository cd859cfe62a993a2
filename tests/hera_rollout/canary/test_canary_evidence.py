"""A rung's evidence: each workflow once, each task key once, carried from rung to rung, and when a rung may be left."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp

import pandas as pd
import pytest

from hera_rollout.canary import Arm, Before, Ladder, Rung, checks, concluded, left, misplaced
from hera_rollout.canary.looking import SLACK, counted, from_buckets, growth, made, placed
from hera_rollout.gates import Errors, Moments, Outcomes, RungShare, Stratum, Verdict
from hera_rollout.split import path_for
from hera_rollout.target import Limits

T0 = datetime(2026, 11, 28, 12, tzinfo=UTC)
COLUMNS = ["uid", "name", "task", "path", "phase", "created", "finished"]
LIMITS = Limits(rung_workflows=5, rung_seconds=60)


def row(number, path, *, seconds=10, phase="Succeeded", task="", at=30):
    """A workflow made `at` seconds after the rung began, that took so long."""
    created = T0 + timedelta(seconds=at + number)
    finished = created + timedelta(seconds=seconds) if phase in ("Succeeded", "Failed", "Error") else None
    return [f"uid-{path}-{number}", f"wf-{path}-{number}", task or f"task-{number}", path, phase, created, finished]


def frame(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def begun(percent=50.0):
    return Rung.begin(percent, "code-1", T0)


def now(seconds):
    return (T0 + timedelta(seconds=seconds)).timestamp()


def test_each_workflow_counts_once_however_often_one_looks():
    found = frame(*(row(number, path) for number in range(4) for path in ("hera", "yaml")))
    once = counted(begun(), found, now(100), 300)
    again = counted(once, found, now(120), 300)
    assert (once.hera.outcomes.workflows, once.yaml.outcomes.workflows) == (4, 4)
    assert again.hera == once.hera
    assert again.hera.seconds.n == 4


def test_one_past_its_deadline_is_a_failure_and_one_that_runs_is_ahead():
    found = frame(row(0, "hera"), row(1, "hera", phase="Running"), row(2, "hera", phase="Failed"))
    early = counted(begun(), found, now(60), 300)
    assert (early.hera.outcomes.workflows, early.hera.outcomes.ahead, early.hera.outcomes.ahead_failures) == (1, 2, 1)
    late = counted(early, found, now(1000), 300)
    assert (late.hera.outcomes.workflows, late.hera.outcomes.failures) == (3, 2)


def test_a_task_key_counts_once_and_a_workflow_by_the_other_path_is_named():
    tasks = [f"task-{number}" for number in range(40)]
    rows = [row(number, path_for(task, 50), task=task) for number, task in enumerate(tasks)]
    rerun = row(60, path_for(tasks[0], 50), task=tasks[0])
    found = placed(begun(), frame(*rows, rerun))
    assert found.share.tasks == 40
    assert found.share.hera == sum(path_for(task, 50) == "hera" for task in tasks)
    assert found.misplaced == ()
    other = "yaml" if path_for("task-x", 50) == "hera" else "hera"
    wrong = placed(begun(), frame(*rows, row(61, other, task="task-x")))
    assert wrong.misplaced == (f"wf-{other}-61 ({other})",)
    check = misplaced(Ladder(code_revision="code-1", rungs=(wrong,)))
    assert check.verdict is Verdict.FAIL
    assert f"wf-{other}-61" in check.seen


def test_around_a_flip_nobody_is_blamed():
    other = "yaml" if path_for("task-x", 50) == "hera" else "hera"
    at_the_flip = frame(row(0, other, task="task-x", at=SLACK - 1))
    assert placed(begun(), at_the_flip).misplaced_count == 0


def test_a_workflow_that_is_gone_from_the_cluster_was_seen_all_the_same():
    found = placed(begun(), frame(*(row(number, "hera", task=f"t{number}") for number in range(5))))
    assert placed(found, frame(row(1, "hera", task="t1"))).share == found.share


def test_stragglers_of_a_rung_that_was_left_do_not_undecide_its_split():
    rows = [row(number, path_for(f"task-{number}", 50), at=10) for number in range(30)]
    left_with = replace(placed(begun(), frame(*rows[:20])), ended=now(100))
    assert placed(left_with, frame(*rows)).share == left_with.share
    other = "yaml" if path_for("task-x", 50) == "hera" else "hera"
    late = placed(left_with, frame(*rows, row(31, other, task="task-x", at=10)))
    assert late.misplaced == (f"wf-{other}-31 ({other})",), "what was on the wrong path is still seen"


def test_the_evidence_goes_through_json_and_back():
    rung = placed(counted(begun(), frame(row(0, "hera"), row(1, "yaml")), now(100), 300), frame(row(0, "hera")))
    assert Rung.read(json.loads(json.dumps(rung.plain()))) == rung


def test_outcomes_after_an_open_workflow_of_an_earlier_rung_do_not_count_for_pass_yet():
    def rung(percent, **outcomes):
        arm = Arm(outcomes=Outcomes(code_revision="code-1", **outcomes))
        return Rung.begin(percent, "code-1", T0).__class__(
            percent=percent, code_revision="code-1", began=T0.timestamp(), hera=arm,
            yaml=Arm(outcomes=Outcomes(code_revision="code-1")), answers=Stratum(percent=percent),
            errors=Errors(code_revision="code-1"), share=RungShare(percent=percent),
        )  # fmt: skip

    first, second = rung(10, workflows=3, ahead=1), rung(25, workflows=8, failures=2)
    both = Ladder(code_revision="code-1", rungs=(first, second)).outcomes
    assert (both.workflows, both.failures, both.ahead, both.ahead_failures) == (3, 0, 9, 2)
    closed = Ladder(code_revision="code-1", rungs=(rung(10, workflows=4), second)).outcomes
    assert (closed.workflows, closed.failures) == (12, 2)


def test_counters_grow_by_pod_and_one_that_fell_began_anew():
    before = pd.DataFrame({"pod": ["a", "b"], "path": "hera", "outcome": "created", "value": [10.0, 50.0]})
    after = pd.DataFrame(
        {"pod": ["a", "b", "c", "c"], "path": "hera", "outcome": ["created"] * 3 + ["error"], "value": [14.0, 3, 2, 1]}
    )
    grown = growth(before, after, ["path", "outcome"])
    assert made(grown, "hera", bad=False) == 4 + 3 + 2
    assert made(grown, "hera", bad=True) == 1
    assert made(grown, "yaml", bad=False) == 0
    assert growth(before, pd.DataFrame(columns=["value"]), ["path"]).empty
    fresh = growth(pd.DataFrame(columns=["value"]), after, ["path", "outcome"])
    assert made(fresh, "hera", bad=False) == 14 + 3 + 2, "pods that had counted nothing when the rung began"


def test_a_histogram_gives_back_what_went_in_within_a_bucket():
    edges = [0.01, 0.02, 0.04, float("inf")]
    buckets = pd.DataFrame({"path": "hera", "le": [str(edge) for edge in edges], "value": [0.0, 10, 10, 10]})
    found = from_buckets(buckets, "hera")
    assert found.n == 10
    assert 0.01 < exp(found.mean) < 0.02
    assert found.squares == pytest.approx(0)
    assert from_buckets(buckets, "yaml") == Moments()


def healthy(percent, workflows=60, *, failures=0, slower=0.0, ended=0.0):
    """A rung of the ladder with plenty of evidence."""

    def arm(bad, shift):
        outcomes = Outcomes(code_revision="code-1", workflows=workflows, failures=bad)
        return Arm(outcomes=outcomes, seconds=Moments(n=workflows, mean=2.0 + shift, squares=workflows * 0.01))

    share = RungShare(percent=percent, tasks=2000, hera=round(2000 * percent / 100))
    times = Moments(n=workflows, mean=-3.0, squares=workflows * 0.01)
    return Rung(
        percent=percent, code_revision="code-1", began=T0.timestamp(), ended=ended, hera=arm(failures, slower),
        yaml=arm(0, 0), answers=Stratum(percent=percent, hera=times, yaml=times), share=share,
        errors=Errors.between("code-1", (workflows, workflows), (0, 0)), submissions=2 * workflows,
        created=workflows,
    )  # fmt: skip


def verdict(ladder, name):
    return {check.name: check.verdict for check in checks(ladder, LIMITS)}[name]


def test_the_gates_see_failures_and_slowness_and_neither_where_there_is_none():
    good = Ladder(code_revision="code-1", rungs=(healthy(50, 2000),), before=Before(submissions=1000))
    assert {check.verdict for check in checks(good, LIMITS)} == {Verdict.PASS}
    assert (
        verdict(Ladder(code_revision="code-1", rungs=(healthy(50, 100, failures=20),)), "success rate") is Verdict.FAIL
    )
    assert (
        verdict(Ladder(code_revision="code-1", rungs=(healthy(50, 400, slower=0.3),)), "execution times")
        is Verdict.FAIL
    )
    assert verdict(Ladder(code_revision="code-1"), "success rate") is Verdict.HOLD


def test_a_rung_is_left_on_no_fail_plus_the_minimum_and_says_what_is_missing():
    ladder = Ladder(code_revision="code-1", rungs=(healthy(10, 20),))
    enough = left(ladder, 10, checks(ladder, LIMITS), LIMITS, now(61))
    assert enough.verdict is Verdict.PASS
    early = left(ladder, 10, checks(ladder, LIMITS), LIMITS, now(30))
    assert early.verdict is Verdict.HOLD
    assert "30 more seconds" in early.todo
    thin = Ladder(code_revision="code-1", rungs=(healthy(10, 2),))
    found = left(thin, 10, checks(thin, LIMITS), LIMITS, now(100))
    assert found.verdict is Verdict.HOLD
    assert "3 more workflows on Hera (about 150 s at the present rate)" in found.todo
    bad = Ladder(code_revision="code-1", rungs=(healthy(10, 100, failures=30),))
    assert left(bad, 10, checks(bad, LIMITS), LIMITS, now(100)).verdict is Verdict.FAIL


def test_before_the_last_rung_the_comparison_must_have_decided():
    ladder = Ladder(code_revision="code-1", rungs=(healthy(75, 12),))
    undecided = left(ladder, 75, checks(ladder, LIMITS), LIMITS, now(100))
    assert undecided.verdict is Verdict.HOLD
    assert "gates decided" in undecided.todo
    decided = Ladder(code_revision="code-1", rungs=(healthy(75, 2000),))
    assert left(decided, 75, checks(decided, LIMITS), LIMITS, now(100)).verdict is Verdict.PASS


def test_the_ladder_is_done_only_at_100_with_every_gates_pass():
    at_75 = Ladder(code_revision="code-1", rungs=(healthy(75, 2000),), before=Before(submissions=1000))
    assert concluded(at_75, checks(at_75, LIMITS)).verdict is Verdict.HOLD
    done = at_75.with_rung(healthy(100, 500))
    assert concluded(done, checks(done, LIMITS)).verdict is Verdict.PASS
    assert concluded(done, checks(done, LIMITS)[:-1]).verdict is Verdict.HOLD
