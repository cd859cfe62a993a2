"""The rollout's end: what the developers say, and all of its records in one timeline beside the guide's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd

from hera_rollout import display, records
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.cleaning import given
from hera_rollout.phase.steps.entering import folder
from hera_rollout.production.judging import span
from hera_rollout.records import Record

EXPERIENCE, REPORT = "developer experience", "final report"
GUIDE: Final = {
    "01_dev_testing": "1-2 days",
    "02_staging": "3-5 days",
    "03_canary": "5-7 days",
    "04_production": "ongoing monitoring",
    "05_cleanup": "1-2 days",
}
"""The guide's durations."""
OPTIONAL: Final = frozenset({"03_canary"})
"""What the guide calls optional."""
INCIDENTS: Final = frozenset({"FAIL", "REFUSED", "BROKEN"})
Faults = Mapping[str, Sequence[str]]
"""Of each record, by its folder's name, what is not as it was kept."""


def developer_experience(phase: Phase) -> None:
    """Take down the team's own word, and whose it is: no tool measures it. Unasked is HOLD."""
    asked = given(phase)
    phase.check(experience_check(asked.experience.strip(), asked.asked.strip(), phase.parameters.who()))


def experience_check(said: str, by: str, operator: str) -> Check:
    """PASS for an answer with a name; what it says is shown, and not judged."""
    there = bool(said and by)
    missing = "who of them said so is not named" if said else "nobody asked the developers"
    return judge(
        name=EXPERIENCE, rule=rules.holds if there else rules.withheld,
        evidence={"holds": there, "said": said, "by": by, "operator": operator},
        seen=f"{by} says: {said} (taken down by {operator})" if there else missing,
        expected="the developers' answer, and the name of who gave it", limit_source="guide",
        why="The guide counts it among the measures of success, and nothing else can tell it.",
        todo="" if there else "Ask the team, then give the answer as parameter experience, and its author as asked.",
    )  # fmt: skip


def final_report(phase: Phase) -> None:
    """Every live record of this Deployment's rollout: timeline, evidence, incidents, and what was learned.

    The id does not matter: a rollout may have had several.

    Raises:
        PhaseFailed: a record is not as it was kept.
    """
    mine = sorted((one for one in records.find(folder(phase)) if belongs(one, phase.target.deployment)),
                  key=lambda one: str(one.data["began"]))  # fmt: skip
    faults = {one.folder.name: list(records.verify(one.folder)) for one in mine}
    where = f"hera-rollout records list --records {folder(phase)}"
    display.table(pd.DataFrame([_row(one, faults) for one in mine]), "The rollout, record by record", command=where)
    display.table(timeline(mine, phase.since), "The timeline beside the guide's", command="")
    display.table(pd.DataFrame(evidence(mine, faults)), "What each phase's word rests on", command="")
    display.table(pd.DataFrame(incidents(mine), columns=["when (UTC)", "phase", "ended", "what was seen",
                  "what was to be done", "what came of it"]), "Incidents", command="")  # fmt: skip
    learned = given(phase).learned.strip()
    nothing = "the team wrote nothing down (parameter learned); the incidents above say what was to be done"
    display.note(f"Learnings, by {phase.parameters.who()}: {learned}" if learned else f"Learnings: {nothing}")
    phase.check(report_check(mine, faults, learned))
    phase.stop_on_fail("The rollout's records cannot be trusted.")


def belongs(record: Record, deployment: str) -> bool:
    """Whether it is of a run that could change something about this Deployment."""
    data = record.data
    return (data["target"] or {}).get("deployment") == deployment and not data["parameters"].get("dry_run", True)


def _span(record: Record) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(record.data["began"]), datetime.fromisoformat(record.data["ended"])


def _passed(record: Record) -> str:
    checks = record.data["checks"]
    return f"{sum(one['verdict'] == Verdict.PASS for one in checks)} of {len(checks)}"


def _seal(record: Record, faults: Faults) -> str:
    wrong = faults.get(record.folder.name)
    return f"✗ {'; '.join(wrong)}" if wrong else f"✓ {str(record.data['seal'])[:12]}"


def _row(record: Record, faults: Faults) -> dict[str, Any]:
    data, (began, ended) = record.data, _span(record)
    return {
        "phase": data["notebook"], "rollout": data["rollout"], "began (UTC)": f"{began:%Y-%m-%d %H:%M}",
        "took": span((ended - began).total_seconds()), "verdict": record.verdict, "by": data["operator"],
        "checks passed": _passed(record), "approved by": ", ".join(sorted({one["approver"]
                                                                           for one in data["approvals"]})),
        "seal": _seal(record, faults),
    }  # fmt: skip


def timeline(mine: Sequence[Record], since: datetime) -> pd.DataFrame:
    """From a phase's first run to the end of its last, beside the guide's duration; this run is still going on.

    Args:
        mine: the records.
        since: when this run began, UTC.
    """
    rows = []
    for notebook, guide in GUIDE.items():
        spans = [_span(one) for one in mine if one.data["notebook"] == notebook]
        if notebook == "05_cleanup":
            spans.append((since, datetime.now(UTC)))
        row = {"phase": notebook, "runs": len(spans), "began (UTC)": "", "from first to last": "no record",
               "the guide's": guide}  # fmt: skip
        if spans:
            began, ended = min(one for one, _ in spans), max(one for _, one in spans)
            row |= {
                "began (UTC)": f"{began:%Y-%m-%d %H:%M}",
                "from first to last": span((ended - began).total_seconds()),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def evidence(mine: Sequence[Record], faults: Faults) -> list[dict[str, str]]:
    """Of each phase before this one the newest record that passed, or that there is none."""
    rows = []
    for notebook in list(GUIDE)[:-1]:
        good = newest(mine, notebook)
        rows.append({
            "phase": notebook, "record": good.folder.name if good else "no record that passed",
            "checks passed": _passed(good) if good else "", "code": str(good.data["code_revision"]) if good else "",
            "seal": _seal(good, faults) if good else "",
        })  # fmt: skip
    return rows


def newest(mine: Sequence[Record], notebook: str) -> Record | None:
    """The newest record of a phase that passed."""
    return next((one for one in reversed(mine) if one.data["notebook"] == notebook and one.verdict == "PASS"), None)


def incidents(mine: Sequence[Record]) -> list[tuple[str, str, str, str, str, str]]:
    """Every run that failed, was refused or broke off: what was seen, what was to be done, and how it went on."""
    return [_incident(one, mine[place + 1 :]) for place, one in enumerate(mine) if one.verdict in INCIDENTS]


def _incident(record: Record, later: Sequence[Record]) -> tuple[str, str, str, str, str, str]:
    failed = [one for one in record.data["checks"] if one["verdict"] == "FAIL"]
    seen = "; ".join(f"{one['name']}: {one['seen']}" for one in failed) or str(record.data["reason"])
    todo = "; ".join(one["todo"] for one in failed if one["todo"]) or str(record.data["next"])
    after = next(
        (one for one in later if one.data["notebook"] == record.data["notebook"] and one.verdict == "PASS"), None
    )
    ended = _span(record)[1]
    came = f"passed {span((_span(after)[1] - ended).total_seconds())} later" if after else "no later run passed"
    return f"{ended:%Y-%m-%d %H:%M}", str(record.data["notebook"]), record.verdict, seen, todo, came


def report_check(mine: Sequence[Record], faults: Faults, learned: str) -> Check:
    """FAIL for a record that is not as it was kept; HOLD where a phase the guide does not call optional has none."""
    changed = {name: list(wrong) for name, wrong in faults.items() if wrong}
    without = [one for one in list(GUIDE)[:-1] if newest(mine, one) is None]
    missing = [one for one in without if one not in OPTIONAL]
    incident = sum(one.verdict in INCIDENTS for one in mine)
    seen = f"{len(mine)} records, {len(mine) - len(changed)} as they were kept; {incident} incidents"
    seen += f"; changed: {', '.join(changed)}" if changed else ""
    seen += f"; no record that passed: {', '.join(without)}" if without else ""
    return judge(
        name=REPORT, rule=rules.holds if changed or not missing else rules.withheld,
        evidence={"holds": not changed and not missing, "records": [one.folder.name for one in mine],
                  "changed": changed, "without": without, "incidents": incident, "learned": learned},
        seen=seen, expected="a record that passed of each phase, every record as it was kept (the canary is optional)",
        limit_source="guide", why="What nobody can look up was not shown.",
        todo="Find out who changed it and why." if changed
        else f"Bring the records of {', '.join(missing)} to this folder (parameter records), or run them." if missing
        else "",
    )  # fmt: skip
