"""One rollout-lab at a time: two that start or stop the same lab would undo each other's work."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from rollout_lab.errors import LabError


@contextlib.contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold a lock for the block; refuse at once, by pid, if another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise LabError(
                f"Another rollout-lab is at work here (pid {handle.read().strip() or 'unknown'}). "
                "Wait until it has ended."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
