"""What has to be so before the lab touches anything."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from pathlib import Path

from rollout_lab import mounts, ports, space
from rollout_lab.addresses import NODE_PORT_ENDPOINTS
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster

NEEDED_GIBIBYTES = 2
PROCESSOR = "x86_64"


def require_linux_root(system: str = sys.platform, processor: str = platform.machine()) -> None:
    """The lab needs Linux, x86-64 and root."""
    if not system.startswith("linux"):
        raise LabError(
            f"This is {system}, and the lab is made of Linux's own parts. "
            "Run it on a Linux machine, or use a cluster of your own."
        )
    if processor != PROCESSOR:
        raise LabError(
            f"This processor is {processor}, and the lab's pinned packages are for {PROCESSOR}. "
            "Run it on such a machine, or use a cluster of your own."
        )
    if os.geteuid() != 0:
        raise LabError(
            f"You are user {os.geteuid()}, and the lab makes networks and control groups: it needs root. "
            "Run it with sudo."
        )


def require_debian(release: Path = Path("/etc/os-release")) -> None:
    """Parts of the lab come from Debian's packages."""
    if not shutil.which("apt-get") or not release.exists():
        raise LabError(
            "This Linux has no apt-get, and the lab takes containerd and others from Debian 12. "
            "Run it on Debian 12, or use a cluster of your own."
        )


def require_space(paths: Paths) -> None:
    """A cluster on a full disk fails in strange ways; refuse first."""
    space.require(
        {paths.state: NEEDED_GIBIBYTES}, "Free some space, or set ROLLOUT_LAB_STATE to a folder on a larger disk."
    )


def require_free_node_ports() -> None:
    """Node ports are rules, not listeners: a process on the same port would hide behind them unseen."""
    for endpoint in NODE_PORT_ENDPOINTS:
        ports.require_free(endpoint, "node port")


def owner_file(paths: Paths) -> Path:
    """Where a running lab says which folders are its own."""
    return paths.runtime / "lab.json"


def running_paths(paths: Paths) -> Paths:
    """The folders of the lab that runs on this machine, else the given ones."""
    try:
        written = json.loads(owner_file(paths).read_text())
        return Paths(Path(written["cache"]), Path(written["state"]), paths.runtime)
    except (OSError, ValueError, KeyError):
        return paths


def _is_there(running: Paths) -> bool:
    """Whether a lab runs, or a crash left mounts of it."""
    return Roster(running).any_running() or bool(mounts.below(running.state, running.runtime))


def claim(paths: Paths) -> None:
    """Say that this machine's lab has these folders; refuse while it has others."""
    running = running_paths(paths)
    if running.state != paths.state and _is_there(running):
        raise LabError(
            f"A lab with the state folder {running.state} is on this machine, and you asked for {paths.state}. "
            "There is one lab a machine: run `rollout-lab down` first."
        )
    owner_file(paths).parent.mkdir(parents=True, exist_ok=True)
    owner_file(paths).write_text(json.dumps({"state": str(paths.state), "cache": str(paths.cache)}))
