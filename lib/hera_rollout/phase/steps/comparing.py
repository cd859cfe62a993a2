"""The two paths' workflows compared: what was submitted, what is stored, and how it ran."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Final

import pandas as pd
import yaml

from hera_rollout import display, equivalence
from hera_rollout.answers import plain
from hera_rollout.equivalence import Difference, schemas
from hera_rollout.equivalence.schemas import Schema
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.alternating import WINDOWS
from hera_rollout.phase.steps.following import Row
from hera_rollout.target import Accepted

MOST_DIFFERENCES: Final = 40
"""Differences that go into a record for one pair; more of the same would hide the first."""


@dataclass(frozen=True)
class Pair:
    """One task's run by each path."""

    name: str
    task: str
    yaml: str
    hera: str
    runs: tuple[int, int]


def pairs(phase: Phase) -> Iterator[Pair]:
    """Each shape that was run once by each path, as two runs of one task."""
    made: dict[str, dict[str, Row]] = {"yaml": {}, "hera": {}}
    for window in phase.memory.get(WINDOWS, []):
        for row in window.get("shapes", []):
            made[row["path"]][row["shape"]] = row
    for shape, ours in made["yaml"].items():
        theirs = made["hera"].get(shape, {"task": "", "workflow": "", "run": 0})
        yield Pair(shape, ours["task"] or theirs["task"], ours["workflow"], theirs["workflow"],
                   (ours["run"], theirs["run"]))  # fmt: skip


def manifests(phase: Phase) -> None:
    """Compare what each path submitted, and what of it is stored, by the cluster's own schema."""
    found = list(pairs(phase))
    if phase.dry_run or not found:
        display.note("Manifests: nothing was run by both paths, so there is nothing to compare")
        return
    schema = schema_of(phase)
    rows = [_guarded(pair, lambda pair=pair: _manifests(phase, pair, schema)) for pair in found]
    _show(rows, "Manifests: the YAML path's against the Hera path's", phase)
    used = pd.DataFrame([rule for row in rows for rule in row["rules"]], columns=["rule", "reason", "source"])
    display.table(used.drop_duplicates("rule"), "Rules by which a difference means nothing", command="", folded=True)
    phase.check(equivalence_check("manifests", rows, "manifests", "means the same by both paths"))


def executions(phase: Phase) -> None:
    """Compare how each pair ran: nodes, ends, outputs, exit codes, logs."""
    found = list(pairs(phase))
    if phase.dry_run or not found:
        display.note("Runs: nothing was run by both paths, so there is nothing to compare")
        return
    rows = [_guarded(pair, lambda pair=pair: _runs(phase, pair)) for pair in found]
    _show(rows, "Runs: what each path's workflow did", phase)
    phase.check(equivalence_check("runs", rows, "runs", "did the same by both paths"))


def schema_of(phase: Phase) -> Schema:
    """The cluster's own, if its CRDs are full; else the pinned Argo version's."""
    try:
        document = phase.cluster.connection.get("/openapi/v3/apis/argoproj.io/v1alpha1")
    except RolloutError:
        return schemas.bundled()
    return schemas.of_openapi(document, "the cluster's CRDs") or schemas.bundled()


def _guarded(pair: Pair, compare: Any) -> Row:
    """One pair's row; a pair that cannot be compared is told, and is never "same"."""
    row: Row = {"name": pair.name, "yaml": pair.yaml, "hera": pair.hera, "compared": False, "documents": [], "why": "",
                "differences": [], "left_out": 0, "harmless": 0, "rules": []}  # fmt: skip
    if not (pair.yaml and pair.hera):
        return {**row, "why": "one path made no workflow"}
    try:
        made: Row = compare()
    except RolloutError as error:
        return {**row, "why": error.seen}
    return row | made


def _manifests(phase: Phase, pair: Pair, schema: Schema) -> Row:
    """Both what the backend keeps of its submission, where it keeps any, and what the cluster stores."""
    stored = [phase.workflows.get(name) for name in (pair.yaml, pair.hera)]
    sides = {"as stored": stored}
    kept = [_kept(phase, pair.task, run) for run in pair.runs]
    if all(kept):
        sides["as submitted"] = [document for document in kept if document]
    differences: list[Difference] = []
    rules_used: dict[str, equivalence.Rule] = {}
    for what, (one, other) in sides.items():
        found = equivalence.compare(one, other, schema=schema, namespace=phase.target.namespace)
        differences += [replace(one, path=f"{one.path} ({what})") for one in found.differences]
        rules_used |= {rule.name: rule for rule in found.rules_used}
    shown = [{"rule": rule.name, "reason": rule.reason, "source": rule.source} for rule in rules_used.values()]
    return {**mattering(differences, phase.target.accepted), "documents": list(sides), "rules": shown,
            "compared": True}  # fmt: skip


def _kept(phase: Phase, task: str, run: int) -> dict[str, Any] | None:
    """What the backend submitted for a run, by its own word; a backend without that route keeps none."""
    try:
        text = str(phase.backend.template(task, run).get("yaml") or "")
    except Missing:
        return None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RolloutError(f"what the backend keeps of run {run} of {task} is no YAML: {plain(str(error))}") from None
    return document if isinstance(document, dict) else None


def _runs(phase: Phase, pair: Pair) -> Row:
    documents = [phase.workflows.get(name) for name in (pair.yaml, pair.hera)]
    logs = [
        {str(node): str(text) for node, text in zip(frame["node"], frame["logs"], strict=True)}
        for frame in (phase.workflows.logs(one) for one in documents)
    ]
    found = equivalence.compare_runs(*documents, *logs)
    row = mattering(list(found.differences), phase.target.accepted)
    return {**row, "documents": [f"{found.nodes} nodes", f"{found.logs} logs"], "compared": True}


def mattering(differences: list[Difference], accepted: tuple[Accepted, ...]) -> Row:
    """Those that matter, with who accepted them, and how many others there are; what nobody accepted is never cut."""
    matter = [
        {**one.as_json(), "yaml": plain(str(one.yaml), 200), "hera": plain(str(one.hera), 200),
         "accepted": acceptance(one.path, accepted)}
        for one in differences if not one.harmless
    ]  # fmt: skip
    matter.sort(key=lambda one: bool(one["accepted"]))
    return {"differences": matter[:MOST_DIFFERENCES], "left_out": len(matter[MOST_DIFFERENCES:]),
            "harmless": len(differences) - len(matter)}  # fmt: skip


def acceptance(path: str, accepted: tuple[Accepted, ...]) -> str:
    """Who accepted a difference at a place and why; empty if nobody did."""
    place = path.partition(" (")[0]
    for one in accepted:
        pattern = "".join("[[]" if sign == "[" else sign for sign in one.path)  # a bracket is one, not a set
        if fnmatchcase(place, pattern):
            return f"{one.approver}: {one.reason}"
    return ""


def _show(rows: list[Row], title: str, phase: Phase) -> None:
    """A table to scan, and every difference that matters below it, folded."""
    summary = pd.DataFrame([_line(row) for row in rows])
    command = f"hera-rollout diff --live --target {phase.parameters.target} YAML_WORKFLOW HERA_WORKFLOW"
    display.table(summary, title, command=command)
    detail = [{"scenario": row["name"], **difference} for row in rows for difference in row["differences"]]
    columns = ["scenario", "path", "severity", "op", "yaml", "hera", "rule", "accepted"]
    if detail:
        display.table(pd.DataFrame(detail)[columns].rename(columns={"rule": "why"}), "Differences that matter",
                      command="", folded=True)  # fmt: skip


def _line(row: Row) -> Row:
    open_ = [one for one in row["differences"] if not one["accepted"]]
    result = "… not compared" if not row["compared"] else "✗ differ" if open_ else "✓ same"
    return {
        "scenario": row["name"], "result": result, "yaml": row["yaml"], "hera": row["hera"],
        "compared": ", ".join(row["documents"]) or row["why"], "matter": len(open_),
        "accepted": len(row["differences"]) - len(open_), "by rule": row["harmless"],
    }  # fmt: skip


def equivalence_check(name: str, rows: list[Row], what: str, means: str) -> Check:
    """FAIL for a difference that matters and nobody accepted; HOLD where one pair could not be compared."""
    left = [(row["name"], one) for row in rows for one in row["differences"] if not one["accepted"]]
    taken = sum(bool(one["accepted"]) for row in rows for one in row["differences"])
    compared = sum(row["compared"] for row in rows)
    first = "; ".join(f"{pair}: {one['path']} ({one['severity']}, {one['op']})" for pair, one in left[:3])
    missing = "; ".join(f"{row['name']}: {row['why']}" for row in rows if not row["compared"])
    stored = [row["name"] for row in rows if row["documents"] == ["as stored"]]
    return judge(
        name=name,
        rule=rules.equivalent,
        evidence={"pairs": [{**row, "rules": [rule["rule"] for rule in row["rules"]]} for row in rows]},
        seen=f"{compared} of {len(rows)} pairs of {what} compared; {len(left)} differences matter"
        + (f", {taken} more are accepted by the target" if taken else "")
        + (f": {first}" if first else "")
        + (f". Not compared: {missing}" if missing else "")
        + (f". As stored only, without what the servers drop unseen: {', '.join(stored)}" if stored else ""),
        expected=f"every pair compared, and each {means}",
        limit_source="kit" if not taken else "target",
        why="A user must not be able to tell which path ran a task.",
        todo="Mend the path that is wrong (either may be), or accept the difference in the target: [[accepted]] with "
        "path, approver and reason." if left else "See why it could not be compared.",
    )  # fmt: skip


def evidence_after_cancel(phase: Phase) -> None:
    """Check that a cancelled workflow and its logs can still be read, by either path."""
    made = [(path, result) for path in ("yaml", "hera") for result in phase.memory.get(path, [])
            if result.name == "cancel" and result.workflows]  # fmt: skip
    if phase.dry_run or not made:
        display.note("Evidence after cancel: nothing was cancelled in this run")
        return
    rows = [_left(phase, path, result.workflows[0]) for path, result in made]
    display.table(pd.DataFrame(rows), "What is left of the cancelled workflows")
    lost = [row for row in rows if row["problem"]]
    phase.check(
        judge(
            name="evidence after cancel",
            rule=rules.holds,
            evidence={"holds": not lost, "rows": rows},
            seen=f"{len(rows) - len(lost)} of {len(rows)} cancelled workflows can still be read, with their logs"
            + (f"; {lost[0]['workflow']}: {lost[0]['problem']}" if lost else ""),
            expected="workflow and logs of each, on the cluster or in the archive and the database",
            limit_source="kit",
            why="What was cancelled is what somebody will ask about.",
            todo="Cancel by stopping the workflow (spec.shutdown), never by deleting it." if lost else "",
        )
    )


def _left(phase: Phase, path: str, name: str) -> Row:
    row: Row = {"path": path, "workflow": name, "phase": "", "message": "", "log lines": 0, "problem": ""}
    try:
        document = phase.workflows.get(name)
        status = document.get("status") or {}
        labels = document["metadata"].get("labels") or {}
        entries = phase.backend.logs(str(labels.get("hera-rollout/task", "")))
    except RolloutError as error:
        return {**row, "problem": error.seen}
    lines = sum(len(str(entry.get("logs", "")).splitlines()) for entry in entries)
    row |= {"phase": status.get("phase", ""), "message": status.get("message", ""), "log lines": lines}
    return {**row, "problem": "" if lines else "its logs are lost"}
