"""Long-lived processes of the lab: started detached, known by pid, start time and command line, ended for sure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rollout_lab.errors import LabError

PROC = Path("/proc")
STEP = 0.02
LOG_LIMIT = 20 << 20


@dataclass(frozen=True)
class Identity:
    """What makes a process ours: a reused pid has another start time and another command line."""

    pid: int
    started: int
    program: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The identity of a running process; None for one that is gone or a zombie.

        A process whose first thread has ended while others still do holds its ports: it is no zombie yet.
        """
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            program = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
        except (OSError, IndexError):
            return None
        if not fields or (fields[0] in "ZX" and int(fields[17]) <= 1):
            return None
        return cls(pid, int(fields[19]), program)

    def alive(self) -> bool:
        """Whether exactly this process is still running."""
        return Identity.of(self.pid) == self

    def send(self, number: int) -> None:
        """Signal this process, and only this one."""
        if self.alive():
            with_suppressed_absence(self.pid, number)


def with_suppressed_absence(pid: int, number: int) -> None:
    """Signal a process that may have just ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class PidFile:
    """The identity of a component's process, on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Identity | None:
        """The identity that was written, whether it still runs or not."""
        try:
            return Identity(**json.loads(self.path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def running(self) -> Identity | None:
        """The identity, if that very process is running."""
        identity = self.read()
        return identity if identity and identity.alive() else None

    def write(self, identity: Identity) -> None:
        """Remember a process."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(identity)))

    def remove(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)


def spawn(
    argv: Sequence[str], *, pid_file: PidFile, log: Path, env: Mapping[str, str] | None = None, user: str | None = None
) -> Identity:
    """Start a process in a session of its own, its output appended to a log, its identity written down.

    Args:
        argv: program (absolute path) and arguments.
        pid_file: where the identity goes.
        log: where output goes.
        env: variables added to a minimal environment.
        user: the account to run as; None stays root.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(env or {})}
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
            cwd="/",
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    identity = Identity.of(process.pid)
    if identity is None:
        raise LabError(f"`{argv[0]}` ended at once. Its last words are in {log}.")
    # Between fork and exec the child still carries our own command line.
    deadline = time.monotonic() + 2
    while identity.program != argv[0] and time.monotonic() < deadline:
        time.sleep(0.002)
        identity = Identity.of(process.pid) or identity
    pid_file.write(identity)
    return identity


def end(identities: Sequence[Identity], *, number: int = signal.SIGTERM, patience: float = 10.0) -> None:
    """Signal processes together, wait, and kill those that stay; returns when all are gone."""
    for identity in identities:
        identity.send(number)
    if not wait_gone(identities, patience):
        for identity in identities:
            identity.send(signal.SIGKILL)
        if not wait_gone(identities, 10.0):
            left = ", ".join(f"{one.program} ({one.pid})" for one in identities if one.alive())
            raise LabError(
                f"These processes do not end even when killed: {left}. The machine's disk or kernel hangs; reboot."
            )


def wait_gone(identities: Sequence[Identity], seconds: float) -> bool:
    """Whether all processes ended within the time."""
    deadline = time.monotonic() + seconds
    while any(identity.alive() for identity in identities):
        if time.monotonic() > deadline:
            return False
        _reap()
        time.sleep(STEP)
    _reap()
    return True


def _reap() -> None:
    """Collect our own ended children, or they would look alive to nobody but the process table."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def strays(programs: frozenset[str], *marks: str) -> list[Identity]:
    """Processes of a start that was cut off: one of the lab's programs, with one of the lab's own folders as argument.

    Never this process or those above it, and never somebody's editor or pager on a file of the lab.

    Args:
        programs: base names of the lab's programs, or modules given to `python -m`.
        marks: the lab's folders.
    """
    own = _ancestors(os.getpid())
    found = []
    for folder in PROC.iterdir():
        if not folder.name.isdigit() or int(folder.name) in own:
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        is_program = Path(words[0]).name in programs or bool(programs.intersection(words[1:4]))
        if is_program and any(_names_folder(word, mark) for word in words[1:] for mark in marks):
            identity = Identity.of(int(folder.name))
            if identity:
                found.append(identity)
    return found


def _names_folder(word: str, mark: str) -> bool:
    """Whether an argument is a path below a folder, alone or after `flag=`; text that mentions one does not count."""
    value = word.rpartition("=")[2] if word.startswith("-") else word
    return value.startswith(f"{mark}/") and " " not in value


def _ancestors(pid: int) -> set[int]:
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        pid = parent(pid)
    return found


def parent(pid: int) -> int:
    """The parent's pid; 0 when the process is gone."""
    try:
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0
