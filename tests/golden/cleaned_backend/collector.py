"""The background worker: phases and logs are kept even when nobody asks, before a workflow is deleted."""

import logging
import threading
import time

from reference_backend.errors import BackendError
from reference_backend.rows import Rows
from reference_backend.runlogs import LogBook
from reference_backend.states import States

log = logging.getLogger(__name__)
BATCH = 50
# At most a fifth of the time is spent collecting, however many runs there are.
REST_FACTOR = 4


class Collector:
    """One thread; every replica has its own, and all that it writes may be written twice."""

    def __init__(self, rows: Rows, states: States, logs: LogBook, seconds: float) -> None:
        self._rows = rows
        self._states = states
        self._logs = logs
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="collector", daemon=True)
        self._complaint = ""

    def start(self) -> None:
        """Begin, unless collecting is switched off."""
        if self._seconds > 0:
            self._thread.start()

    def stop(self) -> None:
        """End; a pass that hangs on a dead server is left behind."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def collect(self) -> None:
        """One pass."""
        reason = self._states.refresh(self._rows.unfinished())
        for run in self._rows.unsaved(BATCH):
            self._logs.keep(run)
        self._complain(reason or "")

    def _work(self) -> None:
        pause = self._seconds
        while not self._stop.wait(pause):
            started = time.monotonic()
            try:
                self.collect()
            except BackendError as error:
                self._complain(str(error))
            except Exception:
                log.exception("collecting failed; trying again")
            pause = max(self._seconds, REST_FACTOR * (time.monotonic() - started))

    def _complain(self, reason: str) -> None:
        if reason and reason != self._complaint:
            log.warning("phases and logs cannot be collected: %s", reason)
        if self._complaint and not reason:
            log.info("phases and logs are collected again")
        self._complaint = reason
