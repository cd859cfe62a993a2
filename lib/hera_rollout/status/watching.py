"""A status again and again: rewritten in place in a terminal, a line a change elsewhere."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from rich.console import Console
from rich.live import Live

from hera_rollout.state.comparing import clock
from hera_rollout.status.parts import Status
from hera_rollout.status.showing import Screen, line


class _Ended(BaseException):
    """Somebody asked the process to end."""


def watch(look: Callable[[], Status], interval: float, console: Console, write: Callable[[Status], str] | None) -> None:
    """Look until Ctrl-C or SIGTERM, which end it at once, also in the middle of a look. Main thread only.

    Args:
        look: gathers a status.
        interval: seconds between the end of a look and the next.
        console: where it is shown.
        write: a status as the one line to print at each change; None: in a terminal the screen, elsewhere a line.
    """
    with suppress(_Ended, KeyboardInterrupt), _termination_raises():
        if write is None and console.is_terminal:
            _rewrite(look, interval, console)
        else:
            _print(look, interval, console, write or dated)


def dated(status: Status) -> str:
    """The status' line, with its moment before it."""
    return f"{clock(status.at)}  {line(status)}"


def _rewrite(look: Callable[[], Status], interval: float, console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:  # the last one stays when it ends
        while True:
            live.update(Screen(look()), refresh=True)
            time.sleep(interval)


def _print(look: Callable[[], Status], interval: float, console: Console, write: Callable[[Status], str]) -> None:
    before = ""
    while True:
        status = look()
        if (now := line(status)) != before:
            before = now
            console.file.write(f"{write(status)}\n")
            console.file.flush()
        time.sleep(interval)


@contextmanager
def _termination_raises() -> Iterator[None]:
    def terminate(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: what is being restored is not to be broken off
        raise _Ended

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
