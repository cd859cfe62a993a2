"""Each workflow once, in the order submitted; past its deadline it failed; the state between looks is small."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hera_rollout.errors import Refused
from hera_rollout.gates import Outcomes, Run, Settled, SuccessRate, Verdict, Watermark, plain, read, settle


def settled(runs: list[Run], now: float, since: Watermark | None = None, deadline: float = 100) -> Settled:
    return settle(runs, code_revision="r1", now=now, deadline=deadline, since=since)


def good(uid: str, submitted: float, took: float = 10) -> Run:
    return Run(uid=uid, submitted=submitted, ended=submitted + took, succeeded=True)


def bad(uid: str, submitted: float, took: float = 1) -> Run:
    return Run(uid=uid, submitted=submitted, ended=submitted + took)


def test_counts_durations_and_what_is_ahead() -> None:
    runs = [good("a", 0), bad("b", 1), Run(uid="c", submitted=2), good("d", 3), bad("e", 4)]
    found = settled(runs, now=20)
    assert found.outcomes == Outcomes(code_revision="r1", workflows=2, failures=1, ahead=3, ahead_failures=1)
    assert found.log_seconds.n == 1
    assert found.watermark == Watermark(submitted=1, uids=("b",))


def test_past_its_deadline_a_workflow_failed_whenever_one_looks() -> None:
    open_one, late = Run(uid="a", submitted=0), good("a", 0, took=101)
    assert settled([open_one], now=100).outcomes.workflows == 0
    assert settled([open_one], now=100.1).outcomes.failures == 1
    assert settled([late], now=500).outcomes.failures == 1
    assert settled([late], now=500).log_seconds.n == 0
    assert settled([good("a", 0, took=100)], now=500).outcomes.failures == 0


def test_failures_that_are_seen_first_do_not_count_first() -> None:
    # One in 50 fails, at once; the good ones take a minute. After 10 s only failures have ended.
    runs = [bad(f"{n}", n / 10) if n % 50 == 0 else Run(uid=f"{n}", submitted=n / 10) for n in range(100)]
    early = settled(runs, now=10).outcomes
    assert (early.workflows, early.failures) == (1, 1)
    gate = SuccessRate()
    assert gate.assess(early).verdict is Verdict.HOLD
    # Counting what has ended, as it comes, would have said FAIL on two of two.
    assert gate.assess(Outcomes(code_revision="r1", workflows=2, failures=2)).verdict is Verdict.FAIL


def test_a_workflow_listed_twice_or_again_at_the_next_look_counts_once() -> None:
    runs = [good("a", 0), good("a", 0), good("b", 0), bad("c", 5)]
    first = settled(runs, now=10)
    assert first.outcomes.workflows == 3
    again = settled([*runs, good("d", 5), good("e", 6)], now=30, since=first.watermark)
    assert again.outcomes.workflows == 2  # d shares c's second and was not there before
    assert again.outcomes.failures == 0


@given(
    outcomes=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 150), st.booleans()), max_size=60),
    looks=st.lists(st.integers(0, 200), max_size=6),
)
def test_many_looks_count_the_same_as_one(outcomes: list[tuple[int, int, bool]], looks: list[int]) -> None:
    ends = [(start, start + took, fine) for start, took, fine in outcomes]

    def seen(now: int) -> list[Run]:
        return [
            Run(uid=str(n), submitted=start, ended=end if end <= now else None, succeeded=fine and end <= now)
            for n, (start, end, fine) in enumerate(ends)
            if start <= now
        ]

    total, mark = Outcomes(code_revision="r1"), Watermark()
    for now in [*sorted(looks), 400]:
        # A second that is not over yet may still bring workflows: a look takes the seconds before it.
        part = settled([run for run in seen(now) if run.submitted < now], now=now, since=mark)
        mark = read(Watermark, json.loads(json.dumps(plain(part.watermark))))
        total = total + part.outcomes.settled
    assert total == settled(seen(400), now=400).outcomes


def test_the_state_is_one_moment_however_many_workflows_there_were() -> None:
    mark = settled([good(f"{n}", n // 5) for n in range(10_000)], now=10_000).watermark
    assert len(mark.uids) == 5


def test_a_deadline_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="deadline"):
        settled([], now=0, deadline=0)
