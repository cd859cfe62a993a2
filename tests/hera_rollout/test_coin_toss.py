"""The guide's coin beside the split, on the same tasks."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout.display import EVIDENCE_KEY, splitting
from hera_rollout.errors import Refused
from hera_rollout.split import coin_toss, path_for

TASKS = [f"task-{number:012x}" for number in range(5_000)]


def test_the_coin_flips_as_many_as_the_arithmetic_says_and_the_split_none():
    found = coin_toss(TASKS, 10, reruns=4, seed=3)
    assert abs(len(found.flipped_by_coin) / 5_000 - 0.18) < 0.02
    for rerun, moved in enumerate(found.moved_by_coin, 1):
        assert abs(moved / 5_000 - (1 - 0.1 ** (rerun + 1) - 0.9 ** (rerun + 1))) < 0.025
    assert list(found.moved_by_coin) == sorted(found.moved_by_coin)
    assert found.moved_by_coin[0] == len(found.flipped_by_coin)
    assert (found.flipped_by_split, found.moved_by_split) == ((), (0, 0, 0, 0))
    assert found.hera_by_split == sum(path_for(task, 10) == "hera" for task in TASKS)
    assert abs(found.hera_by_coin - 500) < 70


def test_the_same_seed_answers_the_same_whatever_the_order_of_the_tasks():
    assert coin_toss(TASKS, 10, seed=1) == coin_toss([*reversed(TASKS), *TASKS[:3]], 10, seed=1)
    assert coin_toss(TASKS, 10, seed=1).flipped_by_coin != coin_toss(TASKS, 10, seed=2).flipped_by_coin


def test_at_nothing_and_at_all_the_coin_flips_none():
    for percent in (0, 100):
        assert coin_toss(TASKS, percent).moved_by_coin == (0,) * 5


@pytest.mark.parametrize(("keys", "reruns", "percent"), [([], 1, 10), (TASKS, 0, 10), (TASKS, 1, 101)])
def test_nothing_to_rerun_is_refused(keys, reruns, percent):
    with pytest.raises(Refused):
        coin_toss(keys, percent, reruns=reruns)


def test_the_table_says_how_many_and_names_some_and_the_plot_carries_its_numbers():
    InteractiveShell.instance()
    found = coin_toss(TASKS[:100], 10, reruns=3, seed=1)
    frame = splitting.coin_toss_frame(found)
    assert list(frame["on the other path at the first rerun"])[1] == "0 (0.0%)"
    assert frame["such as"].iloc[0].split(", ")[0] == found.flipped_by_coin[0]
    with capture_output() as captured:
        splitting.coin_toss(found)
    plot = captured.outputs[-1]
    rows = plot.metadata[EVIDENCE_KEY]["rows"]
    assert [row["by coin, %"] for row in rows] == [str(float(moved)) for moved in found.moved_by_coin]
    assert {row["by split, %"] for row in rows} == {"0.0"}
    assert "n = 100 tasks" in plot.metadata[EVIDENCE_KEY]["title"]
