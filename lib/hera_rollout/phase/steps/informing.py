"""Who must know is told: the guide's communication plan, by notices, or by hand where somebody says so."""

from __future__ import annotations

from dataclasses import asdict

from hera_rollout import checklists, display, notify
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.notify import Moment
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.entering import folder


def tell(phase: Phase, moment: Moment) -> None:
    """Send the notice of a moment to whoever must know, and show the guide's communication list for it.

    Raises:
        PhaseOnHold: before the deploy nobody could be told; parameter `told` says who was told by hand.
    """
    lines = checklists.communication(moment)
    notice = notify.notice(moment, _facts(phase), [line.words for line in lines])
    if phase.dry_run:
        display.note(f"Dry run: would send “{notice.title}” to every address in {phase.target.notices.variable}")
        return
    sent = phase.once(f"told {moment}", lambda: [asdict(one) for one in notify.send(phase.target, notice)])
    phase.check(_told(phase, notify.check([notify.Sent(**one) for one in sent], moment, phase.target)))
    heading = f"The guide's communication list, {lines[0].kind}"
    display.table(checklists.frame(lines, phase.checks), heading, command="")
    if moment == "before":
        phase.stop_on_hold("Whoever must know was not told; nothing was changed.")


def _told(phase: Phase, check: Check) -> Check:
    """By notices; where they did not reach everybody, by hand if somebody says so."""
    by_hand = str(phase.parameters.model_dump().get("told") or "").strip()
    if check.verdict is Verdict.PASS or not by_hand:
        return check
    return judge(name=check.name, rule=rules.holds,
                 evidence={"holds": True, "by_hand": by_hand, "by": phase.parameters.who(), "notices": check.evidence},
                 seen=f"{phase.parameters.who()} says who was told by hand: {by_hand} ({check.seen})",
                 expected=check.expected, limit_source="kit", why=check.why)  # fmt: skip


def _facts(phase: Phase) -> notify.Facts:
    made = [check for check in phase.checks.values() if check.verdict is Verdict.FAIL]
    return notify.Facts(
        rollout=phase.rollout, target=phase.target.title or phase.target.name, phase=phase.notebook,
        who=phase.parameters.who(), verdict="FAIL" if made else "",
        status=f"{made[0].name}: {made[0].seen}" if made else phase.remark,
        record=str(folder(phase) / phase.rollout),
        rollback=f"hera-rollout rollback --target {phase.parameters.target} --yes",
    )  # fmt: skip
