"""One question of several, with an end: answered in time, or not known."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import monotonic

from hera_rollout.answers import plain
from hera_rollout.errors import RolloutError
from hera_rollout.status.parts import Known, Part, T, Unknown


def asked(make: Callable[[], T], seconds: float) -> Callable[[], Part[T]]:
    """Begin to find it out; the call that is given back waits for it, until `seconds` from now at most.

    What does not end is left behind on a thread that does not keep the process: each request has a limit of its own,
    but several in a row, or an answer that trickles, would add up.
    """
    found: list[Part[T]] = []
    thread = Thread(target=lambda: found.append(_answered(make)), name="hera-rollout-status", daemon=True)
    ends = monotonic() + seconds
    thread.start()

    def part() -> Part[T]:
        thread.join(max(0.0, ends - monotonic()))
        return found[0] if found else Unknown(
            f"it was not answered whole within {seconds:g} s.",
            "Try again, or raise limits.request_timeout_seconds of the target.",
        )  # fmt: skip

    return part


def answered(part: Part[T]) -> Callable[[], Part[T]]:
    """What need not be asked."""
    return lambda: part


def _answered(make: Callable[[], T]) -> Part[T]:
    try:
        return Known(make())
    except RolloutError as error:
        return Unknown(plain(error.seen), plain(error.todo))
    except Exception as error:  # one odd answer must not take the rest of the screen away
        return Unknown(f"what was answered could not be read ({plain(repr(error))}).")
