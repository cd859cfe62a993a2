"""A Hera workflow of the notebook's own: the operator's Hera against this Argo."""

import pandas as pd

from hera_rollout import display, workflows
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.workflows import Outcome


async def hera_workflow(phase: Phase) -> None:
    """Submit Hera's two-step sample, watch it, and show its nodes, logs and outputs."""
    if phase.dry_run:
        display.note("Dry run: would submit Hera's two-step sample under a name of this notebook's own")
        return
    name = f"hera-rollout-hello-{phase.token}"  # the same in each attempt: found again, never made twice
    phase.changing("a workflow of its own")
    submission = phase.workflows.submit(workflows.hello(phase.target), name=name)
    outcome = await display.watched(lambda live: _wait(phase, submission.name, live))
    outputs = phase.workflows.outputs(name)
    display.table(phase.workflows.nodes(outcome.document), "Nodes")
    display.table(phase.workflows.logs(name), "Logs")
    display.table(pd.DataFrame(sorted(outputs.items()), columns=["output", "value"]), "Outputs")
    phase.check(_ended_well(phase, outcome, outputs))


def _wait(phase: Phase, name: str, live: display.Live) -> Outcome:
    """Wait for its end under the run's deadline, with one line of progress."""
    return phase.workflows.wait(
        name,
        phase.workflow_deadline,
        on_update=lambda view: live.line(f"{view.name}: {view.phase or 'Pending'} {view.progress} {view.message}"),
        stop=live.stop,
    )


def _ended_well(phase: Phase, outcome: Outcome, outputs: dict[str, str]) -> Check:
    """It succeeded, and it left what it was built to leave."""
    message = f"; {outcome.message}" if outcome.message else ""
    return judge(
        name="workflow from the notebook",
        rule=rules.ended_well,
        evidence={
            "workflow": outcome.name,
            "uid": outcome.uid,
            "phase": outcome.phase,
            "reached": outcome.reached,
            "outputs": outputs,
        },
        seen=f"{outcome.phase or 'no phase'} ({outcome.reached}), {len(outputs)} output parameters{message}",
        expected="Succeeded, with its output parameters",
        limit_source="kit",
        why="The operator's own Hera must work against this Argo before the backend's is trusted.",
        todo=f"argo get {outcome.name} -n {phase.target.namespace} (guide: Workflows failing).",
    )
