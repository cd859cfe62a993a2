"""Free disk space, asked for before the work instead of found missing in the middle of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from rollout_lab.errors import LabError

GIBIBYTE = 1 << 30


def nearest_existing(folder: Path) -> Path:
    """The folder itself or the nearest one above that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def require(needs: Mapping[Path, float], way_out: str) -> None:
    """Refuse if a disk has less free space than the folders on it will take together.

    Args:
        needs: folder to GiB that will be written below it.
        way_out: what to do when there is too little.
    """
    by_disk: dict[int, tuple[Path, float]] = {}
    for folder, gibibytes in needs.items():
        there = nearest_existing(folder)
        disk = there.stat().st_dev
        first, sum_so_far = by_disk.get(disk, (there, 0.0))
        by_disk[disk] = (first, sum_so_far + gibibytes)
    for there, needed in by_disk.values():
        free = shutil.disk_usage(there).free / GIBIBYTE
        if free < needed:
            raise LabError(
                f"The disk is (nearly) full: {free:.1f} GiB are free at {there}, "
                f"{needed:.1f} GiB will be needed. {way_out}"
            )
