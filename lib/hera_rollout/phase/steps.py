"""The steps that notebooks share: each takes the phase, does one thing, shows it, and enters its checks."""

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final, Literal

import pandas as pd

from hera_rollout import backend, display, flag, preflight, workflows
from hera_rollout.backend import ScenarioResult
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, Verdict
from hera_rollout.phase.spine import Phase

Path = Literal["yaml", "hera"]
ERROR_LINE: Final = re.compile(r"\b(ERROR|CRITICAL|FATAL)\b|^Traceback \(most recent call last\)")
NOTHING_MADE: Final = "dry run: nothing is created, so there is nothing to show"


def before_you_start(phase: Phase) -> None:
    """Preflight: one table, red rows first; any FAIL ends the run before anything is changed.

    Raises:
        PhaseFailed: a line of the preflight is red.
    """
    made = [phase.enter(check) for check in preflight.checks(phase.target, phase.cluster, phase.workflows)]
    frame = display.checks_frame(made)[["verdict", "check", "seen", "expected", "what to do"]]
    display.table(frame.rename(columns={"expected": "wanted", "what to do": "fix"}), "Before you start")
    phase.stop_on_fail("The preflight found what would stop the rollout half way; nothing was changed.")


def set_flag(phase: Phase, *, enabled: bool) -> None:
    """Show the patch; then, unless this is a dry run, apply it and wait until every pod reports it.

    Raises:
        DeadlineExceeded: a pod did not report the wanted flag in time; the text says which one said what.
        Refused: the Deployment was changed by somebody else since the patch was planned.
    """
    change = flag.plan(phase.cluster, enabled)
    state = "on" if enabled else "off"
    patch = change.diff() or f"nothing to change: the variable already says {state}"
    display.diff(patch, f"Turn the flag {state}", command=change.command)
    if phase.dry_run:
        display.note(f"Dry run: the patch above was not applied. To undo it once applied: {change.undo_command}")
        return
    began = datetime.now(UTC)
    try:
        with display.Live() as live:
            effect = flag.apply(phase.cluster, phase.backend, change, on_progress=live.line)
    except RolloutError as error:
        phase.check(Check(name="flag in effect", verdict=Verdict.FAIL, seen=error.seen, expected=error.expected,
                          why=error.why, todo=error.todo))  # fmt: skip
        raise
    phase.flag_changed = began
    display.table(effect.report, f"The flag is {state}, by what each pod says of itself")
    if enabled:
        phase.check(
            Check(
                name="flag in effect",
                verdict=Verdict.PASS,
                seen=f"{len(effect.pods)} of {len(effect.pods)} pods report it on",
                expected="every ready pod, and the Service, report the flag as on",
                limit_source="kit",
                evidence={"pods": effect.report.to_dict(orient="records"), "seconds": effect.seconds},
            )
        )


def _frame(results: list[ScenarioResult]) -> pd.DataFrame:
    """Scenario results as the table people read."""
    return pd.DataFrame(
        [
            {
                "scenario": result.title,
                "result": (Verdict.PASS if result.passed else Verdict.FAIL).label,
                "seen": result.seen,
                "expected": result.expected,
                "path": result.path or "none",
                "how we know": result.provenance,
                "time": f"{result.seconds:.1f} s",
            }
            for result in results
        ],
        columns=["scenario", "result", "seen", "expected", "path", "how we know", "time"],
    )


def scenarios(phase: Phase, *, expect: Path) -> list[ScenarioResult]:
    """Run the guide's functional list, each row filled as it ends, and check it.

    Args:
        phase: the run.
        expect: the path that must have made each workflow.

    Returns:
        The results in the order asked for; empty in a dry run.
    """
    names: list[str] = list(phase.parameters.model_dump().get("scenarios", backend.SCENARIOS))
    if phase.dry_run:
        display.note(f"Dry run: would run {', '.join(names)}, each expected to be made by the {expect} path")
        return []
    deadline = phase.parameters.model_dump().get("workflow_deadline_seconds")
    done: list[ScenarioResult] = []
    with display.Live() as live:

        def ended(result: ScenarioResult) -> None:
            done.append(result)
            live.frame(_frame(done))

        results = backend.run_all(
            phase.backend,
            phase.workflows,
            deadline_seconds=deadline or phase.target.limits.workflow_deadline_seconds,
            expect_path=expect,
            names=names,
            on_result=ended,
        )
    title = f"Functional tests, flag {'on' if expect == 'hera' else 'off'}"
    display.table(_frame(results), title, command=f"curl -X POST {phase.target.backend_url}/api/v1/tasks/submit …")
    phase.memory[expect] = results
    phase.check(_all_passed(results, "scenarios with the flag on" if expect == "hera" else "baseline", names))
    return results


def _all_passed(results: list[ScenarioResult], name: str, asked: list[str]) -> Check:
    """All that was asked for ran, and passed; a list cut short by a parameter is HOLD, for it proves less."""
    failed = [result for result in results if not result.passed]
    whole = set(asked) >= set(backend.SCENARIOS)
    verdict = Verdict.FAIL if failed or len(results) < len(asked) else Verdict.PASS if whole else Verdict.HOLD
    seen = f"{len(results) - len(failed)} of {len(backend.SCENARIOS)} scenarios ran and passed"
    if failed:
        seen += "; " + "; ".join(f"{result.name}: {result.seen}" for result in failed)
    return Check(
        name=name,
        verdict=verdict,
        seen=seen,
        expected=f"{len(backend.SCENARIOS)} of {len(backend.SCENARIOS)}",
        why="What does not work in a controlled environment will not work in production.",
        todo=failed[0].todo if failed else "Run again with every scenario (leave the parameter scenarios as it is).",
        evidence={"results": [_plain(result) for result in results], "asked": asked},
    )


def _plain(result: ScenarioResult) -> dict[str, Any]:
    """A result as plain data for the record."""
    return {
        "name": result.name, "passed": result.passed, "seen": result.seen, "expected": result.expected,
        "workflows": result.workflows, "path": result.path, "provenance": result.provenance,
        "seconds": round(result.seconds, 3), "timings": result.timings,
    }  # fmt: skip


def hera_workflow(phase: Phase) -> None:
    """Submit a Hera workflow from this notebook, watch it, and show its nodes, logs and outputs."""
    if phase.dry_run:
        display.note("Dry run: would submit Hera's two-step sample under a name of this notebook's own")
        return
    name = f"hera-rollout-hello-{phase.started:%Y%m%d-%H%M%S}"
    submission = phase.workflows.submit(workflows.hello(phase.target), name=name)
    with display.Live() as live:
        outcome = phase.workflows.wait(
            submission.name,
            phase.target.limits.workflow_deadline_seconds,
            on_update=lambda view: live.line(f"{view.name}: {view.phase or 'Pending'} {view.progress} {view.message}"),
        )
    display.table(phase.workflows.nodes(outcome.document), "Nodes")
    logs, outputs = phase.workflows.logs(name), phase.workflows.outputs(name)
    display.table(logs, "Logs")
    display.table(pd.DataFrame(sorted(outputs.items()), columns=["output", "value"]), "Outputs")
    phase.check(
        Check(
            name="workflow from the notebook",
            verdict=Verdict.PASS if outcome.succeeded and outputs else Verdict.FAIL,
            seen=f"{outcome.phase or 'no phase'} ({outcome.reached}), {len(outputs)} output parameters"
            + (f"; {outcome.message}" if outcome.message else ""),
            expected="Succeeded, with its output parameters",
            limit_source="kit",
            why="The operator's own Hera must work against this Argo before the backend's is trusted.",
            todo=f"argo get {name} -n {phase.target.namespace} (guide: Workflows failing).",
            evidence={"workflow": name, "uid": outcome.uid, "outputs": outputs},
        )
    )


def provenance(phase: Phase) -> None:
    """Which path made each workflow of this run, and how we know. A flag that says on is never evidence."""
    made: list[tuple[str, ScenarioResult]] = [
        (side, result) for side in ("yaml", "hera") for result in phase.memory.get(side, [])
    ]
    if not made:
        display.note(f"Provenance: {NOTHING_MADE}")
        return
    frame = pd.DataFrame(
        [
            {"flag": "on" if side == "hera" else "off", "workflow": name, "path": result.path or "none",
             "how we know": result.provenance, "expected": side}
            for side, result in made for name in result.workflows
        ],
        columns=["flag", "workflow", "path", "how we know", "expected"],
    )  # fmt: skip
    display.table(frame, "Which path made each workflow",
                  command=f"kubectl get workflows -n {phase.target.namespace} -L hera-rollout/path")  # fmt: skip
    phase.check(_provenance_check(phase, frame))


def _provenance_check(phase: Phase, frame: pd.DataFrame) -> Check:
    """FAIL for any workflow by the other path or with label against manifest; HOLD where nothing proves the path."""
    wrong = frame[
        (frame["path"] != frame["expected"]) & (frame["path"] != "none") | (frame["how we know"] == "contradicted")
    ]
    unproven = frame[~frame["how we know"].isin(["proven", "contradicted"])]
    on = frame[frame["flag"] == "on"]
    counts = Counter(on["path"])
    verdict = Verdict.FAIL if len(wrong) else Verdict.HOLD if len(unproven) or on.empty else Verdict.PASS
    told = ", ".join(f"{count} of {len(on)} made with the flag on carry path={path}" for path, count in counts.items())
    examples = ", ".join(wrong["workflow"].head(3))
    return Check(
        name="provenance",
        verdict=verdict,
        seen=(told or "no workflow was made with the flag on") + (f" (such as {examples})" if examples else ""),
        expected="path=hera on every workflow made with the flag on, path=yaml before, label and manifest agreeing",
        limit_source="kit",
        why="The backend may fall back to YAML without saying so; a rollout from here would prove nothing about Hera."
        + _import_hint(phase),
        todo="Fix what keeps the Hera path from running in the image (guide: Workflows not creating), then run this "
        "notebook again. Nothing to roll back.",
        evidence={"workflows": frame.to_dict(orient="records")},
    )


def _import_hint(phase: Phase) -> str:
    """What the backend itself says of its Hera import, if it says anything but ok."""
    try:
        said = str(phase.backend.flag().get("heraImport", "ok"))
    except RolloutError:
        return ""
    return "" if said == "ok" else f" /api/v1/flag says heraImport: {said!r}."


def parity(phase: Phase) -> None:
    """Whether each scenario did by the Hera path what it did by the YAML path; times are plotted side by side."""
    before = {result.name: result for result in phase.memory.get("yaml", [])}
    after = {result.name: result for result in phase.memory.get("hera", [])}
    if not before or not after:
        display.note(f"Parity: {NOTHING_MADE}")
        return
    both = [name for name in before if name in after]
    differing = [
        name for name in both if (before[name].passed, before[name].seen) != (after[name].passed, after[name].seen)
    ]
    whole = len(both) == len(backend.SCENARIOS)
    display.durations_by_path(
        pd.DataFrame(
            {
                "scenario": [before[name].name for name in both],
                "yaml_seconds": [before[name].seconds for name in both],
                "hera_seconds": [after[name].seconds for name in both],
            }
        )
    )
    phase.check(
        Check(
            name="parity",
            verdict=Verdict.FAIL
            if differing
            else Verdict.PASS
            if whole
            else Verdict.HOLD,
            seen=f"{len(both) - len(differing)} of {len(both)} scenarios had the same result and output by both paths"
            + (f"; differing: {', '.join(differing)}" if differing else ""),
            expected=f"all {len(backend.SCENARIOS)} the same; times are shown, not judged, from one run a path",
            why="A user must not be able to tell which path ran a task.",
            todo="Compare the two rows in the tables above; phase 2 compares the manifests.",
            evidence={"differing": differing, "compared": both},
        )
    )


def _result_of(result: ScenarioResult) -> tuple[bool, str]:
    """What a user sees of a scenario: whether it worked, and what came out."""
    return result.passed, result.seen


def application_logs(phase: Phase) -> None:
    """Error lines in every pod of the backend since the flag was changed."""
    if phase.dry_run or phase.flag_changed is None:
        display.note("Application logs: the flag was not changed in this run, so there is no flip to look behind")
        return
    pods = list(phase.cluster.pods(phase.cluster.selector())["name"])
    lines = [(pod, line) for pod in pods for line in phase.cluster.logs(pod, since=phase.flag_changed).splitlines()]
    errors = [(pod, line) for pod, line in lines if ERROR_LINE.search(line)]
    command = f"kubectl logs deployment/{phase.target.deployment} --all-pods -n {phase.target.namespace} --since-time=…"
    display.table(
        pd.DataFrame(errors, columns=["pod", "line"]), "Error lines since the flag was changed", command=command
    )
    phase.check(
        Check(
            name="application logs",
            verdict=Verdict.FAIL if errors else Verdict.PASS if lines else Verdict.HOLD,
            seen=f"{len(errors)} error lines among {len(lines)} lines of {len(pods)} pods"
            + (f", such as: {errors[0][1][:200]}" if errors else ""),
            expected="0 error lines, among at least one line a running service writes",
            why="A backend may answer 200 and write down why it did not do what was asked.",
            todo="Read the lines above in their context: " + command,
            evidence={"errors": errors[:50], "lines": len(lines)},
        )
    )


def look(phase: Phase) -> None:
    """Pods, Deployment, events and workflows, each under the kubectl line it stands for."""
    display.table(phase.cluster.deployment(), "Deployment")
    display.table(phase.cluster.pods(phase.cluster.selector()), "Pods of the backend")
    display.table(phase.cluster.events(since=phase.started), "Events since this run began")
    display.table(phase.workflows.list(since=phase.started), "Workflows since this run began")
