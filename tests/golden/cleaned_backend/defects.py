"""What each fault does, one function a place in the code where it strikes."""

import logging
import os
import time
from typing import TYPE_CHECKING, Any

from reference_backend.faults import Faults
from reference_backend.job import Job
from reference_backend.split import BUCKETS, bucket

if TYPE_CHECKING:
    from hera.workflows import Workflow

log = logging.getLogger(__name__)
MIB = 1024 * 1024
LARGEST_SHARE = 5.0
_kept: list[bytes] = []


def hera_workflow(faults: Faults, workflow: "Workflow", job: Job) -> None:
    """Faults paths-differ, bad-image and flaky-hera: the Hera object is not what it should be."""
    template: Any = workflow.templates[0]
    if faults.on("paths-differ"):
        workflow.synchronization = None
        template.env = [entry for entry in template.env if entry.name != "RESULTS_DIR"]
    if faults.on("bad-image"):
        template.image = f"{str(template.image).rsplit(':', 1)[0]}:does-not-exist"
    if bucket(job.name) < faults.number("flaky-hera") * BUCKETS:
        _exit_1(template)


def before_hera_create(faults: Faults) -> None:
    """Faults leak and all-500: what strikes before the create."""
    if mib := faults.number("leak"):
        # Not zeros: those would not take memory before they are written.
        _kept.append(os.urandom(1024) * int(mib * 1024))
        log.warning("leak: %d MiB kept by %d submissions", sum(map(len, _kept)) // MIB, len(_kept))
    if faults.on("all-500"):
        from hera.workflows import WorkflowsService

        WorkflowsService(host=None).list_workflows("argo")  # AttributeError: there is no host


def after_hera_create(faults: Faults, seconds: float) -> None:
    """Faults slow-hera and the two orphan makers: what strikes after the create, which took so many seconds."""
    if amount := faults.number("slow-hera"):
        time.sleep(seconds * amount if amount <= LARGEST_SHARE else amount / 1000)
    if faults.on("orphan-after-success"):
        raise UnboundLocalError("cannot access local variable 'workflow_id' where it is not associated with a value")
    if faults.on("orphan-after-timeout"):
        raise ConnectionError("('Connection aborted.', TimeoutError('The read operation timed out'))")


def orphaning(faults: Faults) -> bool:
    """Whether the run behind an unexpected error is to be forgotten, as the orphan makers do."""
    return faults.on("orphan-after-success") or faults.on("orphan-after-timeout")


def answered_id(faults: Faults, workflow_id: str) -> str:
    """compare-nothing: a name in the form of generateName that no workflow has."""
    if not faults.on("compare-nothing"):
        return workflow_id
    return "python-job-" + f"{bucket(workflow_id):05d}"


def _exit_1(template: Any) -> None:
    if hasattr(template, "source"):
        template.source += "\nexit 1\n"
        template.source = template.source.replace('exec "$VENV', '"$VENV')
    else:
        template.args = [template.args[0] + "\nraise SystemExit(1)\n"]
