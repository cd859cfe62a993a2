"""Sending what a plan says, in threads of its own; it ends by itself, by `stop`, or by Ctrl-C, and leaves nothing open.

Nothing is retried: what is measured is what a client gets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from pandas import DataFrame

from hera_rollout.backend.client import Backend, Submitted
from hera_rollout.backend.traffic import resolving, rows
from hera_rollout.backend.traffic.planning import Plan
from hera_rollout.backend.traffic.rows import Outcome, Row
from hera_rollout.errors import Missing, Refused, Retryable, RolloutError
from hera_rollout.workflows import Workflows

CODE: Final = 'print("[{mark}] traffic")'
WORKERS: Final = 8
_GRACE_SECONDS: Final = 0.5


class Traffic:
    """One run of a plan.

    Attributes:
        plan: when to send.
        stop: ends it: what is under way is waited for, the rest is not sent.
        rows: what became of what was sent.
        unsent: how many were due and were not sent, for a stop or for the bound in time.
    """

    def __init__(
        self,
        backend: Backend,
        plan: Plan,
        *,
        token: str,
        tasks: int | Sequence[str] | None = None,
        code: str = CODE,
        workers: int = WORKERS,
        stop: threading.Event | None = None,
        on_row: Callable[[Row], None] | None = None,
    ) -> None:
        """Prepare it; nothing is sent yet.

        Args:
            backend: where to.
            plan: when.
            token: what the marks begin with; one of its own for each run.
            tasks: so many tasks are submitted once and then rerun in turn, or these tasks are; None: each submission
                is a task of its own. In the two-step dialect a task must have ended before its turn comes again.
            code: what is submitted; `{mark}` becomes the mark.
            workers: how many requests may be under way at once; what is due meanwhile is sent late.
            stop: an event of the caller's own.
            on_row: told each submission when its answer is there, in a thread of this class.
        """
        self.plan, self.stop = plan, stop or threading.Event()
        self.rows: list[Row] = []
        self.unsent = 0
        self._backend, self._token, self._code = backend, token, code
        self._workers, self._on_row = workers, on_row or (lambda _row: None)
        self._slots = _Slots(tasks)
        self._free = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._drive, name=f"traffic {token}", daemon=True)
        # Not the thread's join: in Python 3.11 a Ctrl-C within it takes a thread that runs on for one that has ended.
        self._ended = threading.Event()
        self._began = 0.0
        self._since = datetime.now(UTC)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self) -> None:
        """Begin to send, and go on at once."""
        self._began, self._since = time.monotonic(), datetime.now(UTC)
        self._thread.start()

    def end(self, most_seconds: float | None = None) -> None:
        """Send no more, and wait for the answers that are under way (each has the target's time limit).

        Args:
            most_seconds: no longer than this; what is under way then is answered to nobody.
        """
        self.stop.set()
        self._ended.wait(most_seconds)
        if self._broken:
            raise self._broken

    def run(self) -> DataFrame:
        """Send all of it; Ctrl-C ends it as `end` does, and what was sent stays in `frame`."""
        self.start()
        try:
            self._ended.wait()
        finally:
            self.end()
        return self.frame

    @property
    def frame(self) -> DataFrame:
        """One row a submission that was sent; columns: `COLUMNS`."""
        with self._lock:
            return rows.frame(self.rows)

    @property
    def tasks(self) -> list[str]:
        """The tasks that are rerun; give them to the next run, so that it submits the same keys."""
        return self._slots.tasks

    def resolve(self, workflows: Workflows) -> DataFrame:
        """See on the cluster which path made each workflow, and whether one was made where the answer was lost.

        Raises:
            RolloutError: The workflows cannot be listed.
        """
        with self._lock:
            resolving.resolve(self.rows, workflows, self._since)
        return self.frame

    def _drive(self) -> None:
        try:
            self._broken = self._sent_all()
        except BaseException as error:  # handed to whoever ends it, who raises it
            self._broken = error
        finally:
            self._ended.set()

    def _sent_all(self) -> BaseException | None:
        """Send what is due until there is no more or it is over; the first error that is no answer's."""
        sent: list[Future[None]] = []
        with ThreadPoolExecutor(self._workers, thread_name_prefix=f"traffic {self._token}") as pool:
            for number, due in enumerate(self.plan.offsets):
                if not self._turn(due):
                    self.unsent = len(self.plan.offsets) - number
                    break
                sent.append(pool.submit(self._send, number, due))
        return next((error for one in sent if (error := one.exception())), None)

    def _turn(self, due: float) -> bool:
        """Wait until it is due and a worker is free; False if it is not to be sent any more."""
        if self.stop.wait(max(0.0, due - self._elapsed())):
            return False
        self._free.acquire()  # within the time limit of a request; whoever ends the run waits for those anyway
        if self.stop.is_set() or self._over():
            self._free.release()
            return False
        return True

    def _over(self) -> bool:
        """Whether the time is up; what is due at its very end may be sent a moment later."""
        return self._elapsed() > self.plan.seconds + _GRACE_SECONDS

    def _send(self, number: int, due: float) -> None:
        row = Row(number, f"{self._token}-{number:05}", due_seconds=due)
        try:
            with self._slots.of(number) as slot:
                row.task = slot.task
                row.sent, row.late_seconds = datetime.now(UTC), max(0.0, round(self._elapsed() - due, 3))
                self._submit(row)
                # A task that the backend does not know is not asked for again.
                slot.task = row.task
        finally:
            self._free.release()
        with self._lock:
            self.rows.append(row)
        self._on_row(row)

    def _submit(self, row: Row) -> None:
        began = time.monotonic()
        try:
            answered = self._answered(row)
        except RolloutError as error:
            row.outcome, row.problem = _outcome(error), error.seen
            row.task = "" if isinstance(error, Missing) else row.task
        else:
            row.task, row.run, row.workflow = answered.task, answered.run, answered.workflow
        row.answer_seconds = round(time.monotonic() - began, 4)

    def _answered(self, row: Row) -> Submitted:
        code = self._code.replace("{mark}", row.mark)
        return self._backend.rerun(row.task, code) if row.task else self._backend.submit(code)

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def _outcome(error: RolloutError) -> Outcome:
    """An answer that makes no sense is as good as none: it is looked up."""
    if isinstance(error, Refused):
        return "refused"
    return "unreachable" if isinstance(error, Retryable) else "answer lost"


class _Slot:
    """One task that is rerun; its submissions follow one another."""

    def __init__(self, task: str = "") -> None:
        self.task = task
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class _Slots:
    """Which task a submission is of."""

    def __init__(self, tasks: int | Sequence[str] | None) -> None:
        named = [""] * tasks if isinstance(tasks, int) else list(tasks or [])
        if tasks is not None and not named:
            raise Refused(
                f"Traffic of tasks={tasks!r} cannot be made.", expected="1 task or more, or None for new ones."
            )
        self._all = [_Slot(task) for task in named]

    @property
    def tasks(self) -> list[str]:
        return [slot.task for slot in self._all if slot.task]

    def of(self, number: int) -> _Slot:
        return self._all[number % len(self._all)] if self._all else _Slot()
