"""The cleaned service takes the place of the flagged one: by the commands of the target, or it is put back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hera_rollout import display, equivalence, flag
from hera_rollout.cluster import environment, restoring, rollouts
from hera_rollout.errors import Refused, RolloutError, VerdictError
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.cleaning import APPLIED, given
from hera_rollout.phase.steps.comparing import equivalence_check, mattering, schema_of
from hera_rollout.phase.steps.settling import REPLACING
from hera_rollout.phase.steps.testing import NAMES, leftovers, scenarios

if TYPE_CHECKING:
    from hera_rollout.cleanup import CommandRun

DEPLOYED, SAME, BARE, BACK = "deployed", "same manifest", "no pod with the variable", "put back"
BEFORE, MANIFEST = "before the cleanup", "manifest before"
DEPLOY: Final = "deploy the cleaned service"
COMMAND_SECONDS: Final = 1_800
CODE: Final = "print('the same task before and after')"
DECIDING: Final = (DEPLOYED, NAMES["hera"], SAME, BARE, "orphans")
"""Checks of the cleaned service: if one says FAIL, the revision before is put back."""
Tell = Callable[[str], None]


async def replace_service(phase: Phase) -> None:
    """With an approval: build, load and deploy the branch's commit, then take variable and file away.

    Raises:
        PhaseFailed: a command failed, or the new pods did not come up: the revision before is put back.
        PhaseOnHold: nobody approved.
        Refused: the target names no command that deploys.
    """
    commands = _commands(phase)
    display.table(pd.DataFrame(commands, columns=["step", "command"]),
                  "The target's commands, run in a checkout of the branch", command="")  # fmt: skip
    if phase.dry_run:
        display.note("Dry run: would ask for an approval, submit a task, run these, and take the flag away")
        return
    if "deploy" not in dict(commands):
        raise Refused(f"Target {phase.target.name} names no command that deploys; nothing was deployed.",
                      expected="commands.deploy in the target's file", todo="Add it, then run this again.")  # fmt: skip
    if not phase.done(DEPLOYED):
        await phase.approved(what=DEPLOY)
        kept: dict[str, Any] = phase.once(BEFORE, lambda: _revision(phase))
        phase.memory[MANIFEST] = phase.once(MANIFEST, lambda: _submitted(phase))
        phase.once(REPLACING, lambda: phase.code_revision)
        try:
            phase.changing("the deploy")
            ran = await display.watched(lambda live: _deploy(phase, commands, live.line))
        except RolloutError as error:
            _failed(phase, error, kept)
            return
        phase.once(DEPLOYED, lambda: ran)
    _show(phase, phase.once(DEPLOYED, list), phase.once(BEFORE, dict))
    phase.check(_bare(phase))


def _commands(phase: Phase) -> list[tuple[str, str]]:
    named = phase.target.commands
    found = [("build", named.build), ("load", named.load), ("deploy", named.deploy)]
    return [(name, command) for name, command in found if command]


def _revision(phase: Phase) -> dict[str, Any]:
    """What to go back to."""
    deployment = environment.read(phase.cluster.connection, phase.target)
    return {
        "revision": rollouts.revision_of(deployment),
        "hash": rollouts.newest_hash(phase.cluster.connection, phase.target, deployment),
        "file": flag.read_file(phase.cluster),
    }


def _submitted(phase: Phase, task: str = "") -> dict[str, Any]:
    """A new task, or the next run of one, and its workflow as the cluster stores it, without how it ran."""
    sent = phase.backend.rerun(task, CODE) if task else phase.backend.submit(CODE)
    ended = phase.workflows.wait(sent.workflow, phase.workflow_deadline)
    document = phase.workflows.get(ended.name)
    meta = {key: value for key, value in document["metadata"].items() if key != "managedFields"}
    stored = {**{key: value for key, value in document.items() if key != "status"}, "metadata": meta}
    return {"task": sent.task, "document": stored}


def _deploy(phase: Phase, commands: list[tuple[str, str]], tell: Tell) -> list[dict[str, Any]]:
    """The target's commands in a checkout of the branch's commit; then wait, and take the flag's media away.

    Raises:
        RolloutError: a command failed, or the rollout did not end.
    """
    from hera_rollout import cleanup

    inherited = {name: value for name, value in os.environ.items() if name != phase.target.flag.env}
    ran: list[CommandRun] = []
    with cleanup.checkout(Path(given(phase).repository), phase.memory[APPLIED]["commit"]) as tree:
        for name, command in commands:
            tell(f"{name}: {command}")
            ran.append(cleanup.run_command(command, tree, COMMAND_SECONDS, inherited))
            if not ran[-1].passed:
                raise RolloutError(f"{name}: {ran[-1]}", todo="Mend the command, or what it says; then run again.")
    _without_flag(phase, tell)
    return [asdict(one) for one in ran]


def _without_flag(phase: Phase, tell: Tell) -> None:
    """Wait for the cleaned pods; then no variable and no file. Before that, old pods would go back to YAML."""
    deadline = phase.target.limits.rollout_deadline_seconds
    phase.cluster.rollout_status(deadline, tell)
    change = phase.cluster.plan_env(phase.target.flag.env, None)
    if not change.noop:
        tell(change.command)
        phase.cluster.apply_env(change)
        phase.cluster.rollout_status(deadline, tell)
    flag.restore_file(phase.cluster, None)
    _noted(phase, "the flag is gone")


def _noted(phase: Phase, why: str) -> None:
    """Tell the rollout's state that it was this run: the next one must not take it for somebody's hand."""
    if phase.keeping:
        phase.keeping.flag_set(enabled=True, why=f"{phase.notebook}: {why}")


def _show(phase: Phase, ran: list[dict[str, Any]], kept: dict[str, Any]) -> None:
    rows = [{"command": one["command"], "exit code": one["exit_code"], "seconds": round(one["seconds"])} for one in ran]
    display.table(pd.DataFrame(rows), "What was run in the checkout", command="")
    display.table(phase.cluster.deployment(), "Deployment")
    phase.check(judge(
        name=DEPLOYED, rule=rules.holds, evidence={"holds": True, "commands": ran, **kept},
        seen=f"deployment/{phase.target.deployment} runs the branch; before it ran revision {kept['revision']}",
        expected="every pod new and available", limit_source="kit",
    ))  # fmt: skip


def _failed(phase: Phase, error: RolloutError, kept: dict[str, Any]) -> None:
    """Enter why, and put back what was there.

    Raises:
        PhaseFailed: always.
    """
    phase.check(judge(
        name=DEPLOYED, rule=rules.raised, evidence={"error": error.seen}, seen=error.seen,
        expected="every pod new and available, and the scenarios run", limit_source="kit", todo=error.todo,
    ))  # fmt: skip
    _told(_restored(phase, kept))
    _forget_task(phase)
    phase.stop_on_fail("The revision before was put back.")


def _restored(phase: Phase, kept: dict[str, Any], tell: Tell | None = None) -> str:
    """Put back the pod template from before the cleanup, and the flag's file as it was; what was done, in words.

    Raises:
        RolloutError: it cannot be put back; the text says what is left to do by hand.
    """
    flag.restore_file(phase.cluster, kept["file"])  # first: pods that read it must not begin with the flag off
    found = restoring.plan(phase.cluster.connection, phase.target, kept["hash"])
    if not found.noop:
        restoring.apply(phase.cluster.connection, phase.target, found)
    phase.cluster.rollout_status(phase.target.limits.rollout_deadline_seconds, tell)
    _noted(phase, "put back")
    return f"Put back: {found.command}" if not found.noop else "Nothing to put back: the pods are those from before"


def _told(words: str) -> None:
    display.note(words, kind=BACK)


def _bare(phase: Phase) -> Check:
    """No pod has the variable any more, nor has the Deployment."""
    name = phase.target.flag.env
    having = [pod["metadata"]["name"] for pod in phase.cluster.pod_documents(phase.cluster.selector())
              if name in variables(pod["spec"])]  # fmt: skip
    template = environment.read(phase.cluster.connection, phase.target)["spec"]["template"]
    left = [*having, *([f"deployment/{phase.target.deployment}"] if name in variables(template["spec"]) else [])]
    return judge(
        name=BARE, rule=rules.holds, evidence={"holds": not left, "left": left},
        seen=f"{name} is set in {', '.join(left)}" if left else f"{name} is nowhere in the Deployment or its pods",
        expected="nowhere", limit_source="guide", why="Who reads the manifest must not think that it decides.",
        todo=f"kubectl set env deployment/{phase.target.deployment} {name}-" if left else "",
    )  # fmt: skip


def variables(spec: dict[str, Any]) -> set[str]:
    """The names of the variables that any container of a pod is given."""
    containers = [*spec["containers"], *(spec.get("initContainers") or [])]
    return {str(entry["name"]) for one in containers for entry in one.get("env") or []}


async def scenarios_again(phase: Phase) -> None:
    """The scenarios on the cleaned service, and its manifest beside the one from before; if not, back.

    Raises:
        PhaseFailed: a scenario failed or the manifest differs: the revision before is put back.
    """
    if phase.dry_run:
        await scenarios(phase, expect="hera")
        return
    kept = phase.once(BEFORE, dict)
    try:
        await scenarios(phase, expect="hera")
        leftovers(phase)
        phase.check(_same(phase))
    except VerdictError:
        raise
    except RolloutError as error:
        _failed(phase, error, kept)
    if any(phase.checks[name].verdict is Verdict.FAIL for name in DECIDING if name in phase.checks):
        _told(_restored(phase, kept))
        phase.stop_on_fail("The cleaned service does not do what the flagged one did: the revision before is back.")


def _same(phase: Phase) -> Check:
    """Two runs of one task, before and after, as the cluster stores them; HOLD where the first was not kept."""
    row: dict[str, Any] = {"name": "one task", "documents": ["as stored"], "rules": [], "compared": False,
                           "why": "the manifest from before was not kept", "differences": []}  # fmt: skip
    phase.memory.setdefault(MANIFEST, phase.once(MANIFEST, dict))
    if kept := phase.memory[MANIFEST]:
        before, after = kept["document"], _submitted(phase, kept["task"])["document"]
        found = equivalence.compare(before, after, schema=schema_of(phase), namespace=phase.target.namespace)
        _forget_task(phase)
        row |= {"compared": True, "why": "", **mattering(list(found.differences), phase.target.accepted),
                "rules": [{"rule": rule.name} for rule in found.rules_used]}  # fmt: skip
        display.note(f"Compared: {before['metadata']['name']} from before, {after['metadata']['name']} from now")
    return equivalence_check(SAME, [row], "manifests (before and after)", "means the same")


def _forget_task(phase: Phase) -> None:
    """Delete the task that was submitted before and after; one that stays is told, and harms nothing."""
    if not (kept := phase.memory.get(MANIFEST)):
        return
    try:
        phase.backend.delete(kept["task"])
    except RolloutError as error:
        display.note(f"Task {kept['task']} of this run is still there: {error.seen}")


async def put_back(phase: Phase) -> None:
    """Show how to go back; with ``rollback=True`` do so now, and in JupyterLab offer a button for it.

    Raises:
        PhaseFailed: it was put back, as asked: the cleanup has not come to its end.
        RolloutError: it cannot be put back; the text says what is left to do by hand.
    """
    name, namespace = phase.target.deployment, phase.target.namespace
    if phase.dry_run or not phase.done(BEFORE):
        display.note(f"Nothing to go back from. After a deploy: kubectl rollout undo deployment/{name} -n {namespace}")
        return
    kept = phase.once(BEFORE, dict)
    if phase.parameters.rollback:
        words = await display.watched(lambda live: _restored(phase, kept, live.line))
        phase.check(judge(
            name=BACK, rule=rules.holds, evidence={"holds": False, **kept}, seen=f"rollback=True. {words}",
            expected="the cleaned service stays", limit_source="kit", why="What was put back is not cleaned up.",
            todo=f"Find out why, delete branch {phase.memory[APPLIED]['branch']}, then run this again.",
        ))  # fmt: skip
        phase.stop_on_fail("The revision before was put back, as asked.")
    display.note(f"The cleaned service stays (rollback=False). By hand: kubectl rollout undo deployment/{name} "
                 f"--to-revision=N -n {namespace}; before, it ran revision {kept['revision']}")  # fmt: skip
    if display.has_front_end():
        display.offered("Put the revision before back", partial(_restored, phase, kept), _told)
