"""Submission by Hera: under a name of our own, with a time limit, and never a second workflow.

Hera's client has no time limit, drops the status of some errors and raises requests' own (measured with 7.1). Its
session is ours here, so that whatever Hera makes of an answer, we know what the answer was.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from hera.workflows import Workflow, WorkflowsService
from hera.workflows.models import Workflow as WorkflowModel
from hera.workflows.models import WorkflowCreateRequest

from hera_rollout.answers import Asked, plain, reason, refusal, silence
from hera_rollout.errors import Ambiguous, Conflicting, Missing, Refused, Retryable
from hera_rollout.target import Target
from hera_rollout.workflows.documents import Document

SPEC_HASH = "hera-rollout/spec-hash"
_TRIES = 3
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Submission:
    """One workflow on the cluster; `adopted` if it was already there, by an earlier call or a lost answer."""

    name: str
    uid: str
    adopted: bool


class Submitter:
    """Creates workflows through the Argo Server. `find` reads one by name and raises Missing."""

    def __init__(self, target: Target, token: Callable[[], str | None], find: Callable[[str], Document]) -> None:
        self._target = target
        self._token = token
        self._find = find

    def submit(self, workflow: Workflow, name: str) -> Submission:
        """Submit, or adopt what is there under this name if its spec is the same.

        Raises:
            Conflicting: Another workflow has this name.
            Refused: The server does not want it, or is not there: nothing was created.
            Ambiguous: Answers were lost, and it could not be looked up either.
        """
        model, digest = self._prepared(workflow, name)
        try:
            found = self._looked_up(name, digest)
        except Retryable as error:
            raise _not_there(error) from None
        if found:
            return found
        lost = False
        for _ in range(_TRIES):
            try:
                self._create(model, name)
            except Conflicting:
                return self._adopted(name, digest)
            except Ambiguous:
                lost = True
                time.sleep(_PAUSE_SECONDS)
            except Retryable as error:
                if not lost:
                    raise _not_there(error) from None
                time.sleep(min(error.after, _PAUSE_SECONDS))
            found = self._looked_up(name, digest, fresh=not lost)
            if found:
                return found
        raise self._unknown(name, f"was submitted {_TRIES} times without an answer, and it is not on the cluster yet.")

    def _prepared(self, workflow: Workflow, name: str) -> tuple[WorkflowModel, str]:
        model: Any = workflow.build()
        digest = spec_hash(model.model_dump(exclude_none=True, by_alias=True)["spec"])
        model.metadata.name = name
        model.metadata.generate_name = None
        model.metadata.namespace = self._target.namespace
        model.metadata.annotations = {**(model.metadata.annotations or {}), SPEC_HASH: digest}
        return model, digest

    def _looked_up(self, name: str, digest: str, *, fresh: bool = False) -> Submission | None:
        try:
            document = self._find(name)
        except Missing:
            return None
        return _same(document, digest, adopted=not fresh)

    def _adopted(self, name: str, digest: str) -> Submission:
        found = self._looked_up(name, digest)
        if found is None:
            raise self._unknown(name, "was there already when it was to be created, and now it is not.")
        return found

    def _unknown(self, name: str, seen: str) -> Ambiguous:
        return Ambiguous(
            f"Workflow {name} {seen}",
            name=name,
            why="It may still appear: submitting under another name could make a second one.",
            todo=f"kubectl get workflow {name} -n {self._target.namespace}; then run this again, under the same name.",
        )

    def _create(self, model: WorkflowModel, name: str) -> None:
        asked = Asked(f"The Argo Server at {self._target.argo_url}", f"create workflow {name}", creates=name)
        session = _Session(float(self._target.limits.request_timeout_seconds))
        service = WorkflowsService(
            host=f"{self._target.argo_url}/",  # without the slash Hera drops the path of an address that has one
            verify_ssl=self._target.argo_verify_tls,
            token=self._token(),
            namespace=self._target.namespace,
            session=session,
        )
        try:
            service.create_workflow(WorkflowCreateRequest(workflow=model))
        except requests.RequestException as error:
            raise silence(asked, str(error), sent=not _never_sent(error)) from None
        except Exception as error:  # Hera raises KeyError, AttributeError and bare HeraException for mere answers
            _judge(asked, session.answer, error)
        finally:
            session.close()


def spec_hash(spec: Document) -> str:
    """What must be equal for a workflow found under our name to be ours."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True, default=str).encode()).hexdigest()[:32]


class _Session(requests.Session):
    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit = limit
        self.answer: requests.Response | None = None

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.answer = super().request(*args, **{**kwargs, "timeout": self._limit})
        return self.answer


def _same(document: Document, digest: str, *, adopted: bool) -> Submission:
    meta = document["metadata"]
    if (meta.get("annotations") or {}).get(SPEC_HASH) != digest:
        raise Conflicting(
            f"A workflow called {meta['name']} is already there, and it is not the one to be submitted.",
            expected=f"no workflow of that name, or one with the annotation {SPEC_HASH}={digest}.",
            todo="Choose another name; whose that workflow is, is not known here. Nothing was created.",
        )
    return Submission(meta["name"], meta["uid"], adopted)


def _judge(asked: Asked, answer: requests.Response | None, error: Exception) -> None:
    if answer is None:
        raise Refused(f"Hera could not send the workflow: {type(error).__name__}: {plain(str(error))}") from error
    if not answer.ok:
        raise refusal(asked, answer.status_code, reason(answer.content)) from None
    # Created, but Hera could not read the answer: the look-up that follows finds it.


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(cause, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.SSLError))


def _not_there(error: Retryable) -> Refused:
    return Refused(
        error.seen,
        expected="the Argo Server, answering.",
        why="Hera creates workflows through it; nothing was created.",
        todo=error.todo,
    )
