"""A decision over what was given: the check, and what to do where nobody approved. Pure but for the moment given."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hera_rollout.approvals.documents import Approval, Wanted
from hera_rollout.gates import Check, Verdict, approving
from hera_rollout.gates.rules import judge

MOST_TOLD: Final = 3
"""So many approvals that do not count are told; the evidence has all of them, up to MOST_KEPT."""
MOST_KEPT: Final = 20


@dataclass(frozen=True)
class Decision:
    """What came of it.

    Attributes:
        check: PASS, or HOLD with the command that approves.
        approval: the approval or the decline that decided; None if none counts.
    """

    check: Check
    approval: Approval | None = None

    @property
    def approved(self) -> bool:
        """Whether to go on."""
        return self.check.verdict is Verdict.PASS

    @property
    def declined(self) -> bool:
        """Whether somebody said no."""
        return self.approval is not None and self.approval.declined


def decide(wanted: Wanted, given: Sequence[Approval], now: datetime) -> Decision:
    """Judge what was given against what is asked for.

    Args:
        wanted: what is asked for.
        given: from wherever; the newest that counts decides.
        now: the moment, with its offset.
    """
    asked = wanted.asked(now)
    documents = [one.plain() for one in given][-MOST_KEPT:]
    found = approving.deciding(documents, asked)
    check = judge(
        name=f"approval: {wanted.title}",
        rule=approving.approved,
        evidence={"asked": asked, "given": documents},
        seen=_seen(wanted, documents, asked, found),
        expected=f"a named person's approval of {wanted.subject}, with a reason",
        limit_source="kit",
        why="What comes next changes what users get: somebody must have said yes to just this.",
        todo=_todo(wanted, found),
    )
    return Decision(check, Approval.model_validate(found) if found else None)


def command(wanted: Wanted) -> str:
    """The command that approves it; the approver's name and the reason are to be filled in, and are refused as "…"."""
    subject = ["--rung", f"{wanted.rung:g}"] if wanted.rung is not None else ["--what", wanted.what]
    words = ["--rollout", wanted.rollout, "--phase", wanted.phase, *subject]
    words += ["--code-revision", wanted.code_revision] if wanted.code_revision else []
    return f'hera-rollout approve {shlex.join(words)} --file {shlex.quote(file_of(wanted))} --by "…" --reason "…"'


def file_of(wanted: Wanted) -> str:
    """Where approvals of this rollout are read from and written to."""
    return wanted.file or f"approvals/{wanted.rollout}.toml"


def _seen(
    wanted: Wanted, given: Sequence[dict[str, Any]], asked: dict[str, Any], found: approving.Document | None
) -> str:
    if found is not None:
        did = "declined" if found["declined"] else "approved"
        same = " (who also runs this)" if approving.same_person(found, asked) else ""
        at = datetime.fromisoformat(found["at"])
        return f"{wanted.subject} {did} by {found['approver']}{same} at {at:%Y-%m-%d %H:%M:%S %Z}: {found['reason']}"
    if not given:
        return f"nobody has approved {wanted.subject}"
    told = [f"{one['approver']}'s: {'; '.join(approving.faults(one, asked))}" for one in reversed(given)]
    rest = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return f"of {len(given)} approvals given none counts: {'; '.join(told[:MOST_TOLD])}{rest}"


def _todo(wanted: Wanted, found: approving.Document | None) -> str:
    if found is not None and not found["declined"]:
        return ""
    with_file = "" if wanted.file else f" with -p approval {shlex.quote(file_of(wanted))}"
    talk = f"Talk to {found['approver']}, who declined. " if found is not None else ""
    return f"{talk}To approve: {command(wanted)}; then run this again{with_file}."
