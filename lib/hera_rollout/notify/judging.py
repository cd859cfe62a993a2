"""Whether those who must know were told, as a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from hera_rollout.gates import Check, judge, rules
from hera_rollout.notify.notices import Moment
from hera_rollout.notify.results import Sent
from hera_rollout.target import Target


def check(sent: Sequence[Sent], moment: Moment, target: Target) -> Check:
    """PASS if every address took the notice; HOLD if there is none, or one did not. Its evidence holds no address.

    Args:
        sent: of :func:`hera_rollout.notify.send`.
        moment: of the rollout; it names the check.
        target: names the variable to look at where nobody was told.
    """
    failed = [one for one in sent if not one.sent]
    told = bool(sent) and not failed
    return judge(
        name=f"communication: {moment}",
        rule=rules.holds if told else rules.withheld,
        evidence={"holds": told, "moment": moment, "sent": [asdict(one) for one in sent]},
        seen=_seen(sent, failed, target.notices.variable),
        expected="every configured address takes the notice, and there is at least one",
        why="Who is not told cannot object, watch, or help.",
        todo="" if told else _todo(sent, target.notices.variable),
        limit_source="kit",
    )


def _seen(sent: Sequence[Sent], failed: Sequence[Sent], variable: str) -> str:
    if not sent:
        return f"nobody was told: {variable} names no address"
    if not failed:
        return f"taken by {', '.join(one.name for one in sent)}"
    reasons = "; ".join(f"{one.name}: {one.why}" for one in failed)
    return f"{len(sent) - len(failed)} of {len(sent)} addresses took it; {reasons}"


def _todo(sent: Sequence[Sent], variable: str) -> str:
    if not sent:
        return f"Put Apprise addresses into the environment variable {variable}, or tell them by hand and note it."
    return (
        f"Correct the address in {variable} or see to the service, and send it again; or tell them by hand and note it."
    )
