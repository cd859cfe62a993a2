"""Folders for a lab that is never started."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_lab.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "cache", tmp_path / "state", tmp_path / "run")


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder other accounts may enter: pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="rollout-lab-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_root() -> None:
    assert os.geteuid() == 0, "the lab and its tests need root"
