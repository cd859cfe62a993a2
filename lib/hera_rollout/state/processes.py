"""Which process this is, and whether another one of this machine still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_START_TIME = 19  # in /proc/PID/stat, counted from the field after the name
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """`place` tells machines and containers apart; a process id means nothing beyond its own."""

    place: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.place} {self.pid} {self.started}"

    @classmethod
    def parse(cls, text: str) -> Process | None:
        """Read what `str` wrote; None if it is something else."""
        parts = text.split()
        if len(parts) != 3 or not parts[1].isdecimal():  # noqa: PLR2004
            return None
        return cls(parts[0], int(parts[1]), parts[2])


def host() -> str:
    """This machine's name."""
    return socket.gethostname()


def own() -> Process:
    """This very process."""
    boot = _text(_PROC / "sys/kernel/random/boot_id").strip()[:8] or "-"
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = "-"
    return Process(f"{host()}/{boot}/{space}", os.getpid(), started(os.getpid()))


def started(pid: int) -> str:
    """When that process began, so that a number given out again is not taken for it; "-" if nothing says so."""
    fields = _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return fields[_START_TIME] if len(fields) > _START_TIME else "-"


def dead(process: Process, me: Process) -> bool:
    """Whether it is certain that this process is no more: only what ran in our own place can be known."""
    if process.place != me.place or os.name != "posix":
        return False
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    ended = _text(_PROC / str(process.pid) / "stat").rpartition(")")[2].split()[:1] == ["Z"]  # nobody has reaped it
    return ended or started(process.pid) != process.started


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
