"""Running a program to its end, with a deadline and a readable failure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rollout_lab.errors import CommandFailed, LabError, tail

NO_SPACE = "no space left on device"


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it said.

    Args:
        argv: program and arguments; no shell is involved.
        timeout: seconds until the program is killed.
        env: variables added to this process's environment.
        cwd: folder to run in.
        stdin: text for the program's input.
        check: raise on a non-zero exit.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=cwd,
            input=stdin,
            check=False,
            env={**os.environ, **(env or {})},
            errors="replace",
        )
    except FileNotFoundError:
        raise LabError(f"The program `{words[0]}` is not there. Run `rollout-lab build`, which installs it.") from None
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"`{' '.join(words[:3])}` did not end within {timeout:.0f} s and was killed.") from None
    if check and done.returncode:
        raise failure(words, done.returncode, done.stderr or done.stdout)
    return done


def explain(done: subprocess.CompletedProcess[str], what: str, way_out: str) -> LabError:
    """The error for a program that ended badly, in the lab's words, with the program's last line as the reason."""
    output = done.stderr.strip() or done.stdout.strip()
    if NO_SPACE in output.lower():
        return failure([str(done.args[0])], done.returncode, output)
    return CommandFailed(f"{what} ({(output or 'it said nothing').splitlines()[-1]}). {way_out}")


def failure(argv: Sequence[str], code: int, output: str) -> LabError:
    """The error for a program that ended badly; a full disk gets its own sentence."""
    if NO_SPACE in output.lower():
        return LabError(f"The disk is full (said `{argv[0]}`). Free some space and run the same command again.")
    return CommandFailed(f"`{' '.join(argv[:3])}` ended with exit code {code}: {tail(output) or 'it said nothing'}")
