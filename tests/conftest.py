"""What all tests share."""

from pathlib import Path

import pytest

LAST = "tests/live/test_lab.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The lab's own tests take the shared lab down and bring it up again: they come last."""
    items.sort(key=lambda item: item.nodeid.startswith(LAST))


@pytest.fixture(scope="session")
def guide() -> str:
    """The rollout guide, as the users wrote it."""
    return (Path(__file__).parents[1] / "docs" / "ROLLOUT_GUIDE.md").read_text(encoding="utf-8")
