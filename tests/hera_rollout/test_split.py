"""The split: the same task stays on its side, rungs contain each other, and what the guide's coin does instead."""

from itertools import pairwise

import pytest

from hera_rollout.errors import Refused
from hera_rollout.split import bucket, path_for

TASKS = [f"task-{number:012x}" for number in range(10_000)]


def test_each_rung_contains_the_one_before_and_has_its_share() -> None:
    ladder = (0, 10, 25, 50, 75, 100)
    rungs = [{task for task in TASKS if path_for(task, percent) == "hera"} for percent in ladder]
    assert all(low < high for low, high in pairwise(rungs))
    for percent, rung in zip(ladder, rungs, strict=True):
        assert abs(len(rung) - percent * 100) < 200


def test_hundredths_of_a_percent_are_exact_also_as_floats() -> None:
    seven = next(task for task in (f"job-{number}" for number in range(100_000)) if bucket(task) == 7)
    assert path_for(seven, 0.07) == "yaml"
    assert path_for(seven, 0.08) == "hera"
    assert path_for(seven, "0.08") == "hera"


@pytest.mark.parametrize("percent", [-1, 100.01, float("nan"), float("inf"), "ten"])
def test_a_percentage_that_cannot_be_is_refused(percent: object) -> None:
    with pytest.raises(Refused, match="percentage"):
        path_for("task", percent)
