"""A workflow the notebook submits itself: two steps, one output parameter."""

from __future__ import annotations

from hera.workflows import DAG, Parameter, Script, Task, Workflow
from hera.workflows.models import ValueFrom

from hera_rollout.target import Target

_SAY = """\
from pathlib import Path
Path("/tmp/greeting").write_text("hello from Hera")
print("step one wrote its output")
"""
_HEAR = """\
print("step two heard: {{inputs.parameters.greeting}}")
"""


def hello(target: Target) -> Workflow:
    """Build Hera's two-step DAG: `say` puts out a parameter, `hear` takes it in."""
    image, command = target.workflow.image, ["python"]
    with Workflow(
        generate_name="hera-rollout-hello-",
        namespace=target.namespace,
        entrypoint="main",
        service_account_name=target.workflow.service_account,
        active_deadline_seconds=target.limits.workflow_deadline_seconds,
        labels={"hera-rollout/made-by": "notebook"},
    ) as workflow:
        greeting = Parameter(name="greeting", value_from=ValueFrom(path="/tmp/greeting"))  # noqa: S108  (in the pod)
        say = Script(name="say", source=_SAY, outputs=[greeting], image=image, command=command)
        hear = Script(name="hear", source=_HEAR, inputs=[Parameter(name="greeting")], image=image, command=command)
        with DAG(name="main"):
            first = Task(name="say", template=say)
            second = Task(name="hear", template=hear, arguments={"greeting": first.get_parameter("greeting")})
            first >> second
    return workflow
