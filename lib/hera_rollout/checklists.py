"""The guide's checklists as data: each line in its own words, with the evidence that ticks it.

A line is ticked by a check of the run, or by hand where no evidence can exist (somebody was told something). A line
that nobody and nothing ticked stays open, and is shown as open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from hera_rollout.gates import Check, Verdict

Kind = Literal["functional", "integration", "comparison", "application", "workflow", "infrastructure", "logs",
               "before rollout", "during rollout", "after rollout"]  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a checklist.

    Attributes:
        kind: the list it stands in, as the guide heads it.
        words: the guide's words.
        checks: names of the checks that tick it, all of them; empty where only a person can.
    """

    kind: Kind
    words: str
    checks: tuple[str, ...] = ()

    @property
    def by_hand(self) -> bool:
        """Whether only a person can tick it."""
        return not self.checks


def _lines(kind: Kind, lines: Mapping[str, tuple[str, ...]]) -> tuple[Line, ...]:
    """The lines of one list."""
    return tuple(Line(kind, words, checks) for words, checks in lines.items())


TESTING: Final = (
    *_lines(
        "functional",
        {
            "Simple workflow (no dependencies)": ("scenario simple",),
            "Workflow with dependencies": ("scenario dependencies",),
            "Workflow with requirements file": ("scenario requirements",),
            "Workflow rerun": ("scenario rerun",),
            "Workflow cancellation": ("scenario cancel",),
            "Workflow deletion": ("scenario delete",),
        },
    ),
    *_lines(
        "integration",
        {
            "API endpoint responses": ("integration api",),
            "Database operations": ("integration database",),
            "Kubernetes workflow creation": ("integration kubernetes",),
            "Log retrieval": ("integration logs",),
            "WebSocket connections": ("integration websocket",),
        },
    ),
    *_lines(
        "comparison",
        {
            "Workflow YAML structure": ("manifests",),
            "Workflow execution results": ("runs",),
            "Performance metrics": ("execution times", "response times"),
            "Resource usage": ("cpu", "memory"),
        },
    ),
)
MONITORING: Final = (
    *_lines(
        "application",
        {
            "Error rates (should remain stable)": ("error rate",),
            "Response times (should not increase)": ("response times",),
            "Workflow creation success rate": ("creation success",),
            "API endpoint performance": ("endpoint times",),
        },
    ),
    *_lines(
        "workflow",
        {
            "Workflow execution success rate": ("success rate",),
            "Average workflow execution time": ("execution times",),
            "Failed workflow count": ("failed workflows",),
            "Workflow phase distribution": ("phase distribution",),
        },
    ),
    *_lines(
        "infrastructure",
        {
            "CPU usage": ("cpu",),
            "Memory usage": ("memory",),
            "Network traffic": ("network",),
            "Kubernetes resource usage": ("kubernetes resources",),
        },
    ),
    *_lines(
        "logs",
        {
            "Application startup logs": ("startup logs",),
            "Workflow creation logs": ("creation logs",),
            "Error logs": ("error logs",),
            "Warning messages": ("warning logs",),
        },
    ),
)
COMMUNICATION: Final = (
    *_lines(
        "before rollout",
        {
            "Notify team of rollout plan": ("communication: before",),
            "Schedule rollout during low-traffic period": ("change window",),
            "Prepare rollback plan": ("drill on record",),
            "Set up monitoring dashboards": (),
        },
    ),
    *_lines(
        "during rollout",
        {
            "Monitor metrics closely": ("sight",),
            "Communicate status to team": ("communication: during",),
            "Document any issues": ("user-reported issues",),
            "Be ready to rollback": ("drill on record",),
        },
    ),
    *_lines(
        "after rollout",
        {
            "Document results": (),
            "Share learnings with team": (),
            "Update documentation": (),
            "Plan cleanup phase": (),
        },
    ),
)


def communication(moment: str) -> tuple[Line, ...]:
    """The guide's communication list for a moment of the rollout; when it was rolled back, that for during it."""
    kind = f"{'during' if moment == 'rolled back' else moment} rollout"
    return tuple(line for line in COMMUNICATION if line.kind == kind)


def _ticked(line: Line, checks: Mapping[str, Check], by_hand: Mapping[str, str]) -> tuple[str, str]:
    """One line's state and what it rests on."""
    if line.by_hand:
        who = by_hand.get(line.words)
        return (Verdict.PASS.label, f"by hand: {who}") if who else ("☐ open", "by hand, by nobody yet")
    made = [checks[name] for name in line.checks if name in checks]
    if len(made) < len(line.checks):
        return "☐ open", f"not checked: {', '.join(name for name in line.checks if name not in checks)}"
    worst = min(made, key=lambda check: ["FAIL", "HOLD", "PASS"].index(check.verdict))
    return worst.verdict.label, worst.seen


def frame(lines: Iterable[Line], checks: Mapping[str, Check], by_hand: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A checklist as a table: the list, the guide's words, the state, what it rests on.

    Args:
        lines: which lines.
        checks: the run's checks, by name.
        by_hand: who ticked a line that only a person can tick, by the guide's words.
    """
    rows = [(line.kind, line.words, *_ticked(line, checks, by_hand or {})) for line in lines]
    return pd.DataFrame(rows, columns=["list", "the guide's words", "state", "by what"])
