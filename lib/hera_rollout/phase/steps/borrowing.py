"""A step that borrows the flag gives it back as it found it, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hera_rollout import display, flag
from hera_rollout.errors import RolloutError
from hera_rollout.phase.spine import Phase

FOUND: Final = "flag as it was found"
"""Under this key a run keeps what both media said before its first attempt borrowed the flag."""


@contextmanager
def as_found(phase: Phase, live: display.Live) -> Iterator[None]:
    """Put the variable and the flag's file back at the end, also of work that failed: its own error is then raised.

    What somebody else changed meanwhile is theirs and is left alone; the run's last check names it.

    Raises:
        RolloutError: the work itself went well, and they could not be put back.
    """
    before = flag.Found.read(phase.once(FOUND, lambda: flag.Found.now(phase.cluster).plain()))
    try:
        yield
    except BaseException:
        try:
            _put_back(phase, before, live)
        except RolloutError as error:
            live.line(f"the flag's media were not put back as they were found ({before.plain()}): {error.seen}")
        raise
    _put_back(phase, before, live)


def _put_back(phase: Phase, before: flag.Found, live: display.Live) -> None:
    if phase.keeping and (others := phase.keeping.state.drift()):
        live.line(f"the flag's media are not put back: {' '.join(others)}")
        return
    flag.put_back(phase.cluster, before, live.line)
    if phase.keeping:
        phase.keeping.flag_set(enabled=before.percent > 0, percent=before.percent,
                               why=f"{phase.notebook}: both media as they were found")  # fmt: skip
