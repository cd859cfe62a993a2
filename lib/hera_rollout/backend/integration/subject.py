"""The one task that all five lines look at: submitted once, watched to its end once."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

from hera_rollout.backend.client import Backend, Submitted
from hera_rollout.errors import RolloutError
from hera_rollout.workflows import Outcome, Workflows

RUN_SECONDS: Final = 6
"""How long the code runs: long enough to read its first line before its end."""
SETTLE_SECONDS: Final = 15.0
"""How long the backend may take to know what the cluster knows."""
_CODE: Final = """\
# {mark}: "quotes", ünïcode → ✓, a \\ and a $(sign) must come back as they are
import time
print("[{mark}] first line", flush=True)
time.sleep({seconds})
print("[{mark}] last line is", sum(range(101)), flush=True)
"""


class Subject:
    """A task with its workflow."""

    def __init__(
        self,
        backend: Backend,
        workflows: Workflows,
        *,
        deadline_seconds: float,
        stop: threading.Event,
        token: str = "",
        resumed: bool = False,
    ) -> None:
        self.backend, self.workflows = backend, workflows
        self.deadline, self.stop = deadline_seconds, stop
        self.mark = f"hera-rollout-integration-{token or secrets.token_hex(4)}"
        self.resumed = resumed
        self.code = _CODE.format(mark=self.mark, seconds=RUN_SECONDS)
        self.first, self.last = f"[{self.mark}] first line", f"[{self.mark}] last line is 5050"
        self.submitted: Submitted | None = None
        self.refused: RolloutError | None = None
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.outcome: Outcome | None = None

    def submit(self) -> None:
        """Submit; a refusal is kept, for it is what the lines have to say."""
        try:
            if self.resumed:
                self._sweep()
            self.submitted = self.backend.submit(self.code)
        except RolloutError as error:
            self.refused = error
            self.ended.set()
        self.ready.set()

    def _sweep(self) -> None:
        """Take away the task of an attempt that was broken off: its first log line cannot be read in time again."""
        for task in self.backend.marked(f"[{self.mark}]"):
            self.backend.delete(task)

    def follow(self) -> None:
        """Wait for its end."""
        try:
            if self.submitted:
                name = self.submitted.workflow
                self.outcome = self.workflows.wait(name, self.deadline, stop=self.stop)
        except RolloutError as error:
            self.refused = self.refused or error
        finally:
            self.ended.set()

    def there(self) -> Submitted:
        """The submission, once it is answered.

        Raises:
            RolloutError: it was refused.
        """
        self.ready.wait(self.deadline)
        if self.submitted is None:
            raise self.refused or RolloutError("the submission was not answered in time")
        return self.submitted

    def finished(self) -> Outcome:
        """How its workflow ended, well or not.

        Raises:
            RolloutError: it did not end.
        """
        self.there()
        self.ended.wait(self.deadline + SETTLE_SECONDS)
        if self.outcome is None or self.outcome.reached != "finished":
            how = f": {self.outcome.reached}, {self.outcome.message}" if self.outcome else ""
            raise self.refused or RolloutError(f"the workflow did not end{how}")
        return self.outcome

    def settles(self, there: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> bool:
        """Whether it comes to be so within the time; bounded, and ended by `stop`."""
        ends = time.monotonic() + seconds
        while not there():
            if time.monotonic() >= ends or self.stop.is_set():
                return False
            time.sleep(0.3)
        return True
