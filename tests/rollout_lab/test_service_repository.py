"""The practice backend as a team has it: a git repository that the lab can build an image from."""

import subprocess
from pathlib import Path

import pytest

from rollout_lab import checkout, service_repository
from rollout_lab.errors import LabError

ROOT = Path(__file__).parents[2]


def test_it_is_clean_complete_and_the_image_from_it_is_the_checkouts(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    commit = service_repository.make(ROOT, folder)
    git = ["git", "-C", folder]
    assert subprocess.run([*git, "status", "--porcelain"], capture_output=True, check=True).stdout == b""
    assert (
        subprocess.run([*git, "rev-parse", "main"], check=True, capture_output=True, text=True).stdout.strip() == commit
    )
    assert checkout.is_complete(folder)
    assert checkout.inputs_hash(folder, "base") == checkout.inputs_hash(ROOT, "base")
    with pytest.raises(LabError, match="is there already"):
        service_repository.make(ROOT, folder)
