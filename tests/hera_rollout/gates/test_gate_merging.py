"""Evidence adds up in any grouping and any order, and never over two code revisions."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hera_rollout.errors import Conflicting
from hera_rollout.gates import Durations, Errors, Moments, Outcomes, RungShare, Shares, Stratum, Windows, carried, plain

COUNT = st.integers(0, 10_000)
VALUES = st.lists(st.floats(0.01, 1e4), max_size=8)


def outcomes() -> st.SearchStrategy[Outcomes]:
    return st.builds(
        lambda good, bad, more, worse: Outcomes(
            code_revision="r1", workflows=good + bad, failures=bad, ahead=more + worse, ahead_failures=worse
        ),
        COUNT, COUNT, COUNT, COUNT,
    )  # fmt: skip


def durations() -> st.SearchStrategy[Durations]:
    stratum = st.builds(
        lambda percent, hera, yaml: Stratum(percent=percent, hera=Moments.of_logs(hera), yaml=Moments.of_logs(yaml)),
        st.sampled_from([10, 25, 50]), VALUES, VALUES,
    )  # fmt: skip
    return st.builds(lambda one: Durations(code_revision="r1", strata=(one,)), stratum)


def windows() -> st.SearchStrategy[Windows]:
    return st.builds(lambda values: Windows.of("r1", [(value, 2.0) for value in values]), VALUES)


def errors() -> st.SearchStrategy[Errors]:
    return st.builds(lambda a, b, c, d: Errors.between("r1", (a, b), (c, d)), COUNT, COUNT, COUNT, COUNT)


def shares() -> st.SearchStrategy[Shares]:
    return st.builds(
        lambda percent, hera, others: Shares(
            code_revision="r1", rungs=(RungShare(percent=percent, tasks=hera + others, hera=hera),)
        ),
        st.sampled_from([10, 25, 50]), COUNT, COUNT,
    )  # fmt: skip


def close(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(close(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(close, left, right))
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return left == right


ANY = st.one_of([st.tuples(kind(), kind(), kind()) for kind in (outcomes, durations, windows, errors, shares)])


@given(ANY)
def test_grouping_and_order_do_not_matter(three: tuple[Any, Any, Any]) -> None:
    a, b, c = three
    assert close(plain((a + b) + c), plain(a + (b + c)))
    assert close(plain(a + b), plain(b + a))


@given(VALUES, VALUES)
def test_moments_together_are_the_moments_of_all(left: list[float], right: list[float]) -> None:
    merged, whole = Moments.of_logs(left) + Moments.of_logs(right), Moments.of_logs(left + right)
    assert close(plain(merged), plain(whole))


@pytest.mark.parametrize("kind", [Outcomes, Durations, Windows, Errors, Shares])
def test_two_code_revisions_are_never_added(kind: type[Any]) -> None:
    with pytest.raises(Conflicting, match=r"'r1'.*'r2'"):
        kind(code_revision="r1") + kind(code_revision="r2")


def test_a_new_code_revision_starts_anew_and_says_so() -> None:
    old, new = Outcomes(code_revision="r1", workflows=9), Outcomes(code_revision="r2", workflows=1)
    assert carried(None, new) == (new, False)
    assert carried(old, new) == (new, True)
    assert carried(old, old) == (Outcomes(code_revision="r1", workflows=18), False)
