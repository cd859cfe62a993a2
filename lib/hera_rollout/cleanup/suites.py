"""Running a service's own tests, never longer than agreed."""

import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from hera_rollout.errors import Refused

TAIL = 12


@dataclass(frozen=True)
class TestRun:
    """One run of a test command."""

    __test__ = False  # no test itself, whatever pytest makes of the name

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


def run_tests(command: str, folder: Path, seconds: int, flag: str) -> TestRun:
    """Run a command in a folder, the flag's variable unset; after the time it and its children are ended.

    Raises:
        Refused: there is no such command.
    """
    environment = {name: value for name, value in os.environ.items() if name != flag}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            shlex.split(command), cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise Refused(f"The test command `{command}` cannot be started: {error}.", todo="Correct the target.") from None
    code: int | None
    try:
        output, _ = process.communicate(timeout=seconds)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate(timeout=10)
        code = None
    text = output.decode("utf-8", "replace").strip().splitlines()
    return TestRun(command, code, time.monotonic() - began, "\n".join(text[-TAIL:]))
