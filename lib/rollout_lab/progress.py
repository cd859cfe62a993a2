"""What is being done and how far it is, on the terminal and in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

EVERY_TTY = 0.5
EVERY_LOG = 20.0


class Step:
    """One line of progress while it lasts; `detail` says how far it is, a function is asked each time."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail: str | Callable[[], str] = ""
        self.outcome = ""
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the step has been running."""
        return time.monotonic() - self.started

    def __str__(self) -> str:
        said = self.detail() if callable(self.detail) else self.detail
        detail = f" {said}," if said else ""
        return f"{self.title} …{detail} {self.seconds:.0f} s"

    def summary(self) -> str:
        """The line that stays when the step has ended."""
        outcome = self.outcome or "done"
        return f"{self.title}: {outcome} ({self.seconds:.1f} s)"


class Progress:
    """Numbered steps: `[3/9] kube-apiserver … 812 of 1630 packages, 41 s`."""

    def __init__(self, total: int, out: TextIO | None = None) -> None:
        self.total = total
        self.count = 0
        self.out = out or sys.stderr
        self.times: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step from its start to its end."""
        self.count += 1
        step = Step(f"[{self.count}/{self.total}] {name}")
        ended = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(step, ended), daemon=True)
        ticker.start()
        try:
            yield step
        except BaseException:
            step.outcome = "failed"
            raise
        finally:
            ended.set()
            ticker.join()
            self.times[name] = round(step.seconds, 2)
            self._write(step.summary(), last=True)

    def _tick(self, step: Step, ended: threading.Event) -> None:
        every = EVERY_TTY if self.out.isatty() else EVERY_LOG
        while not ended.wait(every):
            self._write(str(step), last=False)

    def _write(self, text: str, *, last: bool) -> None:
        terminal = self.out.isatty()
        start = "\r\x1b[K" if terminal else ""
        self.out.write(start + text + ("\n" if last or not terminal else ""))
        self.out.flush()
