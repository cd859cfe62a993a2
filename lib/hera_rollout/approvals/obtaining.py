"""From what is asked for to a decision: what the state remembers, then file or parameter, then the buttons."""

from __future__ import annotations

from datetime import UTC, datetime

from hera_rollout.approvals import asking, files, keeping
from hera_rollout.approvals.documents import Approval, Wanted
from hera_rollout.approvals.judging import Decision, decide
from hera_rollout.errors import Refused
from hera_rollout.state import State


async def obtained(
    wanted: Wanted, *, source: str = "", state: State | None = None, seconds: float | None = None
) -> Decision:
    """Get a decision, keep it in the state and show it in the record.

    Args:
        wanted: what is asked for.
        source: the notebook's parameter: a file's path or an approval as JSON; empty for none.
        state: the rollout's; None where nothing is remembered.
        seconds: how long the buttons stand there; until somebody answers, if none are given.

    Raises:
        Refused: `source` is there and cannot be read.
        Conflicting: Somebody wrote the rollout's state at the same moment.
    """
    known = keeping.recalled(state, wanted) if state else []
    decision = _decision(wanted, [*known, *files.read(source)])
    if decision.approval is None:
        clicked = await asking.asked(wanted, look=lambda: _by_file(wanted, source), seconds=seconds)
        decision = _decision(wanted, [clicked]) if clicked else decision
    if decision.approval is not None:
        if state:
            keeping.keep(state, decision.approval)
        keeping.show(decision.approval)
    return decision


def _decision(wanted: Wanted, given: list[Approval]) -> Decision:
    return decide(wanted, given, datetime.now(UTC))


def _by_file(wanted: Wanted, source: str) -> Approval | None:
    """An approval that somebody else wrote meanwhile; a file that is being written is looked at again."""
    try:
        return _decision(wanted, files.read(source)).approval
    except Refused:
        return None
