"""What must be there before the first percent: a walked way back, fresh tests, a gate that can be trusted, the file."""

from datetime import UTC, datetime, timedelta

import pandas as pd

from hera_rollout import checklists, display, flag, metrics, records
from hera_rollout.canary import judging
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.gates import Check, SuccessRate, judge, rehearsal, rules
from hera_rollout.gates.rehearsal import Demands, Rehearsal
from hera_rollout.phase.spine import UNKNOWN_CODE, Phase
from hera_rollout.phase.steps.climbing import standing
from hera_rollout.phase.steps.entering import decided, folder, judged
from hera_rollout.phase.steps.switching import flipping
from hera_rollout.phase.steps.testing import Path, integration, scenarios
from hera_rollout.records import Record
from hera_rollout.split import coin_toss as toss
from hera_rollout.workflow_phases import FINISHED

DRILL = "drill on record"
TESTED = "testing checklist"
BY_FILE = "flag by its file"
SKIP = "skip the canary"
OFF_FIRST = "turn the flag off first"
FRESH = timedelta(hours=24)
_TESTS = tuple(name for line in checklists.TESTING if line.kind != "comparison" for name in line.checks)
_MOST_KEYS = 1000
_TIMES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""True rates that are rehearsed, as multiples of the limit."""


def drill_on_record(phase: Phase) -> None:
    """Ask for the record of a drill about the code that runs now; without one the run ends here.

    Raises:
        PhaseFailed: the record was changed after it was kept.
        PhaseOnHold: there is none that fits.
    """
    mine = next((one for one in records.find(folder(phase)) if decided(one, "drill")), None)
    phase.check(judged(mine, "drill", phase.code_revision, DRILL))
    phase.stop_on_fail("The record of the drill cannot be trusted; nothing was changed.")
    phase.stop_on_hold("The way back was not walked for this code; nothing was changed.")


async def testing_checklist(phase: Phase) -> None:
    """The guide's list before each phase: shown from a record under 24 h old for this code, else run now.

    It is run by the path that stands: by YAML before a canary, by Hera after one that stands at 100 %.

    Raises:
        PhaseFailed: a scenario fails: the service is not fit for this phase.
    """
    if standing(phase):
        display.note("The list was run or shown before the first percent, by an earlier attempt of this run")
        return
    record = _fresh(phase)
    if record is not None:
        phase.enter(_shown(record))
        made = {one["name"]: one for one in record.data["checks"]}
        rows = [{"list": line.kind, "the guide's words": line.words, "state": made[line.checks[0]]["verdict"],
                 "by what": made[line.checks[0]]["seen"]}
                for line in checklists.TESTING if line.kind != "comparison"]  # fmt: skip
        display.table(pd.DataFrame(rows), f"The guide's testing checklist, from {record.folder.name}", command="")
        return
    expect = _path_that_stands(phase)
    display.note("No record under 24 h old has the testing checklist for this code, so it is run now, with the flag "
                 f"{'on' if expect == 'hera' else 'off'}")  # fmt: skip
    await scenarios(phase, expect=expect)
    await integration(phase, expect=expect)
    phase.stop_on_fail("A line of the testing checklist fails, so this phase does not begin; the flag was not touched.")


def _path_that_stands(phase: Phase) -> Path:
    """By which path every task goes now: Hera's where each pod has the flag on for all of them, else YAML's."""
    said = flag.report(phase.cluster, phase.backend)
    on = len(said) > 0 and bool((said["enabled"].eq(True) & said["percent"].eq(100)).all())
    return "hera" if on and not phase.dry_run else "yaml"


def _fresh(phase: Phase) -> Record | None:
    """The newest record that passed every line of the list, about this code, within a day, as it was kept."""
    code, now = phase.code_revision, datetime.now(UTC)
    for record in records.find(folder(phase)):
        about = record.data["code_revision"]
        passed = {one["name"] for one in record.data["checks"] if one["verdict"] == "PASS"}
        fresh = now - datetime.fromisoformat(record.data["began"]) < FRESH
        known = about == code != UNKNOWN_CODE
        if known and fresh and passed.issuperset(_TESTS) and not _doubt(record):
            return record
    return None


def _doubt(record: Record) -> bool:
    """Whether it is not as it was kept, is judged otherwise by its evidence, or is not of the shipped notebook."""
    changed = (*records.verify(record.folder), *records.recompute(record.folder))
    return bool(records.gate_fault(record.data) or changed)


def _shown(record: Record) -> Check:
    return judge(
        name=TESTED,
        rule=rules.holds,
        evidence={"holds": True, "record": record.folder.name, "seal": record.data["seal"]},
        seen=f"{record.folder.name}: every line PASS, under 24 h old, about the code that runs now",
        expected="every line of the functional and integration lists PASS, under 24 h ago, about the same code",
        limit_source="kit",
    )


def rehearse(phase: Phase) -> None:
    """Show what the success gate would do over true failure rates; one that misses the target's limits is refused.

    Raises:
        Refused: it cries wolf too often, or sleeps too long; nothing was touched.
    """
    limits = phase.target.limits
    gate = judging.success_gate(limits)
    demands = Demands(false_alarms=limits.alpha, false_passes=limits.alpha, bad_rate=limits.bad_rate,
                      misses=limits.misses_max, within=limits.notice_within)  # fmt: skip
    played = Rehearsal(gate=gate, horizon=max(limits.notice_within, 2000), rung_workflows=limits.rung_workflows * 10)
    figures = played.refuse_if_misses(demands)
    rates = played.rates(sorted({min(0.95, gate.limit * times) for times in _TIMES} | {limits.bad_rate}))
    display.verdicts_by_rate(rates, gate.limit, limits.source("success_rate_min"))
    display.verdict_shares(rates, f"The success gate over true failure rates (limit {gate.limit:.1%})")
    shown = figures.assign(figure=figures["figure"].map("{:.1%}".format), limit=figures["limit"].map("{:.1%}".format))
    display.table(shown, "What this target demands of it", command="")
    _history(phase, gate)
    phase.enter(judge(
        name="rehearsal", rule=rules.holds, evidence={"holds": True, "figures": figures.to_dict("records")},
        seen="; ".join(f"{row['what']}: {row['figure']:.1%}" for row in figures.to_dict("records")),
        expected="every figure within the target's limit", limit_source=limits.source("alpha"),
    ))  # fmt: skip


def _history(phase: Phase, gate: SuccessRate) -> None:
    """The gate over what the service really did in the last day, if that is enough to play."""
    try:
        frame = metrics.workflow_frame(phase.workflows, since=datetime.now(UTC) - FRESH)
    except RolloutError as error:
        display.note(f"No recorded history was played: {error.seen}")
        return
    block = 20  # workflows that stay together when the history is reshuffled
    ended = frame[frame["phase"].isin(FINISHED) & (frame["task"] != "")]
    if len(ended) < 2 * block:
        display.note(f"No recorded history was played: {len(ended)} workflows of the last day are too few")
        return
    failed = [phase_ != "Succeeded" for phase_ in ended["phase"]]
    found = rehearsal.resampled(gate, failed, block=block, workflows=500, runs=200)
    display.verdict_shares(found, f"The gate over the last day's {len(failed)} workflows, reshuffled in blocks")


def coin_toss(phase: Phase, percent: float = 10.0) -> None:
    """Show on the service's real tasks what the guide's coin does at reruns, beside the split. Nothing is submitted."""
    tasks = [str(one["id"]) for one in phase.backend.tasks()][:_MOST_KEYS]
    if tasks:
        display.coin_toss(toss(tasks, percent))
    else:
        display.note("The service has no task yet, so there is nothing to toss a coin over")


async def flag_by_file(phase: Phase) -> None:
    """Hand the flag over to its file, which says off, so that it can say a share; nothing changes for users.

    Raises:
        PhaseOnHold: the service cannot do a share of its tasks, or somebody changed the flag by hand.
        PhaseFailed: a pod does not report the flag as off then.
    """
    refuse_drift(phase)
    target = phase.target
    try:
        off = flag.plan(phase.cluster, enabled=False, medium="configmap")
    except Refused as error:
        await _no_share(phase, error)
        return
    phase.flagged = phase.cluster.by("configmap")
    name = target.flag.env
    overruled = str(phase.cluster.env(name) or "true").strip().lower() != "true"
    display.diff(off.diff() or "nothing to change: the file says off or a share already", "The file",
                 command=off.command)  # fmt: skip
    if overruled:
        line = f"kubectl set env deployment/{target.deployment} {name}=true -n {target.namespace}"
        display.note(f"{name} says off, which would win over the file: {line} (pods restart, the file keeps them off)")
    if phase.dry_run or standing(phase):
        return
    await _may_turn_off(phase)
    report = await flipping(phase, lambda live: _handed_over(phase, off, overruled, live), enabled=False)
    if report is not None:
        display.table(report, "The flag is off, by what each pod says of itself")


def _handed_over(phase: Phase, off: flag.FlagChange, overruled: bool, live: display.Live) -> pd.DataFrame:
    """The file first, so that the variable can never turn the flag on by itself."""
    flag.throw(phase.cluster, off, live.line)
    if overruled:
        phase.cluster.apply_env(phase.cluster.plan_env(phase.target.flag.env, "true"))
        phase.cluster.rollout_status(float(phase.target.limits.rollout_deadline_seconds), live.line)
    if phase.keeping:
        phase.keeping.flag_set(enabled=False, why=f"{phase.notebook}: by its file from now on")
    return flag.settled(phase.flagged, phase.backend, off, live.line, stop=live.stop).report


async def _may_turn_off(phase: Phase) -> None:
    """A ladder begins with the flag off: where it is on, somebody must say that it may go off.

    Raises:
        PhaseOnHold: its file has it on, so that a canary stands already; or nobody approved.
    """
    said = flag.report(phase.cluster, phase.backend)
    on = said[said["enabled"].eq(True)]
    by_file = on[on["decided_by"] == "file"]
    if len(by_file):
        phase.check(judge(
            name=BY_FILE, rule=rules.withheld, evidence={"pods": display.rows(by_file)},
            seen=f"{len(by_file)} pods have the flag on by its file, for {by_file['percent'].iloc[0]} % of the tasks, "
            "and no run of this phase is open",
            expected="the flag off before the first percent", limit_source="kit",
            why="A new ladder begins at its foot: it would take tasks back to YAML that are on Hera now.",
            todo=f"If the canary passed, go on with phase 4. To begin anew: hera-rollout rollback --target "
            f"{phase.parameters.target} --yes, then run this again.",
        ))  # fmt: skip
        phase.stop_on_hold("A canary stands already; nothing was changed.")
    if len(on):
        await phase.approved(what=OFF_FIRST)


def refuse_drift(phase: Phase) -> None:
    """HOLD where somebody changed the flag by hand since the kit set it: it is theirs, and not turned."""
    found = phase.keeping.found if phase.keeping else []
    if not found:
        return
    phase.check(judge(
        name="flag not changed by hand", rule=rules.withheld, evidence={"changes": found}, seen=" ".join(found),
        expected="the flag as the kit last set it", limit_source="kit",
        why="Somebody had a reason, and what ran since then is evidence about neither setting.",
        todo=f"Ask them. To go on: hera-rollout rollback --target {phase.parameters.target} --yes, then run this "
        "again with an approval: it begins at the first rung.",
    ))  # fmt: skip
    phase.stop_on_hold("The flag was changed by hand; it was not touched.")


async def _no_share(phase: Phase, error: Refused) -> None:
    """A service that knows only on and off cannot have a canary: say so, and offer the ways on.

    Raises:
        PhaseOnHold: always; an approval to skip is in the record, for phase 4 to see.
    """
    phase.check(judge(
        name=BY_FILE, rule=rules.withheld, evidence={"medium": phase.target.flag.medium}, seen=error.seen,
        expected=error.expected, limit_source="kit",
        why="By its variable the flag is on for all tasks or for none: there is no 10 %.",
        todo=f"{error.todo} Or skip the canary, which the guide calls optional, with an approver and a reason.",
    ))  # fmt: skip
    if not phase.dry_run:
        await phase.approved(what=SKIP)
        display.note("The canary is skipped by the approval above; phase 4 must take this record with it")
    phase.stop_on_hold("This service cannot do a share of its tasks; nothing was changed.")


def traffic_note(phase: Phase) -> None:
    """Say who submits while the ladder is climbed."""
    rate = float(phase.parameters.model_dump()["traffic"])
    display.note(f"Traffic: this run itself submits {rate:g} tasks a second, each once" if rate
                 else "Traffic: what users submit; this run submits nothing")  # fmt: skip
