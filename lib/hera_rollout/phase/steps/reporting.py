"""The rollout's end: what the developers say, and all of its records in one timeline beside the guide's."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import pandas as pd

from hera_rollout import display, records
from hera_rollout.gates import judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.cleaning import given
from hera_rollout.phase.steps.entering import folder
from hera_rollout.production.judging import span
from hera_rollout.records import Record

EXPERIENCE: Final = "developer experience"
GUIDE: Final = {
    "01_dev_testing": "1-2 days",
    "02_staging": "2-3 days",
    "03_canary": "3-5 days",
    "04_production": "1 day",
    "05_cleanup": "1-2 days",
}
"""The guide's durations."""


def developer_experience(phase: Phase) -> None:
    """Ask for the team's own word: no tool measures it. Unasked is HOLD."""
    said = given(phase).experience.strip()
    phase.check(judge(
        name=EXPERIENCE, rule=rules.holds if said else rules.withheld,
        evidence={"holds": True, "said": said, "by": phase.parameters.who()},
        seen=f"{phase.parameters.who()} reports: {said}" if said else "nobody asked the developers",
        expected="the developers' answer, with who gave it", limit_source="guide",
        why="The guide counts it among the measures of success.",
        todo="" if said else "Ask the team, then give its answer as parameter experience.",
    ))  # fmt: skip


def final_report(phase: Phase) -> None:
    """Every live record of this rollout: when, by whom, how it ended; incidents and what was learned from them.

    Records of every rollout of this target's Deployment are taken: a rollout may have had several ids.
    """
    mine = [one for one in records.find(folder(phase)) if _of(one, phase)]
    mine.sort(key=lambda one: str(one.data["started"]))
    display.table(pd.DataFrame([_row(one) for one in mine]), "The rollout, record by record", command="")
    display.table(_timeline(mine), "The timeline beside the guide's", command="")
    incidents = [_incident(one) for one in mine if one.verdict in ("FAIL", "REFUSED")]
    display.table(pd.DataFrame(incidents, columns=["when (UTC)", "phase", "what was seen", "what to do about it"]),
                  "Incidents, and what was learned from them", command="")  # fmt: skip


def _of(record: Record, phase: Phase) -> bool:
    data = record.data
    same = (data["target"] or {}).get("deployment") == phase.target.deployment
    return same and not data["parameters"].get("dry_run", True)


def _row(record: Record) -> dict[str, Any]:
    data = record.data
    began, ended = (datetime.fromisoformat(data[name]) for name in ("started", "ended"))
    return {
        "phase": data["notebook"], "rollout": data["rollout"], "began (UTC)": f"{began:%Y-%m-%d %H:%M}",
        "took": span((ended - began).total_seconds()), "verdict": record.verdict, "by": data["operator"],
        "checks": len(data["checks"]), "approvals": len(data["approvals"]), "seal": str(data["seal"])[:12],
    }  # fmt: skip


def _timeline(mine: list[Record]) -> pd.DataFrame:
    """From a phase's first run to the end of its last, beside the guide's duration."""
    rows = []
    for notebook, guide in GUIDE.items():
        runs = [one for one in mine if one.data["notebook"] == notebook]
        if not runs:
            rows.append({"phase": notebook, "runs": 0, "from first to last": "no record", "the guide's": guide})
            continue
        began = min(datetime.fromisoformat(one.data["started"]) for one in runs)
        ended = max(datetime.fromisoformat(one.data["ended"]) for one in runs)
        rows.append({"phase": notebook, "runs": len(runs), "from first to last": span((ended - began).total_seconds()),
                     "the guide's": guide})  # fmt: skip
    return pd.DataFrame(rows)


def _incident(record: Record) -> tuple[str, str, str, str]:
    failed = [one for one in record.data["checks"] if one["verdict"] == "FAIL"]
    seen = "; ".join(f"{one['name']}: {one['seen']}" for one in failed) or str(record.data["reason"])
    return str(record.data["started"])[:16], record.data["notebook"], seen, "; ".join(
        one["todo"] for one in failed if one["todo"])  # fmt: skip
