"""How phase 2 judges what it saw, without a cluster."""

import itertools
from dataclasses import replace

import pytest
from pydantic import ValidationError

from hera_rollout.equivalence import Difference
from hera_rollout.gates import Verdict, rules
from hera_rollout.phase.steps import alternating, comparing, flying
from hera_rollout.target import Accepted

DIFFERENCE = {"path": "spec.synchronization (as stored)", "op": "only-yaml", "severity": "behavioural", "accepted": ""}


def pair(**fields: object) -> dict[str, object]:
    return {"name": "simple", "yaml": "a", "hera": "b", "compared": True, "documents": [], "why": "", "differences": [],
            "harmless": 3, "rules": [], **fields}  # fmt: skip


def row(**fields: object) -> dict[str, object]:
    return {"path": "hera", "task": "task-1", "workflow": "python-job-1", "problem": "", "seconds": 5.0, **fields}


def flown(path: str, **fields: object) -> dict[str, object]:
    return {"path": path, "to": "yaml" if path == "hera" else "hera", "workflow": f"w-{path}", "problem": "",
            "flipped": "2026-11-28T12:00:00.5+00:00", "finished": "2026-11-28T12:00:09Z", **fields}  # fmt: skip


def test_windows_come_in_pairs_and_every_second_flip_is_saved() -> None:
    made = alternating.order(5)
    assert len(made) == 10
    assert all(set(made[place : place + 2]) == {"yaml", "hera"} for place in range(0, 10, 2))
    assert sum(one != other for one, other in itertools.pairwise(made)) == 5
    assert made[0] == "hera", "the flag is on already"


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([pair(), pair()], Verdict.PASS),
        ([], Verdict.HOLD),
        ([pair(), pair(compared=False, why="gone")], Verdict.HOLD),
        ([pair(differences=[DIFFERENCE])], Verdict.FAIL),
        ([pair(differences=[{**DIFFERENCE, "accepted": "alice: same lock elsewhere"}])], Verdict.PASS),
        ([pair(differences=[DIFFERENCE]), pair(compared=False)], Verdict.FAIL),
    ],
)
def test_nothing_compared_is_never_the_same(rows: list[dict[str, object]], verdict: Verdict) -> None:
    check = comparing.equivalence_check("manifests", rows, "manifests", "means the same")
    assert check.verdict is verdict
    assert rules.RULES[check.rule](check.evidence) is verdict


def test_a_difference_is_named_in_the_check() -> None:
    check = comparing.equivalence_check("manifests", [pair(differences=[DIFFERENCE])], "manifests", "means the same")
    assert "simple: spec.synchronization (as stored) (behavioural, only-yaml)" in check.seen
    assert "approver and reason" in check.todo


def test_what_nobody_accepted_is_never_cut_from_the_record() -> None:
    accepted = (Accepted(path="spec.known.*", approver="alice", reason="known"),)
    many = [Difference(f"spec.known.{n}", "changed", 1, 2, "means something else", "behavioural") for n in range(60)]
    found = comparing.mattering([*many, replace(many[0], path="spec.new")], accepted)
    assert found["left_out"] == 61 - comparing.MOST_DIFFERENCES
    check = comparing.equivalence_check("manifests", [pair(**found)], "manifests", "means the same")
    assert check.verdict is Verdict.FAIL
    assert "spec.new" in check.seen


@pytest.mark.parametrize("everything", ["*", "spec.*", "*.synchronization", ""])
def test_everything_cannot_be_accepted(everything: str) -> None:
    with pytest.raises(ValidationError):
        Accepted(path=everything, approver="alice", reason="tired")


@pytest.mark.parametrize(
    ("pattern", "path", "taken"),
    [
        ("spec.synchronization", "spec.synchronization (as stored)", True),
        ("spec.templates[main].script.env[*]", "spec.templates[main].script.env[RESULTS_DIR] (as stored)", True),
        ("spec.templates[main].script.env[*]", "spec.templates[other].script.env[A] (as stored)", False),
        ("spec.sync", "spec.synchronization (as stored)", False),
    ],
)
def test_an_accepted_place_is_that_place_and_no_other(pattern: str, path: str, taken: bool) -> None:
    accepted = (Accepted(path=pattern, approver="alice", reason="known"),)
    assert comparing.acceptance(path, accepted) == ("alice: known" if taken else "")


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row(), row(workflow="python-job-2")], Verdict.PASS),
        ([row(), row(workflow="python-job-2", problem="Failed (finished)")], Verdict.FAIL),
        ([row(), row(path="yaml")], Verdict.FAIL),
    ],
    ids=["each its own", "one failed", "one workflow for two"],
)
def test_concurrent_submissions_have_a_workflow_each(rows: list[dict[str, object]], verdict: Verdict) -> None:
    assert alternating.submissions_check(rows, 2).verdict is verdict


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([flown("hera"), flown("yaml")], Verdict.PASS),
        ([flown("hera")], Verdict.HOLD),
        ([flown("hera"), flown("yaml", finished="2026-11-28T11:59:00Z")], Verdict.HOLD),
        ([flown("hera"), flown("yaml", problem="Failed (finished)")], Verdict.FAIL),
        ([], Verdict.HOLD),
    ],
    ids=["both", "one direction", "ended before the flip", "cut off", "none"],
)
def test_in_flight_needs_one_over_each_flip(rows: list[dict[str, object]], verdict: Verdict) -> None:
    assert flying.in_flight_check(rows).verdict is verdict
