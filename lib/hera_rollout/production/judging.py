"""What a watch of production is judged by: the gates over everything since the deploy, and how it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from hera_rollout import canary
from hera_rollout.canary import Ladder, Rung, judging
from hera_rollout.gates import (
    Check,
    Durations,
    Errors,
    NoIncrease,
    NotSlower,
    SuccessRate,
    Verdict,
    alpha,
    judge,
    look,
    rules,
    standing,
)
from hera_rollout.production.baseline import Baseline, strata
from hera_rollout.production.deployed import Pods
from hera_rollout.production.spells import Spells
from hera_rollout.target import GUIDE_STABLE_SECONDS, Limits

CREATIONS: Final = "creation success"
GATES: Final = (judging.SUCCESS, judging.EXECUTION, judging.RESPONSE, judging.ERRORS, CREATIONS, judging.LOGS)
STABLE, PODS, DRIFT, MEMORY, SIGHT = "stable", "pods stay up", "nothing else changed", "memory", "sight"
_MIB: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Everything that is known since the deploy.

    Attributes:
        rung: the workflows, answers, submissions and log entries: the ladder's last rung, under watch.
        baseline: what it is held against.
        spells: how long it was watched.
        requests, errors: of the service since the deploy, and how many were answered 5xx.
        pods: as they are.
        memory: the least a pod had within the newest window, bytes; None where it is not known.
        changes, noted: what is no longer as it was deployed: what matters, and what is only worth knowing.
        missing: what could not be read at the newest look, in words.
    """

    rung: Rung
    baseline: Baseline
    spells: Spells = field(default_factory=Spells)
    requests: int = 0
    errors: int = 0
    pods: Pods = field(default_factory=Pods)
    memory: float | None = None
    changes: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def rate(self, now: float) -> float:
        """Workflows by Hera a second since the deploy."""
        outcomes = self.rung.hera.outcomes
        return (outcomes.workflows + outcomes.ahead) / max(1.0, self.rung.seconds(now))


def checks(watch: Watch, limits: Limits, now: float) -> list[Check]:
    """Every check of the watch once.

    Args:
        watch: the evidence.
        limits: the target's.
        now: seconds since 1970.
    """
    ladder = Ladder(code_revision=watch.rung.code_revision, rungs=(watch.rung,))
    return [
        *_gates(watch, limits, watch.rate(now)), canary.misplaced(ladder), _memory(watch, limits),
        _pods(watch, limits), _unchanged(watch), _sight(watch), _stable(watch, limits),
    ]  # fmt: skip


def decided(found: Iterable[Check]) -> bool:
    """Whether the watch is over: one FAIL, something else runs now, or everything says PASS."""
    verdicts = {check.name: check.verdict for check in found}
    over = Verdict.FAIL in verdicts.values() or verdicts.get(DRIFT) is Verdict.HOLD
    return over or (bool(verdicts) and set(verdicts.values()) == {Verdict.PASS})


def _gates(watch: Watch, limits: Limits, per_second: float) -> list[Check]:
    shares = alpha.split(GATES, total=limits.alpha)
    code, before = watch.rung.code_revision, watch.baseline

    def slower(name: str) -> NotSlower:
        return NotSlower(increase=limits.slowdown_max, alpha=shares[name], burn_in=limits.burn_in)

    def no_more(name: str) -> NoIncrease:
        return NoIncrease(floor=limits.error_rate_max, alpha=shares[name])

    def against(hera: tuple[int, int], yaml: tuple[int, int]) -> Errors:
        (mine, bad), (theirs, worse) = hera, yaml
        return Errors.between(code, (max(mine, bad), max(theirs, worse)), (bad, worse))

    success = SuccessRate(limit=1 - limits.success_rate_min, alpha=shares[judging.SUCCESS])
    times = (strata(before.execution, watch.rung.hera.seconds), strata(before.answers, watch.rung.answers.hera))
    tried = (watch.rung.errors.hera, watch.rung.errors.totals[0])
    logged = (watch.rung.submissions, watch.rung.log_errors)
    of: tuple[tuple[str, Any, Any, str], ...] = (
        (judging.SUCCESS, success, watch.rung.hera.outcomes, "success_rate_min"),
        (judging.EXECUTION, slower(judging.EXECUTION), Durations(code_revision=code, strata=times[0]), "slowdown_max"),
        (judging.RESPONSE, slower(judging.RESPONSE), Durations(code_revision=code, strata=times[1]), "slowdown_max"),
        (judging.ERRORS, no_more(judging.ERRORS),
         against((watch.requests, watch.errors), (before.requests, before.errors)), "error_rate_max"),
        (CREATIONS, no_more(CREATIONS), against(tried, (before.submissions, before.failed)), "error_rate_max"),
        (judging.LOGS, no_more(judging.LOGS), against(logged, (before.log_submissions, before.log_entries)),
         "error_rate_max"),
    )  # fmt: skip
    looks = [look(name=name, gate=gate, seen=seen, per_second=per_second, limit_source=limits.source(limit),
                  why=_WHY[name]) for name, gate, seen, limit in of]  # fmt: skip
    ladder = Ladder(code_revision=code, rungs=(watch.rung,))
    return [judging.counted_well(check, ladder, (*judging.COUNTED, CREATIONS)) for check in looks]


_WHY: Final = {
    judging.SUCCESS: "A workflow that fails is somebody's lost work.",
    judging.EXECUTION: "Users wait for it.",
    judging.RESPONSE: "Users wait for the answer, too.",
    judging.ERRORS: "Every request is answered by what was deployed: the service as a whole against the time before.",
    CREATIONS: "A submission that makes no workflow is a user turned away.",
    judging.LOGS: "What goes wrong without failing a request is only in the log.",
}


def _memory(watch: Watch, limits: Limits) -> Check:
    before, least = watch.baseline.memory, watch.memory
    known = bool(before) and least is not None
    return judge(
        name=MEMORY, rule=standing.not_grown,
        evidence={"before": before, "least": least, "up_max": limits.memory_up_max},
        seen=f"{(least or 0) / _MIB:.0f} MiB a pod at least, {(least or 0) / (before or 1) - 1:+.0%} against "
        f"{(before or 0) / _MIB:.0f} MiB before the deploy" if known else "no data of Prometheus",
        expected=f"not above {limits.memory_up_max:+.0%} for a whole window",
        limit_source=limits.source("memory_up_max"),
        why="What a submission leaves behind ends in pods that are killed.",
        todo="" if known else "See whether Prometheus scrapes the service.",
    )  # fmt: skip


def _pods(watch: Watch, limits: Limits) -> Check:
    rows, restarts = list(watch.pods.rows), watch.pods.restarts
    ready = sum(bool(row["ready"]) for row in rows)
    blocked = [str(row["blocked"]) for row in rows if row["blocked"]]
    return judge(
        name=PODS, rule=standing.steady,
        evidence={"pods": rows, "restarts": restarts, "most": limits.restarts_max},
        seen=f"{ready} of {len(rows)} pods ready, {restarts} restarts since the deploy"
        + (f"; {'; '.join(blocked)}" if blocked else ""),
        expected=f"pods that run, at most {limits.restarts_max} restarts in all",
        limit_source=limits.source("restarts_max"), why="A service that keeps beginning anew drops its work.",
        todo=f"kubectl logs --previous {next((row['name'] for row in rows if row['restarts']), 'POD')}"
        if restarts or blocked else "" if ready else "kubectl get pods: none is ready.",
    )  # fmt: skip


def _unchanged(watch: Watch) -> Check:
    told = [*watch.changes, *watch.noted]
    return judge(
        name=DRIFT, rule=standing.unchanged,
        evidence={"changes": list(watch.changes), "noted": list(watch.noted)},
        seen="; ".join(told) or "image, replicas, pods and Argo's controller are as they were deployed",
        expected="the image that was deployed; what else changed is noted", limit_source="kit",
        why="What another image does is no evidence about the one that was approved.",
        todo="Find out who deployed it; pass phases 1 to 3 about it, then run this again." if watch.changes else "",
    )  # fmt: skip


def _sight(watch: Watch) -> Check:
    blind = list(watch.missing)
    return judge(
        name=SIGHT, rule=rules.withheld if blind else rules.holds,
        evidence={"holds": not blind, "missing": blind},
        seen="; ".join(blind) or "cluster, workflows, Prometheus and logs were all read",
        expected="everything that is judged can be read at the newest look", limit_source="kit",
        why="What was not seen is not shown to be well; that time does not count as watched.",
        todo="Bring it back, then run this notebook again: it goes on from here." if blind else "",
    )  # fmt: skip


def _stable(watch: Watch, limits: Limits) -> Check:
    seconds, asked = watch.spells.seconds, limits.stable_seconds
    spells = len(watch.spells.spells)
    told = f"watched for {span(seconds)} in {spells} spell{'s' if spells != 1 else ''}"
    gaps = f", {span(watch.spells.gaps())} between them unwatched" if spells > 1 else ""
    more = f"{span(asked - seconds)} more: run this notebook again, it goes on from here; every "
    return judge(
        name=STABLE, rule=standing.stable,
        evidence={"watched": round(seconds, 1), "asked": asked, "guide": GUIDE_STABLE_SECONDS,
                  "spells": watch.spells.plain()},
        seen=f"{told}{gaps}; {beside_the_guide(limits)}",
        expected=f"{span(asked)} under watch since the deploy", limit_source=limits.source("stable_seconds"),
        why="Some faults need a night, a busy hour or a full disk to show.",
        todo="" if seconds >= asked else f"{more}{span(limits.watch_gap_seconds)}, or it does not count.",
    )  # fmt: skip


def beside_the_guide(limits: Limits) -> str:
    """How long is asked for, beside the guide's, and whose shorter time it is."""
    if limits.stable_seconds >= GUIDE_STABLE_SECONDS:
        return "the guide asks for 48+ hours"
    return (f"the guide asks for 48+ hours: {span(limits.stable_seconds)} is a deviation of "
            f"{limits.source('stable_seconds')}")  # fmt: skip


def span(seconds: float) -> str:
    """A time as people say it: 42 s, 12 min, 3 h 20 min, 2 d 1 h."""
    if seconds < 120:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    whole = timedelta(seconds=round(seconds))
    hours, minutes = whole.seconds // 3_600, whole.seconds // 60 % 60
    parts = [f"{whole.days} d" if whole.days else "", f"{hours} h" if hours else "",
             f"{minutes} min" if minutes and not whole.days else ""]  # fmt: skip
    return " ".join(part for part in parts if part)
