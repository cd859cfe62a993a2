"""Errors of the lab.

    LabError                what was seen, what was expected, the way out
    ├── NotBuilt            `rollout-lab build` has to run first
    ├── PortTaken           somebody else listens where the lab has to
    └── CommandFailed       a program the lab started ended badly

Use it so::

    try:
        lab.up()
    except LabError as error:
        print(error)        # one clear sentence, never a stack trace
"""

from __future__ import annotations

import errno


class LabError(Exception):
    """The lab cannot go on; the text says what was seen, what was expected and the way out."""


class NotBuilt(LabError):  # noqa: N818 - reads as what it is
    """Something that `rollout-lab build` makes is not there."""


class PortTaken(LabError):  # noqa: N818
    """A port of the lab is held by a process that is not the lab's."""


class CommandFailed(LabError):  # noqa: N818
    """A program ended with an error."""


def from_os_error(error: OSError) -> LabError:
    """Translate an operating system error into a sentence with a way out."""
    where = f" at {error.filename}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return LabError(f"The disk is full{where}. Free some space and run the same command again: it goes on safely.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return LabError(f"The system refused: {error.strerror}{where}. The lab must run as root with full rights.")
    return LabError(f"The system said: {error.strerror}{where}. Run `rollout-lab down`, then the same command again.")


def tail(text: str, lines: int = 5) -> str:
    """The last lines of a program's output, for a message."""
    return "\n".join(text.strip().splitlines()[-lines:])
