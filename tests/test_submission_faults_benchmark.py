"""What the benchmark of faulty submissions counts as lost, doubled and open."""

import sys
from collections import Counter
from pathlib import Path

from hera_rollout.backend.traffic import Row

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from submission_faults import counted


def outcome(*pairs):
    rows = [Row(number, f"m{number}", outcome=kind) for number, (kind, _) in enumerate(pairs)]
    made = Counter({f"m{number}": count for number, (_, count) in enumerate(pairs)})
    return counted(rows, made, asked=len(rows), faults={}, seconds=1)


def test_a_clean_one():
    found = outcome(("accepted", 1), ("found", 1), ("absent", 0), ("refused", 0), ("unreachable", 0))
    assert found.clean
    assert (found.there, found.told_not_made, found.resolved) == (2, 3, 2)


def test_told_as_there_and_not_there_is_lost_and_so_is_the_other_way_round():
    assert outcome(("accepted", 0)).lost == 1
    assert outcome(("unreachable", 1)).lost == 1
    assert not outcome(("unreachable", 1)).clean


def test_two_workflows_for_one_are_doubled_and_an_unknown_one_is_open():
    assert outcome(("accepted", 3)).duplicated == 2
    assert outcome(("answer lost", 1)).open == 1
