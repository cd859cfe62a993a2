"""Workflows as Hera objects, created through the Argo Server."""

from hera.workflows import Container, Env, ExistingVolume, Script, Workflow, WorkflowsService
from hera.workflows.models import Mutex, Synchronization, VolumeMount
from pydantic import ValidationError

from reference_backend.argo_session import ArgoSession
from reference_backend.errors import ArgoAnswerLost, ArgoUnreachable
from reference_backend.job import RESULTS_DIR, Job
from reference_backend.settings import Settings

VOLUME = "task-results"
INSTALL_AND_RUN = """\
set -euf -o pipefail
command -v uv >/dev/null || python -m pip install --quiet uv
VENV=/tmp/venv-{{workflow.name}}
uv venv --quiet "$VENV"
if [ -n "$REQUIREMENTS" ]; then
  printf '%s\\n' "$REQUIREMENTS" > /tmp/requirements.txt
  uv pip install --quiet --python "$VENV/bin/python" -r /tmp/requirements.txt
fi
if [ -n "$DEPENDENCIES" ]; then
  uv pip install --quiet --python "$VENV/bin/python" ${DEPENDENCIES//,/ }
fi
exec "$VENV/bin/python" -c "$PYTHON_CODE"
"""


def build(job: Job, settings: Settings) -> Workflow:
    """The workflow as a Hera object."""
    with Workflow(
        name=job.name,
        namespace=settings.argo_namespace,
        labels=job.labels("hera"),
        annotations=job.annotations(),
        entrypoint="main",
        service_account_name=settings.workflow_service_account,
        suspend=True if settings.workflow_suspend else None,
        synchronization=Synchronization(mutexes=[Mutex(name=job.mutex)]),
        volumes=[ExistingVolume(name=VOLUME, claim_name=settings.results_pvc, mount_path=RESULTS_DIR)],
    ) as workflow:
        _template(job, settings.workflow_image)
    return workflow


def create(workflow: Workflow, settings: Settings, session: ArgoSession) -> str:
    """Create it and answer its uid."""
    if not settings.argo_url():
        raise ArgoUnreachable("No Argo Server is configured: set ARGO_SERVER, e.g. http://argo-server:2746")
    workflow.workflows_service = WorkflowsService(
        # Without the slash at the end Hera drops the path of an address that has one.
        host=settings.argo_url() + "/",
        verify_ssl=settings.argo_verify_tls,
        namespace=settings.argo_namespace,
        session=session,
    )
    try:
        created = workflow.create()
    except (ValidationError, ValueError) as error:
        raise ArgoAnswerLost(f"The Argo Server's answer does not read as a workflow: {error}") from error
    return str(created.metadata.uid)


def _template(job: Job, image: str) -> Container | Script:
    mounts = [VolumeMount(name=VOLUME, mount_path=RESULTS_DIR)]
    env = [Env(name="RESULTS_DIR", value=RESULTS_DIR)]
    if not job.needs_packages:
        return Container(
            name="main", image=image, command=["python", "-c"], args=[job.python_code], env=env, volume_mounts=mounts
        )
    env += [
        Env(name="DEPENDENCIES", value=job.dependencies or ""),
        Env(name="REQUIREMENTS", value=job.requirements_file or ""),
        Env(name="PYTHON_CODE", value=job.python_code),
    ]
    return Script(name="main", image=image, command=["bash"], source=INSTALL_AND_RUN, env=env, volume_mounts=mounts)
