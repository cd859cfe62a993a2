"""The one waiter: initial read, watch, one deadline, typed outcome. Pending is never done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from hera_rollout.cluster import Cluster, pods
from hera_rollout.errors import Missing, Refused, Retryable, RolloutError
from hera_rollout.workflows import documents
from hera_rollout.workflows.documents import Document
from hera_rollout.workflows.outcomes import Outcome, Reached, WorkflowView

GIVE_UP_SECONDS = 15.0
"""A pod that has said this long that it cannot start will not start."""
UNSEEN_SECONDS = 10.0
REFUSED_SECONDS = 8.0
"""A right that is still refused after this long is missing; a restarted API server has its rules sooner."""
LOOK_SECONDS, LEAST_SECONDS = 3.0, 0.5
"""Between two reads, at most and at least."""
ARCHIVE_SECONDS = 5.0
POD_LABEL = "workflows.argoproj.io/workflow"


class Waiter:
    """Waits for one workflow. `archived` reads it from the archive and raises Missing."""

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        deadline_seconds: float,
        *,
        archived: Callable[[str], Document],
        on_update: Callable[[WorkflowView], None] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._cluster, self._name, self._deadline = cluster, name, deadline_seconds
        self._archived, self._on_update = archived, on_update or (lambda _: None)
        self._stop = stop or threading.Event()
        self._path = f"/apis/argoproj.io/v1alpha1/namespaces/{cluster.target.namespace}/workflows"
        self._began = time.monotonic()
        self._document: Document = {}
        self._shown: tuple[str, str, str] | None = None
        self._asked = self._began
        self._blocked_since: dict[str, float] = {}
        self._trouble = ""
        self._refused_since: float | None = None
        self._pod_trouble = ""

    def run(self) -> Outcome:
        """Wait until it ends, vanishes, cannot start, or the deadline is over."""
        while True:
            self._asked = time.monotonic()
            try:
                self._read()
            except Missing:
                gone = self._gone()
                if gone:
                    return gone
            except Retryable as error:
                self._sit_out(error)
            except Refused as error:
                self._sit_out_refusal(error)
            ended = self._ended() or self._hopeless()
            if ended:
                return ended
            self._watch()
            self._pause()

    def _ended(self) -> Outcome | None:
        self._show()
        if documents.finished(self._document):
            return self._outcome("finished", documents.message(self._document))
        if self._stop.is_set():
            return self._outcome("stopped early", f"the wait was stopped; {self._state()}")
        if self._left() <= 0:
            return self._outcome("deadline", self._state())
        return None

    def _watch(self) -> None:
        seconds = max(0.05, min(LOOK_SECONDS, self._left()))
        version = (self._document.get("metadata") or {}).get("resourceVersion")
        if not version or self._trouble:
            return
        query = {"fieldSelector": f"metadata.name={self._name}", "resourceVersion": version}
        try:
            for event in self._cluster.connection.watch(self._path, seconds, **query):
                if event.get("type") not in {"ADDED", "MODIFIED"}:
                    return
                self._document = event["object"]
                self._show()
                if documents.finished(self._document) or self._stop.is_set():
                    return
            self._refused_since = None
        except Retryable as error:
            self._sit_out(error)
        except Refused as error:
            self._sit_out_refusal(error)

    def _pause(self) -> None:
        """A watch that ended at once (a proxy that knows none, an API server that is busy) is no reason to ask on."""
        since = time.monotonic() - self._asked
        if since < LEAST_SECONDS and not documents.finished(self._document):
            self._stop.wait(max(0.0, min(LEAST_SECONDS - since, self._left())))

    def _sit_out(self, error: Retryable) -> None:
        """An API server that is restarting is waited for, until the deadline."""
        self._trouble = error.seen
        time.sleep(max(0.05, min(error.after, self._left())))

    def _sit_out_refusal(self, error: Refused) -> None:
        """An API server that has just started knows no rights for a moment; a right that is missing stays missing."""
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        if now - self._refused_since >= REFUSED_SECONDS:
            raise error
        self._trouble = error.seen
        time.sleep(max(0.05, min(1.0, self._left())))

    def _hopeless(self) -> Outcome | None:
        """A pod that cannot start, or is not scheduled: the first ends the wait, the second is only told."""
        if self._trouble:
            self._trouble = ""
            return None
        found = self._pods()
        blocked = {pod["metadata"]["name"]: told for pod in found if (told := pods.blocked(pod))}
        self._pod_trouble = "; ".join([*blocked.values(), *filter(None, map(pods.unscheduled, found))])
        elapsed = time.monotonic() - self._began
        self._blocked_since = {name: self._blocked_since.get(name, elapsed) for name in blocked}
        if any(elapsed - since >= GIVE_UP_SECONDS for since in self._blocked_since.values()):
            return self._outcome("stopped early", f"it cannot start: {self._pod_trouble}")
        self._show()
        return None

    def _pods(self) -> list[Document]:
        try:
            return self._cluster.pod_documents(f"{POD_LABEL}={self._name}")
        except RolloutError:
            return []  # the wait itself needs no pods

    def _gone(self) -> Outcome | None:
        """Deleted, or never seen: how it ended may be written to the archive within seconds. None: it is there now."""
        ends = time.monotonic() + min(ARCHIVE_SECONDS, max(0.0, self._left()))
        uid = (self._document.get("metadata") or {}).get("uid")
        while True:
            detail, found = self._from_archive()
            if documents.finished(found) and uid in {None, found["metadata"].get("uid")}:
                self._document = found
                return self._outcome("finished", documents.message(found))
            if time.monotonic() >= ends:
                return self._outcome("gone", detail)
            time.sleep(0.5)
            if not uid and self._appeared():
                return None

    def _from_archive(self) -> tuple[str, Document]:
        try:
            return "it is not on the cluster, and in the archive it has not ended", self._archived(self._name)
        except Missing:
            return "it is not on the cluster and not in the archive", {}
        except RolloutError as error:
            return f"it is not on the cluster; the archive: {error.seen}", {}

    def _appeared(self) -> bool:
        try:
            self._read()
        except (Missing, Retryable):
            return False
        return True

    def _read(self) -> None:
        path = f"{self._path}/{self._name}"
        self._document = self._cluster.connection.get(path, f"get workflow {self._name}")

    def _state(self) -> str:
        if not self._document:
            return f"nothing could be read: {self._trouble}"
        said = self._pod_trouble or documents.message(self._document)
        elapsed = time.monotonic() - self._began
        if not documents.phase(self._document) and elapsed > UNSEEN_SECONDS:
            said = "the workflow controller has not picked it up: see whether it runs"
        return f"still {documents.phase(self._document) or 'Pending'} after {elapsed:.0f} s" + (
            f": {said}" if said else ""
        )

    def _show(self) -> None:
        status: dict[str, Any] = self._document.get("status") or {}
        said = self._pod_trouble or documents.message(self._document)
        shown = (documents.phase(self._document) or "Pending", str(status.get("progress", "")), said)
        if shown != self._shown:
            self._shown = shown
            self._on_update(WorkflowView(self._name, *shown, seconds=time.monotonic() - self._began))

    def _left(self) -> float:
        return self._deadline - (time.monotonic() - self._began)

    def _outcome(self, reached: Reached, message: str) -> Outcome:
        meta = self._document.get("metadata") or {}
        took = time.monotonic() - self._began
        phase = documents.phase(self._document)
        return Outcome(self._name, str(meta.get("uid", "")), phase, reached, message, took, self._document)
