"""What the rollback's benchmark makes of what was sent."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hera_rollout.backend.traffic import Row

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from rollback import Round, measured, summary, verdicts

DECIDED = datetime(2026, 11, 1, 12, tzinfo=UTC)


def row(number, seconds, path, outcome="accepted"):
    return Row(number, f"m{number}", path=path, outcome=outcome, sent=DECIDED + timedelta(seconds=seconds))


def test_the_last_submission_by_hera_after_the_decision_counts_and_none_before_it():
    rows = [row(0, -1, "hera"), row(1, 0.4, "hera"), row(2, 0.2, "hera"), row(3, 3, "yaml"), row(4, 1, "", "refused")]
    made = measured("env", rows, DECIDED, 2.5, {"m0": 1, "m1": 3, "m2": 1})
    assert made == Round("env", 0.4, 2.5, sent=5, hera=3, lost=1, duplicates=2)
    assert measured("env", rows[:1], DECIDED, None, {}).last_hera == 0


def one(way, last, lost=0):
    return Round(way, last, last + 1, sent=10, hera=5, lost=lost, duplicates=0)


def test_the_worst_round_decides_and_not_the_median():
    found = summary([one("configmap", 0.2), one("configmap", 0.3), one("configmap", 1.4)])
    assert (found["configmap"]["last Hera, median"], found["configmap"]["last Hera, worst"]) == (0.3, 1.4)
    assert verdicts(found)[0] == "by file, worst 1.40 s: aim 1 s missed"


@pytest.mark.parametrize(("last", "word"), [(9.9, "met"), (10.2, "missed")])
def test_by_variable_it_is_held_beside_kubectls_own_median(last, word):
    found = summary([one("env", last), one("kubectl", 9), one("kubectl", 9), one("kubectl", 20)])
    assert verdicts(found)[0].endswith(f"aim +1 s {word}")


def test_what_was_lost_by_kubectl_is_not_the_kits():
    assert verdicts(summary([one("env", 1), one("kubectl", 1, lost=4)]))[-1].endswith("0: aim 0 met")
    assert verdicts(summary([one("env", 1, lost=1), one("kubectl", 1)]))[-1].endswith("1: aim 0 missed")
