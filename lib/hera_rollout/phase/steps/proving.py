"""Which path made each workflow, and whether anyone could tell. A flag that says on is never evidence."""

from collections import Counter

import pandas as pd

from hera_rollout import backend, display
from hera_rollout.backend import ScenarioResult
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, Verdict
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
    other = (frame["path"] != frame["expected"]) & (frame["path"] != "none")
    wrong = frame[other | (frame["how we know"] == "contradicted")]
    unproven = frame[~frame["how we know"].isin(["proven", "contradicted"])]
    on = frame[frame["flag"] == "on"]
    told = [
        f"{count} of {len(on)} made with the flag on carry path={path}" for path, count in Counter(on["path"]).items()
    ]
    examples = f" (such as {', '.join(wrong['workflow'].head(3))})" if len(wrong) else ""
    return Check(
        name="provenance",
        verdict=Verdict.FAIL if len(wrong) else Verdict.HOLD if len(unproven) or on.empty else Verdict.PASS,
        seen=(", ".join(told) or "no workflow was made with the flag on") + examples,
        expected="path=hera on every workflow made with the flag on, path=yaml before; label and manifest agree",
        limit_source="kit",
        why=f"The backend may run YAML without saying so; going on from here would prove nothing about Hera.{hint}",
        todo="Fix what keeps the Hera path from running in the image (guide: Workflows not creating), then run this "
        "notebook again. Nothing to roll back.",
        evidence={"workflows": display.rows(frame)},
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
    every = len(backend.SCENARIOS)
    differing = [one.name for one, other in pairs if (one.passed, one.seen) != (other.passed, other.seen)]
    named = f"; differing: {', '.join(differing)}" if differing else ""
    same = f"{len(pairs) - len(differing)} of {len(pairs)}"
    return Check(
        name="parity",
        verdict=Verdict.FAIL if differing else Verdict.PASS if len(pairs) == every else Verdict.HOLD,
        seen=f"{same} scenarios had the same result and output by both paths{named}",
        expected=f"all {every} the same; times are shown, not judged, from one run a path",
        why="A user must not be able to tell which path ran a task.",
        todo="Compare the two rows in the tables above; phase 2 compares the manifests.",
        evidence={"differing": differing, "compared": [one.name for one, _ in pairs]},
    )
