"""The guide's functional list, run live."""

from dataclasses import asdict
from typing import Literal

import pandas as pd

from hera_rollout import backend, display
from hera_rollout.backend import ScenarioResult
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.phase.spine import Phase

Path = Literal["yaml", "hera"]
NAMES = {"yaml": "baseline", "hera": "scenarios with the flag on"}


def results_frame(results: list[ScenarioResult]) -> pd.DataFrame:
    """Scenario results as the table people read, one row a scenario."""
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


async def scenarios(phase: Phase, *, expect: Path) -> None:
    """Run the scenarios, each row filled as it ends, and check that all of them ran and passed.

    Args:
        phase: the run; its results are left in ``phase.memory[expect]``.
        expect: the path that must have made each workflow.
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
    phase.check(all_passed(results, NAMES[expect], asked))


def _run(phase: Phase, asked: list[str], expect: Path, live: display.Live) -> list[ScenarioResult]:
    """Run what was asked for, showing each row as it ends."""
    deadline = phase.parameters.model_dump().get("workflow_deadline_seconds")
    done: list[ScenarioResult] = []

    def ended(result: ScenarioResult) -> None:
        done.append(result)
        live.frame(results_frame(done))

    return backend.run_all(
        phase.backend,
        phase.workflows,
        deadline_seconds=deadline or phase.target.limits.workflow_deadline_seconds,
        expect_path=expect,
        names=asked,
        on_result=ended,
        stop=live.stop,
    )


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
