"""One scenario, played once: what was done, what was seen, what is wrong with it."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hera_rollout.answers import plain
from hera_rollout.backend.client import Backend, Submitted
from hera_rollout.backend.provenance import Provenance, provenance
from hera_rollout.backend.scenarios import Scenario
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.workflows import Outcome, Workflows, WorkflowView, documents

SETTLE_SECONDS = 15.0
"""How long the backend may take to know what the cluster knows."""
CANCEL_SECONDS = 60.0
_CLOCK_SLACK = timedelta(seconds=60)
_CREATING = 'guide, "Workflows not creating": kubectl logs deployment/{deployment} -n {namespace}'
_FAILING = 'guide, "Workflows failing": argo get {workflow} -n {namespace}; argo logs {workflow} -n {namespace}'
_T = TypeVar("_T")


class Trial:
    """Plays one scenario. What is wrong is collected in `problems`; the first `todo` is the one to follow."""

    def __init__(
        self,
        scenario: Scenario,
        backend: Backend,
        workflows: Workflows,
        *,
        deadline_seconds: float,
        on_update: Callable[[WorkflowView], None],
        stop: threading.Event,
        token: str = "",
        resumed: bool = False,
    ) -> None:
        self.scenario, self.backend, self.workflows = scenario, backend, workflows
        self.deadline, self.on_update, self.stop = deadline_seconds, on_update, stop
        self.mark = f"hera-rollout-{scenario.name}-{token or secrets.token_hex(4)}"
        self.resumed = resumed
        self.names: list[str] = []
        self.orphans: list[str] = []
        self.found: list[Provenance] = []
        self.problems: list[str] = []
        self.todo = ""
        self.timings: dict[str, float] = {}
        self._task = ""
        self._since = datetime.now(UTC) - _CLOCK_SLACK

    def play(self) -> None:
        """Play it; misbehaviour ends in `problems`."""
        try:
            first = self._left_behind() or self._submitted(lambda code: self.backend.submit(code, **self._packages()))
            then = {"": self._plain, "rerun": self._rerun, "cancel": self._cancel, "delete": self._delete}
            then[self.scenario.then](first)
        except RolloutError as error:
            self._problem(error.seen, error.todo)
        self._count_orphans()

    def _left_behind(self) -> Submitted | None:
        """The first run of the task that an attempt before made, to be gone on with; None if there is none to go on.

        A cancellation that was cut off cannot be seen again: its task is taken away, and it is played anew.
        """
        if not self.resumed:
            return None
        for task in self.backend.marked(f"[{self.mark}]"):
            left = self._left_run(task, 1)
            if left and not (self.scenario.then == "cancel" and self._over(left.workflow)):
                return left
            self.backend.delete(task)
            self._task, self.names = "", []
        return None

    def _left_run(self, task: str, number: int) -> Submitted | None:
        """A run of a task that an attempt before made."""
        if not self.resumed:
            return None
        for run in self.backend.task(task).get("runs") or []:
            if run.get("runNumber") == number and run.get("workflowId"):
                self._task = task
                self.names.append(str(run["workflowId"]))
                return Submitted(task, self.names[-1], number)
        return None

    def _over(self, workflow: str) -> bool:
        try:
            return documents.finished(self.workflows.live(workflow))
        except Missing:
            return True

    def _plain(self, submitted: Submitted) -> None:
        outcome = self._waited(submitted)
        if self._ended_as_expected(outcome):
            self._said(submitted)
            self._told(submitted)

    def _rerun(self, first: Submitted) -> None:
        self._plain(first)
        if self.problems:
            return
        second = self._left_run(first.task, first.run + 1) or self._submitted(
            lambda code: self.backend.rerun(first.task, code)
        )
        if second.task != first.task or second.workflow == first.workflow:
            self._problem(f"the rerun answered task {second.task} and workflow {second.workflow}")
        if second.run != first.run + 1:
            self._problem(f"the rerun is run {second.run}, after run {first.run}")
        self._plain(second)

    def _cancel(self, submitted: Submitted) -> None:
        try:
            if not self._running(submitted):
                return
            # Running may mean that a pod is about to start: what is to be cancelled must be at work.
            self._said(submitted, self.deadline)
            if self.problems:
                return
            self._timed("cancel", lambda: self.backend.cancel(submitted.task))
            outcome = self._waited(submitted, min(self.deadline, CANCEL_SECONDS))
            if outcome.reached == "gone":
                self._problem("cancelling deleted the workflow: its record is lost", self._hint(_FAILING, submitted))
            elif self._ended_as_expected(outcome):
                self._told(submitted)
        finally:
            self._stop_leftover(submitted.workflow)

    def _delete(self, submitted: Submitted) -> None:
        self._plain(submitted)
        if self.problems:
            return
        self._timed("delete", lambda: self.backend.delete(submitted.task))
        gone = self._settles(lambda: self._absent(lambda: self.workflows.live(submitted.workflow)))
        if not gone:
            self._problem(f"workflow {submitted.workflow} is still on the cluster after its task was deleted")
        if not self._settles(lambda: self._absent(lambda: self.backend.task(submitted.task))):
            self._problem(f"task {submitted.task} is still answered after it was deleted")

    def _packages(self) -> dict[str, str]:
        kind, settings = self.scenario.packages, self.backend.target.packages
        return {kind: getattr(settings, kind)} if kind else {}

    def _submitted(self, send: Callable[[str], Submitted]) -> Submitted:
        code = self.scenario.script(self.mark, self.backend.target.packages)
        try:
            submitted = self._timed("submit", lambda: send(code))
        except RolloutError as error:
            error.todo = f"{error.todo} ({self._hint(_CREATING)})".strip()
            raise
        self._task = submitted.task
        self.names.append(submitted.workflow)
        return submitted

    def _waited(self, submitted: Submitted, deadline: float | None = None) -> Outcome:
        outcome = self.workflows.wait(submitted.workflow, deadline or self.deadline, self.on_update, self.stop)
        self._judge_path(outcome)
        took = documents.seconds(outcome.document.get("status") or {})
        if took is not None:
            self.timings["workflow"] = took
        return outcome

    def _judge_path(self, outcome: Outcome) -> None:
        if outcome.document:
            self.found.append(provenance(outcome.document))

    def _running(self, submitted: Submitted) -> bool:
        """Wait until there is something to cancel."""
        enough = threading.Event()

        def look(view: WorkflowView) -> None:
            self.on_update(view)
            if view.phase == "Running" or self.stop.is_set():
                enough.set()

        outcome = self.workflows.wait(submitted.workflow, self.deadline, look, enough)
        if outcome.phase == "Running" and outcome.reached == "stopped early" and enough.is_set():
            return True
        self._judge_path(outcome)
        self._problem(
            f"it never ran: {outcome.phase or 'no phase'}, {outcome.message}", self._hint(_FAILING, submitted)
        )
        return False

    def _ended_as_expected(self, outcome: Outcome) -> bool:
        if outcome.reached == "finished" and outcome.phase == self.scenario.phase:
            return True
        how = {
            "finished": f"workflow {outcome.name} ended {outcome.phase}",
            "deadline": f"workflow {outcome.name} did not end within {self.deadline:.0f} s",
            "gone": f"workflow {outcome.name}, as the backend called it, is not there",
            "stopped early": f"workflow {outcome.name} did not end",
        }[outcome.reached]
        todo = _FAILING.format(workflow=outcome.name, namespace=self.backend.target.namespace)
        self._problem(f"{how}: {outcome.message}" if outcome.message else how, todo)
        return False

    def _said(self, submitted: Submitted, seconds: float = SETTLE_SECONDS) -> None:
        """The backend's log route must give the expected line, of this very run."""
        wanted = f"[{self.mark}] {self.scenario.line(self.backend.target.packages)}"
        last: list[str] = [""]

        def there() -> bool:
            entries = self.backend.logs(submitted.task, submitted.run or None)
            last[0] = "\n".join(str(entry.get("logs", "")) for entry in entries)
            return wanted in last[0]

        if self._settles(there, seconds):
            return
        wrote = any(wanted in text for text in self.workflows.logs(submitted.workflow)["logs"])
        where = (
            "the pod wrote it, but the backend's log route does not give it" if wrote else "the pod did not write it"
        )
        got = plain(last[0], 120) or "nothing"
        self._problem(
            f"the expected output is missing ({where}); the log route gave: {got}", self._hint(_FAILING, submitted)
        )

    def _told(self, submitted: Submitted) -> None:
        """The backend must come to say what the cluster says."""
        said: list[str] = [""]

        def agrees() -> bool:
            runs = self.backend.task(submitted.task).get("runs") or []
            phases = [str(run.get("phase")) for run in runs if run.get("workflowId") == submitted.workflow]
            said[0] = phases[0] if phases else "nothing of this run"
            return said[0] in {
                self.scenario.phase,
                "Cancelled" if self.scenario.then == "cancel" else self.scenario.phase,
            }

        if not self._settles(agrees):
            self._problem(f"the workflow is {self.scenario.phase}, but the backend's task says {said[0]}")

    def _count_orphans(self) -> None:
        """Workflows that carry this trial's mark, or its task, and that no answer named."""
        try:
            found = list(self._marked())
        except RolloutError as error:
            self._problem(f"workflows could not be counted: {error.seen}", error.todo)
            return
        self.orphans = sorted(set(found) - set(self.names))
        if self.orphans:
            self._problem(f"{len(self.orphans)} workflow(s) were made that no answer named: {', '.join(self.orphans)}")

    def _marked(self) -> Iterable[str]:
        if self._task:
            selector = f"hera-rollout/task={self._task}"
            yield from (document["metadata"]["name"] for document in self.workflows.raw(selector))
            return
        for document in self.workflows.raw(since=self._since):
            if self.mark in json.dumps(document["spec"]):
                self.found.append(provenance(document))
                yield document["metadata"]["name"]

    def _stop_leftover(self, name: str) -> None:
        """A cancellation that did nothing must not leave a workflow that sleeps on."""
        try:
            if not documents.finished(self.workflows.live(name)):
                self.workflows.stop(name)
        except Missing:
            return
        except RolloutError as error:
            self._problem(f"workflow {name} could not be stopped: {error.seen}", error.todo)

    def _settles(self, there: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> bool:
        ends = time.monotonic() + seconds
        while not there():
            if time.monotonic() >= ends or self.stop.is_set():
                return False
            time.sleep(0.5)
        return True

    @staticmethod
    def _absent(read: Callable[[], object]) -> bool:
        try:
            read()
        except Missing:
            return True
        return False

    def _timed(self, what: str, act: Callable[[], _T]) -> _T:
        began = time.monotonic()
        try:
            return act()
        finally:
            self.timings[what] = round(time.monotonic() - began, 3)

    def _hint(self, text: str, submitted: Submitted | None = None) -> str:
        target = self.backend.target
        workflow = submitted.workflow if submitted else ""
        return text.format(deployment=target.deployment, namespace=target.namespace, workflow=workflow)

    def _problem(self, seen: str, todo: str = "") -> None:
        self.problems.append(seen)
        self.todo = self.todo or todo
