"""Which path made each workflow, and whether anyone could tell. A flag that says on is never evidence."""

from collections import Counter
from typing import Any

import pandas as pd

from hera_rollout import backend, display
from hera_rollout.backend import ScenarioResult
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase

NOTHING_MADE = "no scenario ran in this run, so there is nothing to show"


def provenance(phase: Phase) -> None:
    """Show which path made each workflow of this run, and how we know; check it against the path expected."""
    made = [(side, result) for side in ("yaml", "hera") for result in phase.memory.get(side, [])]
    if not made:
        display.note(f"Provenance: {NOTHING_MADE}")
        return
    frame = provenance_frame(made)
    command = f"kubectl get workflows -n {phase.target.namespace} -L hera-rollout/path"
    display.table(frame, "Which path made each workflow", command=command)
    phase.check(provenance_check(frame, _import_hint(phase)))


def provenance_frame(made: list[tuple[str, ScenarioResult]]) -> pd.DataFrame:
    """One row a workflow: ``made`` pairs each result with the path it was expected by."""
    return pd.DataFrame(
        [
            {
                "flag": "on" if side == "hera" else "off",
                "workflow": name,
                "path": result.path or "none",
                "how we know": result.provenance,
                "expected": side,
            }
            for side, result in made
            for name in result.workflows
        ],
        columns=["flag", "workflow", "path", "how we know", "expected"],
    )


def provenance_check(frame: pd.DataFrame, hint: str) -> Check:
    """FAIL for any workflow by the other path or with label against manifest; HOLD where nothing proves the path."""
    rows = display.rows(frame)
    on = [row["path"] for row in rows if row["flag"] == "on"]
    told = [f"{count} of {len(on)} made with the flag on carry path={path}" for path, count in Counter(on).items()]
    wrong = [row["workflow"] for row in rows if rules.misplaced(row)][:3]
    return judge(
        name="provenance",
        rule=rules.provenance,
        evidence={"workflows": rows},
        seen=(", ".join(told) or "no workflow was made with the flag on")
        + (f" (such as {', '.join(wrong)})" if wrong else ""),
        expected="path=hera on every workflow made with the flag on, path=yaml before; label and manifest agree",
        limit_source="kit",
        why=f"The backend may run YAML without saying so; going on from here would prove nothing about Hera.{hint}",
        todo="Fix what keeps the Hera path from running in the image (guide: Workflows not creating), then run this "
        "notebook again. Nothing to roll back.",
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
    pairs = [(before[name], after[name]) for name in before if name in after]
    if not pairs:
        display.note(f"Parity: {NOTHING_MADE}")
        return
    frame = pd.DataFrame(
        {
            "scenario": [one.name for one, _ in pairs],
            "yaml_seconds": [one.seconds for one, _ in pairs],
            "hera_seconds": [other.seconds for _, other in pairs],
        }
    )
    display.durations_by_path(frame)
    phase.check(parity_check(pairs))


def parity_check(pairs: list[tuple[ScenarioResult, ScenarioResult]]) -> Check:
    """The same result and the same output, scenario by scenario; times of one run a path are no evidence."""
    evidence: dict[str, Any] = {
        "pairs": [
            {"name": one.name, "before": [one.passed, one.seen], "after": [other.passed, other.seen]}
            for one, other in pairs
        ],
        "every": list(backend.SCENARIOS),
    }
    differing = [pair["name"] for pair in evidence["pairs"] if pair["before"] != pair["after"]]
    named = f"; differing: {', '.join(differing)}" if differing else ""
    return judge(
        name="parity",
        rule=rules.parity,
        evidence=evidence,
        seen=f"{len(pairs) - len(differing)} of {len(pairs)} scenarios: same result and output by both paths{named}",
        expected=f"all {len(backend.SCENARIOS)} the same; times are shown, not judged, from one run a path",
        why="A user must not be able to tell which path ran a task.",
        todo="Compare the two rows in the tables above; phase 2 compares the manifests.",
    )
