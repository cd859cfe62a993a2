"""An approval in the rollout's state and in the record, so that it is known tomorrow and to somebody else."""

from __future__ import annotations

from hera_rollout import display
from hera_rollout import state as states
from hera_rollout.approvals.documents import Approval, Wanted
from hera_rollout.state import State


def keep(state: State, approval: Approval) -> None:
    """Into the rollout's state; one that is there already is fine, and a decline is not kept.

    Raises:
        Conflicting: Somebody wrote the state at the same moment; it has been read afresh.
    """
    entry = states.Approval(
        at=approval.at, by=approval.approver, rollout=approval.rollout, phase=approval.phase, rung=approval.rung,
        reason=f"{approval.what}: {approval.reason}" if approval.what else approval.reason,
        code_revision=approval.code_revision,
    )  # fmt: skip
    if not approval.declined and entry not in state.facts.approvals:
        state.approved(entry)


def recalled(state: State, wanted: Wanted) -> list[Approval]:
    """What the state remembers of this rung since `wanted.since`: a resumed run does not ask again.

    Only rungs: the state has no field for anything else that may be approved. When it would have expired is not
    remembered either: it was in time when it was kept, and a rung stands for longer.
    """
    if wanted.rung is None:
        return []
    return [
        Approval(
            approver=one.by,
            reason=one.reason,
            rollout=one.rollout,
            phase=one.phase,
            rung=one.rung,
            at=one.at,
            code_revision=one.code_revision,
        )
        for one in state.facts.approvals
        if one.rung == wanted.rung and one.reason and (wanted.since is None or one.at >= wanted.since)
    ]


def show(approval: Approval) -> None:
    """Into the cell's output, from where the record takes it."""
    did = "Declined" if approval.declined else "Approved"
    subject = approval.what or f"rung {approval.rung:g} %"
    display.note(
        f"{did} by {approval.approver} at {approval.at:%Y-%m-%d %H:%M:%S %Z}: {subject}. {approval.reason}",
        kind="approval",
        evidence={"approval": approval.plain()},
    )
