"""What all tests share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def guide() -> str:
    """The rollout guide, as the users wrote it."""
    return (Path(__file__).parents[1] / "docs" / "ROLLOUT_GUIDE.md").read_text(encoding="utf-8")
