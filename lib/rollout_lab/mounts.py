"""Mounts below the lab's folders, and their end."""

from __future__ import annotations

import re
from pathlib import Path

from rollout_lab.commands import run
from rollout_lab.errors import LabError

MOUNTINFO = Path("/proc/self/mountinfo")
PASSES = 3


def below(*folders: Path, mountinfo: Path = MOUNTINFO) -> list[str]:
    """Mount points below the folders, deepest first; a folder that is itself a mount point is not counted."""
    points = [_unescape(line.split()[4]) for line in mountinfo.read_text().splitlines()]
    inside = [point for point in points if any(point.startswith(f"{folder}/") for folder in folders)]
    return sorted(inside, key=len, reverse=True)


def _unescape(text: str) -> str:
    return re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), text)


def remove(*folders: Path) -> None:
    """Detach everything mounted below the folders; again where one mount lay over another."""
    for _ in range(PASSES):
        points = below(*folders)
        if not points:
            return
        run(["umount", "-l", *points], check=False)
    if left := below(*folders):
        raise LabError(
            f"These mounts of the lab do not come off: {', '.join(left[:3])}. "
            "See what holds them (fuser -m), then run `rollout-lab down` again."
        )
