"""The cleaned service takes the place of the flagged one: by the commands of the target, or it is put back."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hera_rollout import display, equivalence, flag
from hera_rollout.cluster import environment, rollouts
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Verdict, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.cleaning import APPLIED, given
from hera_rollout.phase.steps.testing import NAMES, leftovers, scenarios

DEPLOYED, BEFORE, SAME, BARE = "deployed", "revision before", "same manifest", "no pod with the variable"
DEPLOY: Final = "deploy the cleaned service"
COMMAND_SECONDS: Final = 1_800
TAIL: Final = 12
CODE: Final = "print('cleanup')"


async def replace_service(phase: Phase) -> None:
    """With an approval: build, load and deploy the branch, then take variable and file away.

    Raises:
        PhaseFailed: a command failed, or the new pods did not come up: the revision before is put back.
        PhaseOnHold: nobody approved.
    """
    commands = _commands(phase)
    display.table(pd.DataFrame(commands, columns=["step", "command"]), "The target's commands, run in the branch",
                  command="")  # fmt: skip
    if phase.dry_run:
        display.note("Dry run: would submit a task, then ask for an approval, run these, and take the flag away")
        return
    kept = phase.once(BEFORE, lambda: _before(phase))
    if not phase.done(DEPLOYED):
        await phase.approved(what=DEPLOY)
        try:
            _deploy(phase, commands)
        except RolloutError as error:
            _failed(phase, error, kept)
        phase.once(DEPLOYED, lambda: True)
    phase.check(judge(
        name=DEPLOYED, rule=rules.holds, evidence={"holds": True, "commands": commands, **kept},
        seen=f"deployment/{phase.target.deployment} runs the branch; before it ran revision {kept['revision']}",
        expected="every pod new and available", limit_source="kit",
    ))  # fmt: skip
    _bare(phase)


def _commands(phase: Phase) -> list[tuple[str, str]]:
    named = phase.target.commands
    found = [("build", named.build), ("load", named.load), ("deploy", named.deploy)]
    return [(name, command) for name, command in found if command]


def _before(phase: Phase) -> dict[str, Any]:
    """The revision to go back to, and a workflow that Hera made while the flag was there."""
    deployment = environment.read(phase.cluster.connection, phase.target)
    sent = phase.backend.submit(CODE)
    ended = phase.workflows.wait(sent.workflow, phase.workflow_deadline)
    document = phase.workflows.get(ended.name)
    phase.backend.delete(sent.task)
    return {"revision": rollouts.revision_of(deployment), "manifest": document,
            "file": flag.read_file(phase.cluster)}  # fmt: skip


def _deploy(phase: Phase, commands: list[tuple[str, str]]) -> None:
    """The target's commands in a checkout of the branch; then wait, and take the flag's media away.

    Raises:
        RolloutError: a command failed, or the rollout did not end.
    """
    applied = phase.once(APPLIED, dict)
    repository = Path(given(phase).repository).resolve()
    with tempfile.TemporaryDirectory(prefix="hera-rollout-deploy-") as folder:
        tree = Path(folder) / "tree"
        _run(phase, ["git", "-C", str(repository), "worktree", "add", "--quiet", "--detach", str(tree),
                     applied["commit"]], repository)  # fmt: skip
        try:
            for name, command in commands:
                display.note(f"{name}: {command}")
                _run(phase, shlex.split(command), tree)
        finally:
            _run(phase, ["git", "-C", str(repository), "worktree", "remove", "--force", str(tree)], repository)
    change = phase.cluster.plan_env(phase.target.flag.env, None)
    if not change.noop:
        phase.cluster.apply_env(change)
    phase.cluster.rollout_status(phase.target.limits.rollout_deadline_seconds)
    flag.restore_file(phase.cluster, None)


def _run(phase: Phase, words: list[str], folder: Path) -> None:
    """One command, never longer than agreed; after that it and its children are ended.

    Raises:
        RolloutError: it cannot be started, failed, or took too long; the text has its last lines.
    """
    shown = shlex.join(words)
    inherited = {name: value for name, value in os.environ.items() if name != phase.target.flag.env}
    try:
        process = subprocess.Popen(words, cwd=folder, env=inherited, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, start_new_session=True)  # fmt: skip
    except OSError as error:
        raise RolloutError(f"`{shown}` cannot be started: {error}.", todo="Correct the target's commands.") from None
    try:
        output, _ = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate(timeout=10)
        raise RolloutError(f"`{shown}` did not end within {COMMAND_SECONDS} s.", todo=_tail(output)) from None
    if process.returncode:
        raise RolloutError(f"`{shown}` ended with code {process.returncode}.", todo=_tail(output))


def _tail(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-TAIL:])


def _failed(phase: Phase, error: RolloutError, kept: dict[str, Any]) -> None:
    """Enter why, and put back what was there.

    Raises:
        PhaseFailed: always.
    """
    phase.check(judge(
        name=DEPLOYED, rule=rules.holds, evidence={"holds": False, "error": error.seen}, seen=error.seen,
        expected="every pod new and available", limit_source="kit", todo=error.todo,
    ))  # fmt: skip
    put_back(phase, kept)
    phase.stop_on_fail("The revision before was put back.")


def put_back(phase: Phase, kept: dict[str, Any]) -> None:
    """The revision from before the cleanup, and the flag's file as it was.

    Raises:
        RolloutError: it cannot be put back; the text says what is left to do by hand.
    """
    now = rollouts.revision_of(environment.read(phase.cluster.connection, phase.target))
    flag.restore_file(phase.cluster, kept["file"])
    if now == kept["revision"]:
        display.note("Nothing to put back: the revision is the one from before")
        return
    command = phase.cluster.undo(kept["revision"])
    phase.cluster.rollout_status(phase.target.limits.rollout_deadline_seconds)
    display.note(f"Put back: {command}", kind="put back", evidence={"revision": kept["revision"], "command": command})


def _bare(phase: Phase) -> None:
    """No pod has the variable any more, on the Deployment or on itself."""
    name = phase.target.flag.env
    having = [
        str(pod["metadata"]["name"])
        for pod in phase.cluster.pod_documents(phase.cluster.selector())
        if any(entry["name"] == name for container in pod["spec"]["containers"] for entry in container.get("env") or [])
    ]
    left = [*having, *([f"deployment/{phase.target.deployment}"] if phase.cluster.env(name) is not None else [])]
    phase.check(judge(
        name=BARE, rule=rules.holds, evidence={"holds": not left, "left": left},
        seen=f"{name} is set in {', '.join(left)}" if left else f"{name} is nowhere in the Deployment or its pods",
        expected="nowhere", limit_source="guide", why="Who reads the manifest must not think that it decides.",
        todo=f"kubectl set env deployment/{phase.target.deployment} {name}-" if left else "",
    ))  # fmt: skip


async def scenarios_again(phase: Phase) -> None:
    """The scenarios on the cleaned service, and its manifest beside the one from before; if not, back.

    Raises:
        PhaseFailed: a scenario failed or the manifest differs: the revision before is put back.
    """
    await scenarios(phase, expect="hera")
    leftovers(phase)
    if phase.dry_run:
        return
    kept = phase.once(BEFORE, dict)
    _same(phase, kept["manifest"])
    deciding = (NAMES["hera"], SAME, BARE, "orphans")
    if any(phase.checks[name].verdict is Verdict.FAIL for name in deciding if name in phase.checks):
        put_back(phase, kept)
        phase.stop_on_fail(
            "The cleaned service does not do what the flagged one did; the revision before was put back."
        )


def _same(phase: Phase, before: dict[str, Any]) -> None:
    """The same task's workflow before and after, as the cluster stores it."""
    sent = phase.backend.submit(CODE)
    ended = phase.workflows.wait(sent.workflow, phase.workflow_deadline)
    found = equivalence.compare(before, phase.workflows.get(ended.name), namespace=phase.target.namespace)
    phase.backend.delete(sent.task)
    shown = [f"{one.path}: {one}" for one in found.differences]
    phase.check(judge(
        name=SAME, rule=rules.holds, evidence={"holds": not shown, "differences": shown[:40]},
        seen=f"{len(shown)} differences: {'; '.join(shown[:3])}" if shown else "the same task makes the same workflow",
        expected="what Hera submits is the same before and after", limit_source="kit",
        why="Cleanup changes the code, and not what it does.", todo="Look at the diff of the branch." if shown else "",
    ))  # fmt: skip
