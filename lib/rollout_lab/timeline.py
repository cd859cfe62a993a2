"""When which stage of a boot began and ended; stages overlap."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


class Timeline:
    """Prints each stage as it ends and keeps the times."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out or sys.stderr
        self.started = time.monotonic()
        self.stages: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    @property
    def now(self) -> float:
        """Seconds since the boot began."""
        return round(time.monotonic() - self.started, 2)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage; one that fails leaves no line, its error says what happened."""
        began = self.now
        yield
        ended = self.now
        with self._lock:
            self.stages[name] = (began, ended)
            self.out.write(f"{ended:6.1f} s  {name} ({ended - began:.1f} s)\n")
            self.out.flush()

    def save(self, path: Path) -> None:
        """Write the times as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"seconds": self.now, "stages": self.stages}, indent=2))
