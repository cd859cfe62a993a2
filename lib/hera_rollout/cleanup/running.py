"""Running a command of a service or of its place: no shell in between, and never longer than agreed."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hera_rollout.answers import printable
from hera_rollout.errors import Refused

TAIL, MOST = 12, 4_000
"""Lines of output that are kept, and characters."""


@dataclass(frozen=True)
class CommandRun:
    """One run of a command; no exit code: it was stopped."""

    command: str
    exit_code: int | None
    seconds: float
    tail: str

    @property
    def passed(self) -> bool:
        """Whether the command says so."""
        return self.exit_code == 0

    def __str__(self) -> str:
        ended = "was stopped" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"`{self.command}` {ended} after {self.seconds:.0f} s\n{self.tail}"


def run_command(command: str, folder: Path, seconds: int, environment: Mapping[str, str] | None = None) -> CommandRun:
    """Run a command in a folder; after so many seconds it and its children are ended.

    Args:
        command: words as a shell would split them.
        folder: where it runs.
        seconds: how long it may take.
        environment: all of its variables; by default this process's.

    Raises:
        Refused: there is no such command.
    """
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            shlex.split(command), cwd=folder, env=dict(environment or os.environ), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise Refused(f"The command `{command}` cannot be started: {error}.", todo="Correct the target.") from None
    code: int | None
    try:
        output, _ = process.communicate(timeout=seconds)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate(timeout=10)
        code = None
    text = printable(output.decode("utf-8", "replace")).strip().splitlines()
    return CommandRun(command, code, time.monotonic() - began, "\n".join(text[-TAIL:])[-MOST:])
