"""Control groups, version 1 and 2: detected, never assumed; the kubelet's group removed on `down`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from rollout_lab.processes import Identity, wait_gone, with_suppressed_absence

ROOT = Path("/sys/fs/cgroup")
KUBEPODS = "kubepods"
CAP_SYS_RESOURCE = 24


def version(root: Path = ROOT) -> int:
    """2 where the unified hierarchy is mounted at the root itself, else 1."""
    return 2 if (root / "cgroup.controllers").exists() else 1


def may_lower_oom_score(status: Path = Path("/proc/self/status")) -> bool:
    """Whether this process has CAP_SYS_RESOURCE; without it runc cannot set the scores the kubelet asks for."""
    for line in status.read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> CAP_SYS_RESOURCE & 1)
    return False


def groups(root: Path = ROOT, name: str = KUBEPODS) -> list[Path]:
    """The kubelet's group in every hierarchy that is mounted."""
    candidates = (
        [root / name, *(folder / name for folder in root.iterdir() if folder.is_dir())] if root.is_dir() else []
    )
    return [folder for folder in candidates if folder.is_dir()]


def members(folders: list[Path]) -> list[Identity]:
    """Processes in these groups, all levels."""
    pids: set[int] = set()
    for folder in folders:
        for file in folder.rglob("cgroup.procs"):
            try:
                pids |= {int(word) for word in file.read_text().split()}
            except OSError:
                continue
    return [identity for pid in pids if (identity := Identity.of(pid))]


def kill_members() -> None:
    """Kill every process of every pod and wait until they are gone."""
    for _ in range(3):
        alive = members(groups())
        for identity in alive:
            with_suppressed_absence(identity.pid, signal.SIGKILL)
        if not alive or wait_gone(alive, 5):
            break


def remove(seconds: float = 5) -> list[Path]:
    """Remove the kubelet's groups, deepest first; returns what would not go."""
    deadline = time.monotonic() + seconds
    while True:
        left = [folder for folder in groups() if not _remove_tree(folder)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _remove_tree(folder: Path) -> bool:
    for current, _, _ in os.walk(folder, topdown=False):
        try:
            Path(current).rmdir()
        except OSError:
            return False
    return True
