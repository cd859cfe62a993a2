"""Bringing one workflow into the cluster exactly once, whatever becomes of the answer."""

from collections.abc import Callable

from reference_backend.argo import ArgoClient
from reference_backend.errors import ArgoAnswerLost, ArgoRefused, BackendError, Conflict
from reference_backend.job import PREFIX, Job

TAKEN = 409
BUSY = 429
SERVER_ERROR = 500


class NameTaken(Conflict):
    """Another workflow, not this job's, has the name."""


def place(argo: ArgoClient, job: Job, post: Callable[[], str]) -> str:
    """Create the job's workflow by `post`; its uid.

    A lost answer is looked up by the name we chose; only when the workflow is not there is it sent a second time,
    under the same name, so that no second workflow can come of it.

    Raises:
        NameTaken: Use the next attempt's name.
        ArgoAnswerLost: Not even the look-up was answered: the workflow may exist.
        BackendError: Refused or not reached: there is no workflow.
    """
    try:
        return _post(argo, job, post)
    except (ArgoAnswerLost, ArgoRefused) as error:
        return _adopt(argo, job) or _post_again(argo, job, post, error)


def _post_again(argo: ArgoClient, job: Job, post: Callable[[], str], first: BackendError) -> str:
    try:
        return _post(argo, job, post)
    except (ArgoAnswerLost, ArgoRefused) as error:
        uid = _adopt(argo, job)
        if uid:
            return uid
        last = error.for_client if isinstance(error, ArgoRefused) else error
        raise last from first


def _post(argo: ArgoClient, job: Job, post: Callable[[], str]) -> str:
    try:
        return post()
    except ArgoRefused as error:
        if error.code == TAKEN:
            uid = _adopt(argo, job)
            if uid:
                return uid
        if error.code < SERVER_ERROR and error.code not in {TAKEN, BUSY}:
            raise error.for_client from error
        raise


def _adopt(argo: ArgoClient, job: Job) -> str | None:
    """The uid of the workflow under our name if it does our work; None if there is no such workflow."""
    try:
        found = argo.get(job.name)
    except BackendError as error:
        raise ArgoAnswerLost(f"Whether workflow {job.name} was created is not known: {error}") from error
    if found is None:
        return None
    if found.annotations.get(PREFIX + "content") != job.content:
        raise NameTaken(f"Workflow {job.name} exists already and does other work")
    return found.uid
