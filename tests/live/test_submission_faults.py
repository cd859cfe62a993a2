"""Submissions through a proxy that fails by a seeded die: none lost without a word, none made twice."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout_lab.faulty_proxy import FAULTS, Die

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from submission_faults import by_backend, by_hera

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
COUNT, SHARE = 100, 0.4


@pytest.fixture
def token():
    return f"faulty{datetime.now(UTC):%H%M%S}"


def met(outcome):
    """Every kind of fault was met, and the aim all the same."""
    assert set(outcome.faults) == {*FAULTS, "passed"}
    assert outcome.clean, outcome.sentence()
    assert outcome.resolved, "an answer was lost, and looked up"


def test_by_hera_each_is_there_once_under_its_own_name(suspended, target, cluster, token):
    outcome = by_hera(target, cluster, COUNT, Die(3, SHARE), token)
    met(outcome)
    assert outcome.there == outcome.asked == COUNT


def test_by_the_backend_each_is_there_once_or_told_as_not_made(suspended, target, cluster, token):
    outcome = by_backend(target, cluster, COUNT, Die(4, SHARE), token)
    met(outcome)
    assert outcome.there + outcome.told_not_made == outcome.asked
    assert outcome.asked > COUNT / 2, "20 a second, as many as a busy machine can send"
    assert 0 < outcome.told_not_made < outcome.asked
