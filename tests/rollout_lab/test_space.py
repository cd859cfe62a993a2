"""A full disk is found before the work, on the disk it is about. A real small disk (tmpfs)."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_lab import preflight, space
from rollout_lab.commands import failure
from rollout_lab.errors import LabError, from_os_error
from rollout_lab.paths import Paths


@pytest.fixture
def small_disk(tmp_path: Path, as_root: None) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_full_disk_is_refused_before_the_boot_with_a_way_out(small_disk: Path, paths: Paths) -> None:
    lab = Paths(paths.cache, small_disk / "state", paths.runtime)
    with pytest.raises(LabError, match=r"disk is \(nearly\) full: 0\.0 GiB are free.*ROLLOUT_LAB_STATE"):
        preflight.require_space(lab)
    assert not lab.state.exists()


def test_needs_on_one_disk_are_summed(small_disk: Path) -> None:
    megabyte = 1 / 1024
    space.require({small_disk / "a": 0.6 * megabyte}, "")
    with pytest.raises(LabError):
        space.require({small_disk / "a": 0.6 * megabyte, small_disk / "b": 0.6 * megabyte}, "")


def test_needs_on_different_disks_are_not_summed(small_disk: Path, tmp_path: Path) -> None:
    space.require({small_disk / "a": 0.6 / 1024, tmp_path / "b": 0.6 / 1024}, "")


def test_disk_that_fills_up_in_the_middle_is_one_sentence(small_disk: Path) -> None:
    with pytest.raises(OSError) as caught:
        (small_disk / "file").write_bytes(b"x" * (2 << 20))
    assert caught.value.errno == errno.ENOSPC
    text = str(from_os_error(caught.value))
    assert text.startswith("The disk is full")
    assert "run the same command again" in text


def test_program_that_hits_a_full_disk_is_the_same_sentence() -> None:
    error = failure(["go", "build"], 1, "link: writing /x: No space left on device")
    assert str(error).startswith("The disk is full (said `go`)")
