"""A look as a check: what a person reads says how much there is, how much is needed, and when it will be there."""

import numpy as np
import pytest

from hera_rollout.gates import (
    Durations,
    Errors,
    Moments,
    NoIncrease,
    NotMore,
    NotSlower,
    Outcomes,
    RungShare,
    SampleRatio,
    Shares,
    Stratum,
    SuccessRate,
    Verdict,
    Windows,
    look,
)


def test_hold_says_how_much_is_there_how_much_is_needed_and_when() -> None:
    seen = Outcomes(code_revision="r1", workflows=100, failures=0)
    check = look(name="success", gate=SuccessRate(), seen=seen, per_second=1 / 60)
    assert check.verdict is Verdict.HOLD
    assert "0.00% failed over 100 workflows" in check.seen
    assert "of 20" in check.seen
    assert "about 229 more workflows if it goes on as so far: 4 h" in check.seen
    assert "look again as often as you like" in check.todo
    assert check.expected == "at most 1.00% of workflows failed"


def test_with_nothing_arriving_it_says_never() -> None:
    check = look(name="success", gate=SuccessRate(), seen=Outcomes(code_revision="r1"))
    assert "nothing to measure yet" in check.seen
    assert "never, for none arrive now" in check.todo


@pytest.mark.parametrize(
    ("gate", "seen", "words", "todo"),
    [
        (SuccessRate(), Outcomes(code_revision="r1", workflows=20, failures=5), "25.00% failed", "logs"),
        (NotSlower(), Durations(code_revision="r1", strata=(Stratum(
            percent=50, hera=Moments.of_logs(np.linspace(1.9, 2.1, 60)), yaml=Moments.of_logs(np.linspace(0.9, 1.1, 60))
        ),)), "asymptotic confidence sequence", "throttling"),
        (NotMore(), Windows.of("r1", [(3.0, 2.0)] * 20), "+50.0% in use", "submission leaves behind"),
        (NoIncrease(), Errors.between("r1", (500, 500), (40, 2)), "20.00 times YAML's error rate", "error log"),
        (SampleRatio(), Shares(code_revision="r1", rungs=(RungShare(percent=10, tasks=200, hera=90),)), "45.0% on Hera",
         "percentage"),
    ],
    ids=["success", "slower", "more", "errors", "split"],
)  # fmt: skip
def test_fail_says_what_was_measured_and_what_to_do(gate: object, seen: object, words: str, todo: str) -> None:
    check = look(name="gate", gate=gate, seen=seen)
    assert check.verdict is Verdict.FAIL
    assert words in check.seen
    assert check.seen.endswith("decided")
    assert todo in check.todo


def test_the_caller_knows_better() -> None:
    check = look(
        name="success", gate=SuccessRate(limit=0.2), seen=Outcomes(code_revision="r1"), limit_source="target lab",
        why="it matters", todo="do this",
    )  # fmt: skip
    assert (check.limit_source, check.why, check.todo) == ("target lab", "it matters", "do this")
    assert "20.00%" in check.expected


def test_a_pass_needs_nothing_done() -> None:
    check = look(name="success", gate=SuccessRate(), seen=Outcomes(code_revision="r1", workflows=400))
    assert (check.verdict, check.todo) == (Verdict.PASS, "")


def test_before_the_burn_in_the_check_names_it() -> None:
    check = look(name="durations", gate=NotSlower(), seen=Durations(code_revision="r1"))
    assert check.seen.startswith("not judged before there are 30 workflows of each path")
