"""The kit's split and the backend's are written twice; the same golden vectors hold both to BACKEND_API's contract."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from hera_rollout import split as kit
from reference_backend import split as backend

GOLDEN = json.loads((Path(__file__).parent / "golden" / "split.json").read_text())["vectors"]
PERCENTS = ("0", "0.01", "0.07", "10", "25", "33.33", "50", "75", "99.99", "100")


def test_there_are_vectors() -> None:
    assert len(GOLDEN) >= 50
    assert any(not row["task"].isascii() for row in GOLDEN)


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: ascii(row["task"])[:24])
def test_both_meet_the_golden_vectors(row: dict) -> None:
    assert kit.bucket(row["task"]) == row["bucket"]
    assert backend.bucket(row["task"]) == row["bucket"]


@pytest.mark.parametrize("percent", PERCENTS)
def test_both_choose_the_same_path_at_every_percentage(percent: str) -> None:
    tasks = [row["task"] for row in GOLDEN] + [f"task-{number:012x}" for number in range(2_000)]
    takes = [backend.takes_hera(task, Decimal(percent)) for task in tasks]
    assert [kit.path_for(task, percent) == "hera" for task in tasks] == takes


def test_the_bound_is_exact() -> None:
    row = GOLDEN[0]
    assert kit.path_for(row["task"], Decimal(row["bucket"]) / 100) == "yaml"
    assert kit.path_for(row["task"], Decimal(row["bucket"] + 1) / 100) == "hera"
