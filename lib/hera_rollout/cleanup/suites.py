"""Running a service's own tests, the flag's variable unset."""

import os
from pathlib import Path

from hera_rollout.cleanup.running import CommandRun, run_command


def run_tests(command: str, folder: Path, seconds: int, flag: str) -> CommandRun:
    """Run the tests in a folder; after so many seconds they are ended.

    Raises:
        Refused: there is no such command.
    """
    environment = {name: value for name, value in os.environ.items() if name != flag}
    return run_command(command, folder, seconds, environment | {"PYTHONDONTWRITEBYTECODE": "1"})
