"""The canary's gates over all rungs, when a rung may be left, and when the ladder is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from hera_rollout.canary.evidence import Ladder, Rung
from hera_rollout.gates import (
    Check,
    NoIncrease,
    NotSlower,
    SampleRatio,
    SuccessRate,
    Verdict,
    alpha,
    judge,
    look,
    rules,
    rung,
)
from hera_rollout.gates.assessments import amount
from hera_rollout.gates.rung import LADDER, Minimum
from hera_rollout.target import Limits

SUCCESS: Final = "success rate"
EXECUTION, RESPONSE = "execution times", "response times"
ERRORS, LOGS = "error rate", "log errors"
SPLIT: Final = "sample ratio"
GATES: Final = (SUCCESS, EXECUTION, RESPONSE, ERRORS, LOGS, SPLIT)
COMPARED: Final = (EXECUTION, RESPONSE)
"""They need both paths, so they must have decided before the last rung, where no YAML is left."""
PLACED: Final = "as the split says"


def success_gate(limits: Limits) -> SuccessRate:
    """The success gate as the target configures it: what is rehearsed is what judges."""
    share = alpha.split(GATES, total=limits.alpha)[SUCCESS]
    return SuccessRate(limit=1 - limits.success_rate_min, alpha=share)


def checks(ladder: Ladder, limits: Limits, per_second: float = 0.0) -> list[Check]:
    """Every gate once, over all rungs so far.

    Args:
        ladder: the evidence.
        limits: the target's.
        per_second: workflows by Hera a second, at the present rate: when a HOLD would decide.
    """
    shares = alpha.split(GATES, total=limits.alpha)

    def slower(name: str) -> NotSlower:
        return NotSlower(increase=limits.slowdown_max, alpha=shares[name], burn_in=limits.burn_in)

    def errors(name: str) -> NoIncrease:
        return NoIncrease(floor=limits.error_rate_max, alpha=shares[name])

    split = SampleRatio(alpha=shares[SPLIT], rungs=len(LADDER), tolerance=limits.split_tolerance)
    sources = {name: limits.source(limit) for name, limit in _LIMITS.items()}
    of: tuple[tuple[str, Any, Any], ...] = (
        (SUCCESS, success_gate(limits), ladder.outcomes),
        (EXECUTION, slower(EXECUTION), ladder.durations),
        (RESPONSE, slower(RESPONSE), ladder.answers),
        (ERRORS, errors(ERRORS), ladder.errors),
        (LOGS, errors(LOGS), ladder.log_errors),
        (SPLIT, split, ladder.shares),
    )
    looks = [
        look(name=name, gate=gate, seen=seen, per_second=per_second, limit_source=sources[name], why=_WHY[name])
        for name, gate, seen in of
    ]
    return [counted_well(check, ladder) for check in looks]


_LIMITS: Final = {
    SUCCESS: "success_rate_min",
    EXECUTION: "slowdown_max",
    RESPONSE: "slowdown_max",
    ERRORS: "error_rate_max",
    LOGS: "error_rate_max",
    SPLIT: "split_tolerance",
}
_WHY: Final = {
    SUCCESS: "A workflow that fails is somebody's lost work.",
    EXECUTION: "Users wait for it.",
    RESPONSE: "Users wait for the answer, too.",
    ERRORS: "Errors that only one path makes are that path's.",
    LOGS: "What goes wrong without failing a request is only in the log.",
    SPLIT: "If the paths do not get the tasks that were planned, the figures compare unlike tasks.",
}


COUNTED: Final = (RESPONSE, ERRORS)
"""Gates that rest on the counters of the service alone."""


def counted_well(check: Check, ladder: Ladder, counted: Sequence[str] = COUNTED) -> Check:
    """A gate's check with what its counters lack: what the service did not count is not shown to have gone well.

    Args:
        check: any gate's.
        ladder: the evidence that it is about.
        counted: the gates that rest on the service's counters alone.
    """
    if check.name == SUCCESS:
        check = accounted(check, ladder)
    service = ladder.service
    if not service["uncounted"] or check.name not in (SUCCESS, *counted):
        return check
    evidence = {**check.evidence, "service": service}
    verdict = rules.RULES[check.rule](evidence)
    seen = amount(service["workflows"] or 0, "workflows")
    lacking = f"{service['uncounted']:,} of {seen} by Hera are not in the service's counter"
    rest = check.seen if verdict is Verdict.FAIL else check.seen.removesuffix("; decided")
    todo = ("See which pods Prometheus does not scrape, whether a container began anew, and whether "
            "backend_workflow_creations_total counts by path and outcome. What was not counted cannot be counted "
            "afterwards: once all is, begin this phase anew.")  # fmt: skip
    return replace(check, verdict=verdict, evidence=evidence, seen=f"{lacking}; {rest}",
                   todo=check.todo if verdict is Verdict.FAIL else todo)  # fmt: skip


def accounted(check: Check, ladder: Ladder) -> Check:
    """The success gate with the service's own count: a workflow that was created and not seen is never taken for good.

    Args:
        check: what the gate says of the workflows that were seen.
        ladder: the evidence that it is about.
    """
    service = ladder.service
    evidence = {**check.evidence, "service": service}
    verdict = rules.RULES[check.rule](evidence)
    created, missing = service["created"], service["unaccounted"]
    measured, _, rest = check.seen.partition("; ")
    open_still = check.seen.removesuffix("; decided") if verdict is Verdict.HOLD else check.seen
    if created is None:
        text = f"{open_still}; not compared with the service's own count: Prometheus has none of all this time"
        todo = "See whether Prometheus scrapes the service's pods and has backend_workflow_creations_total by path."
    elif missing:
        seen, missed = amount(service["workflows"] or 0, "workflows"), f"{missing:,} {'is' if missing == 1 else 'are'}"
        text = (f"{created:,} created by Hera by the service's counter, {seen} seen: {missed} not accounted for; "
                f"{open_still}")  # fmt: skip
        todo = ("Find what took them away before they were seen: tasks that were cancelled or deleted, a TTL without "
                "Argo's archive. How they ended is not known: once workflows stay, begin this phase anew.")  # fmt: skip
    else:
        text, todo = f"{measured}, {created:,} created by Hera by the service's counter; {rest}", check.todo
    return replace(check, verdict=verdict, evidence=evidence, seen=text,
                   todo=check.todo if verdict is Verdict.FAIL else todo)  # fmt: skip


def misplaced(ladder: Ladder) -> Check:
    """FAIL for one workflow by another path than the split says: a silent fallback looks just like this."""
    names = [name for one in ladder.rungs for name in one.misplaced]
    wrong = sum(one.misplaced_count for one in ladder.rungs)
    tasks = sum(one.share.tasks for one in ladder.rungs)
    return judge(
        name=PLACED,
        rule=rules.holds,
        evidence={"holds": not wrong, "misplaced": names, "count": wrong, "tasks": tasks},
        seen=f"{amount(wrong, 'workflows')} by the other path" + (f": {', '.join(names[:3])}" if names else ""),
        expected="every task's workflows by the path that the split gives it at the rung's percentage",
        limit_source="kit",
        why="A backend that falls back to YAML without a word would prove nothing of Hera here.",
        todo="See the backend's log at that time, and which pods report another percentage." if wrong else "",
    )


def left(
    ladder: Ladder, percent: float, made: Iterable[Check], limits: Limits, now: float, *, missing: Sequence[str] = ()
) -> Check:
    """Whether this rung may be left: no FAIL, the target's minimum of evidence, and a newest look that saw everything.

    The sample ratio must have decided, since each rung has its own; and at the last rung that has both paths the
    comparing gates, since at 100 % nothing can be compared. What a left rung lacks cannot be made up for.
    """
    at = ladder.rung(percent)
    verdicts = {check.name: check.verdict.value for check in made}
    minimum = Minimum(workflows=limits.rung_workflows, seconds=limits.rung_seconds)
    asked: dict[str, float] = {"workflows on Hera": minimum.workflows, "seconds": minimum.seconds}
    seen: dict[str, float] = {"workflows on Hera": 0, "seconds": 0}
    if at:
        seen = {"workflows on Hera": at.hera.outcomes.workflows, "seconds": round(at.seconds(now))}
    needed = (*COMPARED, SPLIT) if rung.next_percent(percent) == LADDER[-1] else (SPLIT,)
    asked["gates decided"] = len(needed)
    seen["gates decided"] = sum(verdicts.get(name) == Verdict.PASS.value for name in needed)
    if missing:  # figures of an earlier look say nothing about now
        asked["complete look"], seen["complete look"] = 1, 0
    gaps = rung.missing(asked, seen)
    found = ", ".join(f"{_number(seen[name])} of {_number(asked[name])} {name}" for name in asked)
    failed = [name for name, verdict in verdicts.items() if verdict == Verdict.FAIL.value]
    return judge(
        name=name_of(percent),
        rule=rung.leave_rung,
        evidence={"verdicts": verdicts, "minimum": asked, "seen": seen},
        seen=found
        + (f"; FAIL: {', '.join(failed)}" if failed else "")
        + (f"; not read at the newest look: {'; '.join(missing)}" if missing else ""),
        expected="no gate says FAIL, and the minimum of evidence",
        limit_source=limits.source("rung_workflows"),
        why="A rung is where little is at stake: it is left once it has shown something.",
        todo=_waiting(gaps, at, now) if gaps else "",
    )


def name_of(percent: float) -> str:
    """The check that says whether a rung may be left."""
    return f"rung {percent:g} %"


def concluded(ladder: Ladder, made: Iterable[Check]) -> Check:
    """PASS only if every gate says PASS and the last rung stands."""
    verdicts = {check.name: check.verdict.value for check in made}
    percent = ladder.rungs[-1].percent if ladder.rungs else 0.0
    open_ = [name for name in GATES if verdicts.get(name) != Verdict.PASS.value]
    return judge(
        name="ladder",
        rule=rung.conclude_ladder,
        evidence={"verdicts": verdicts, "asked": list(GATES), "percent": percent},
        seen=f"at {percent:g} %; " + (f"not PASS: {', '.join(open_)}" if open_ else "every gate says PASS"),
        expected="every gate says PASS at 100 %",
        limit_source="kit",
        why="No data is no evidence: what did not fail has not passed yet.",
        todo="Go on at this rung: run this notebook again, it goes on from here." if open_ else "",
    )


def _waiting(gaps: dict[str, float], at: Rung | None, now: float) -> str:
    """What is missing, and for how long at the present rate."""
    told = []
    for name, gap in gaps.items():
        if name == "workflows on Hera" and at:
            rate = (at.hera.outcomes.workflows + at.hera.outcomes.ahead) / max(1.0, at.seconds(now))
            when = f" (about {gap / rate:,.0f} s at the present rate)" if rate else " (never, at the present rate)"
            told.append(f"{_number(gap)} more {name}{when}")
        else:
            told.append(f"{_number(gap)} more {name}")
    return f"Wait for {', '.join(told)}: run this notebook again, it goes on from here."


def _number(value: float) -> str:
    return f"{value:,.0f}"
