"""The guide's functional list, run live."""

from dataclasses import asdict
from typing import Literal

import pandas as pd

from hera_rollout import backend, checklists, display
from hera_rollout.backend import ScenarioResult, orphans
from hera_rollout.backend.integration import INTEGRATION, IntegrationResult, judged, run_integration
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.workflows.diagnosis import diagnose

Path = Literal["yaml", "hera"]
MAX_DIAGNOSED = 4
"""Failed workflows that are diagnosed in the notebook; more of the same would hide the first."""
INTEGRATED = "integration "
"""Under this key and the path a run keeps what came of the integration list."""
NAMES = {"yaml": "baseline", "hera": "scenarios with the flag on"}


def results_frame(results: list[ScenarioResult]) -> pd.DataFrame:
    """Scenario results as the table people read, one row a scenario."""
    return pd.DataFrame(
        [
            {
                "scenario": result.title,
                "path": result.path or "none",
                "how we know": result.provenance,
                **_told(result),
            }
            for result in results
        ],
        columns=["scenario", "result", "seen", "expected", "path", "how we know", "time"],
    )


def _verdict(result: ScenarioResult | IntegrationResult) -> Verdict:
    if isinstance(result, ScenarioResult) and result.in_doubt:
        return Verdict.HOLD
    return Verdict.PASS if result.passed else Verdict.FAIL


def _told(result: ScenarioResult | IntegrationResult) -> dict[str, str]:
    """What both lists' tables say of a row."""
    return {
        "result": _verdict(result).label,
        "seen": result.seen,
        "expected": result.expected,
        "time": f"{result.seconds:.1f} s",
    }


async def scenarios(phase: Phase, *, expect: Path) -> None:
    """Run the scenarios, each row filled as it ends, and check that all of them ran and passed.

    Args:
        phase: the run; its results are left in ``phase.memory[expect]``.
        expect: the path that must have made each workflow.

    Raises:
        PhaseFailed: the baseline failed: what follows could prove nothing.
    """
    asked: list[str] = list(phase.parameters.model_dump().get("scenarios", backend.SCENARIOS))
    if phase.dry_run:
        display.note(f"Dry run: would run {', '.join(asked)}, each expected to be made by the {expect} path")
        return
    results = await display.watched(lambda live: _run(phase, asked, expect, live))
    phase.memory[expect] = results
    display.table(
        results_frame(results),
        f"Functional tests, flag {'on' if expect == 'hera' else 'off'}",
        command=f"curl -X POST {phase.target.backend_url}/api/v1/tasks/submit …",
    )
    _diagnose(phase, [name for result in results if not result.passed for name in result.workflows])
    for result in results:
        phase.enter(_line(result))
    phase.check(all_passed(results, NAMES[expect], asked))
    if expect == "yaml":
        phase.stop_on_fail("The baseline itself fails, so this phase can prove nothing about Hera; the flag is off.")


def _run(phase: Phase, asked: list[str], expect: Path, live: display.Live) -> list[ScenarioResult]:
    """Run what was asked for, showing each row as it ends."""
    done = _kept(phase, asked, expect)

    def ended(result: ScenarioResult) -> None:
        done[result.name] = result
        live.frame(results_frame(list(done.values())))
        if not live.stop.is_set():  # a wait that the operator ended is no result
            phase.once(_key(result.name, expect), lambda: asdict(result))

    left = [name for name in asked if name not in done]
    if left:
        phase.changing("submissions")
        backend.run_all(
            phase.backend,
            phase.workflows,
            deadline_seconds=phase.workflow_deadline,
            expect_path=expect,
            names=left,
            on_result=ended,
            stop=live.stop,
            token=f"{phase.token}-{expect}",
            resumed=phase.resumed,
        )
    return [done[name] for name in asked]


def _key(name: str, expect: Path) -> str:
    return f"scenario {name} {expect}"


def _kept(phase: Phase, asked: list[str], expect: Path) -> dict[str, ScenarioResult]:
    """What an earlier attempt of this run has finished."""
    kept = {name: phase.once(_key(name, expect), dict) for name in asked if phase.done(_key(name, expect))}
    if kept:
        display.note(f"Done by an earlier attempt of this run, and not done again: {', '.join(kept)}")
    return {name: ScenarioResult(**result) for name, result in kept.items()}


def _line(result: ScenarioResult) -> Check:
    """One line of the guide's functional list; by the Hera path it replaces what the baseline said."""
    return judge(
        name=f"scenario {result.name}",
        rule=rules.withheld if result.in_doubt else rules.holds,
        evidence={"holds": result.passed, "result": asdict(result)},
        seen=result.seen,
        expected=result.expected,
        todo=result.todo,
    )


def _diagnose(phase: Phase, names: list[str]) -> None:
    """For each workflow of a failed scenario: node, pod, events, image, env, mounts, claim; bounded."""
    for name in names[:MAX_DIAGNOSED]:
        found = diagnose(phase.workflows, name)
        display.table(found.frame, f"Why {name} did not do what it should", command=f"argo get {name}")


async def integration(phase: Phase, *, expect: Path = "hera") -> None:
    """Run the guide's integration list by one path, each row shown as it ends, and check each line."""
    if phase.dry_run:
        display.note(f"Dry run: would check {', '.join(line.title for line in INTEGRATION.values())}")
        return
    results = _kept_integration(phase, expect) or await display.watched(
        lambda live: _run_integration(phase, expect, live)
    )
    display.table(
        _integration_frame(results), f"Integration tests, flag {'on' if expect == 'hera' else 'off'}", command=""
    )
    entered = [phase.enter(judged(result)) for result in results]
    _diagnose(phase, [name for result in results if not result.passed for name in result.workflows])
    for check in entered:
        if check.verdict is Verdict.FAIL:
            phase.check(check)


def _run_integration(phase: Phase, expect: Path, live: display.Live) -> list[IntegrationResult]:
    """Run the list, showing each row as it ends."""
    done: list[IntegrationResult] = []

    def ended(result: IntegrationResult) -> None:
        done.append(result)
        live.frame(_integration_frame(done))

    results = run_integration(
        phase.backend, phase.workflows, deadline_seconds=phase.workflow_deadline, expect_path=expect, on_result=ended,
        stop=live.stop, token=phase.token, resumed=phase.resumed,
    )  # fmt: skip
    if not live.stop.is_set():
        phase.once(INTEGRATED + expect, lambda: [asdict(result) for result in results])
    return results


def _kept_integration(phase: Phase, expect: Path) -> list[IntegrationResult]:
    """What an earlier attempt of this run has finished; nothing if it did not."""
    if not phase.done(INTEGRATED + expect):
        return []
    display.note("Done by an earlier attempt of this run, and not done again")
    return [IntegrationResult(**result) for result in phase.once(INTEGRATED + expect, list)]


def _integration_frame(results: list[IntegrationResult]) -> pd.DataFrame:
    """Integration results as the table people read, one row a line."""
    return pd.DataFrame(
        [{"line": result.title, **_told(result)} for result in results],
        columns=["line", "result", "seen", "expected", "time"],
    )


def leftovers(phase: Phase) -> None:
    """Workflows of this run that belong to no task the backend knows, and runs with two workflows."""
    if phase.dry_run:
        display.note("Dry run: nothing was created, so nothing can be left over")
        return
    found = orphans.count(phase.backend, phase.workflows, since=phase.since, mark=phase.token)
    display.table(found.frame, "Orphans and duplicates since this run began")
    phase.check(orphans.judged(found, phase.since))


def checklist(phase: Phase, *kinds: str) -> None:
    """The guide's testing checklist, each line ticked by this run's checks or shown as open.

    Args:
        phase: the run.
        kinds: which of the guide's lists; functional and integration if none is named.
    """
    lines = [line for line in checklists.TESTING if line.kind in (kinds or ("functional", "integration"))]
    display.table(checklists.frame(lines, phase.checks), "The guide's testing checklist", command="")


def all_passed(results: list[ScenarioResult], name: str, asked: list[str]) -> Check:
    """All that was asked for ran, and passed; a list cut short by a parameter is HOLD, for it proves less."""
    every = len(backend.SCENARIOS)
    failed = [result for result in results if not result.passed]
    names = f"failed: {', '.join(result.name for result in failed)}" if failed else ""
    # One reason is enough here: every row of the table has its own.
    reason = f"{failed[0].name}: {failed[0].seen}" if failed else ""
    return judge(
        name=name,
        rule=rules.scenarios,
        evidence={"results": [asdict(result) for result in results], "asked": asked, "every": list(backend.SCENARIOS)},
        seen="; ".join(
            filter(None, [f"{len(results) - len(failed)} of {every} scenarios ran and passed", names, reason])
        ),
        expected=f"{every} of {every}",
        why="What does not work in a controlled environment will not work in production.",
        todo=failed[0].todo if failed else "Run again with every scenario (leave the parameter scenarios as it is).",
    )
