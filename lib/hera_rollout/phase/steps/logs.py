"""What the backend wrote into its own logs since the flag was changed."""

import re
from typing import Final

import pandas as pd

from hera_rollout import display
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase

ERROR_LINE: Final = re.compile(r"\b(ERROR|CRITICAL|FATAL)\b|^Traceback \(most recent call last\)")


def application_logs(phase: Phase) -> None:
    """Show and check the error lines of every pod of the backend since the flag was changed."""
    if phase.dry_run or phase.flag_changed is None:
        display.note("Application logs: the flag was not changed in this run, so there is no flip to look behind")
        return
    pods = list(phase.cluster.pods(phase.cluster.selector())["name"])
    lines = [(pod, line) for pod in pods for line in phase.cluster.logs(pod, since=phase.flag_changed).splitlines()]
    frame = pd.DataFrame([pair for pair in lines if ERROR_LINE.search(pair[1])], columns=["pod", "line"])
    command = f"kubectl logs deployment/{phase.target.deployment} --all-pods -n {phase.target.namespace} --since-time=…"
    display.table(frame, "Error lines since the flag was changed", command=command)
    phase.check(logs_check(frame, lines=len(lines), pods=len(pods), command=command))


def logs_check(errors: pd.DataFrame, *, lines: int, pods: int, command: str) -> Check:
    """No error line, among at least one line: a log that could not be read, or says nothing, is no evidence."""
    example = f", such as: {errors['line'].iloc[0][:200]}" if len(errors) else ""
    return judge(
        name="application logs",
        rule=rules.quiet_logs,
        evidence={"errors": display.rows(errors), "lines": lines, "pods": pods},
        seen=f"{len(errors)} error lines among {lines} lines of {pods} pods{example}",
        expected="0 error lines, among at least one line that a running service writes",
        why="A backend may answer 200 and write down why it did not do what was asked.",
        todo=f"Read the lines above in their context: {command}",
    )
