"""Traffic on the real backend: the same keys on the same side, and answers that were lost."""

import pytest

from hera_rollout.backend import traffic
from hera_rollout.backend.traffic import Traffic
from hera_rollout.split import path_for

pytestmark = pytest.mark.live


def test_the_same_tasks_stay_on_their_side_of_the_split_and_the_cluster_says_so(
    clean_backend, backend, workflows, unique
):
    first = Traffic(backend, traffic.steady(4, 1.5), token=f"off-{unique}", tasks=6)
    first.run()
    off = first.resolve(workflows)
    assert set(off["outcome"]) == {"accepted"}
    assert set(off["path"]) == {"yaml"}
    assert set(off["how"]) == {"proven"}
    clean_backend.set_flag(percent=50)
    second = Traffic(backend, traffic.steady(8, 1.5), token=f"half-{unique}", tasks=first.tasks)
    second.run()
    half = second.resolve(workflows)
    assert set(half["task"]) == set(off["task"])
    assert len(half) == 12
    assert list(half["path"]) == [path_for(task, 50) for task in half["task"]]
    assert sorted(half["run"]) == [2] * 6 + [3] * 6


@pytest.mark.parametrize("case", [("orphan_after_success", "found"), ("all_500", "absent")])
def test_a_500_is_looked_up_on_the_cluster(clean_backend, backend, workflows, unique, case):
    fault, outcome = case
    clean_backend.set_flag()
    clean_backend.set_faults(**{fault: "on"})
    load = Traffic(backend, traffic.steady(4, 0.5), token=f"lost-{unique}")
    assert set(load.run()["outcome"]) == {"answer lost"}
    found = load.resolve(workflows)
    assert set(found["outcome"]) == {outcome}
    assert set(found["path"]) == ({"hera"} if outcome == "found" else {""})
    assert len(traffic.lost(load.rows)) == (0 if outcome == "found" else 2)
