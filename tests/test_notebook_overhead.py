"""What is taken off a run's time: workflows side by side count once."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from notebook_overhead import covered, overhead, steps


@pytest.mark.parametrize(
    ("intervals", "seconds"),
    [([], 0), ([(0, 5)], 5), ([(0, 5), (0, 5)], 5), ([(0, 5), (3, 8)], 8), ([(0, 2), (4, 6)], 4),
     ([(0, 10), (2, 3), (4, 12)], 12)],
)  # fmt: skip
def test_what_intervals_cover(intervals, seconds):
    assert covered(intervals) == seconds
    assert overhead(20, intervals) == 20 - seconds


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10))))
def test_it_is_the_count_of_covered_seconds_in_any_order(pairs):
    intervals = [(began, began + length) for began, length in pairs]
    seconds = {second for began, ended in intervals for second in range(began, ended)}
    assert covered(intervals) == covered(reversed(intervals)) == len(seconds)


def test_steps_are_listed_the_longest_first():
    record = {"steps": [{"title": "a", "seconds": 1.5}, {"title": "b", "seconds": 20}]}
    assert steps(record) == [("b", 20.0), ("a", 1.5)]
