"""The deploy to production, and what is kept of the service right before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from math import exp
from typing import Any, Final, Literal

import pandas as pd

from hera_rollout import canary, display, flag, production
from hera_rollout.canary import looking
from hera_rollout.cluster import Cluster, environment, ownership
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.gates import Moments
from hera_rollout.gates.rung import LADDER
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.following_canary import CANARY_RECORD
from hera_rollout.phase.steps.informing import tell
from hera_rollout.phase.steps.qualifying import refuse_drift
from hera_rollout.phase.steps.returning import STILL_ON, shown, surely_taken_back
from hera_rollout.phase.steps.switching import applied, flipping, in_effect
from hera_rollout.production import Baseline, Deployed

DEPLOY: Final = "deploy to all production traffic"
BASELINE, DEPLOYED = "baseline of production", "deployed"
BACK_SECONDS: Final = 3_600
"""So far back the service as a whole is looked at before the deploy."""


def before_deploy(phase: Phase) -> None:
    """Keep what production is held against: YAML's figures, and the service as it is now.

    Raises:
        RolloutError: the workflows cannot be listed, or Prometheus does not answer.
    """
    if phase.dry_run:
        display.note("Dry run: the baseline is taken right before the deploy")
        return
    found = Baseline.read(phase.once(BASELINE, lambda: _baseline(phase)))
    display.table(_rows(found), f"What production is held against: {found.source}", command="")


def _baseline(phase: Phase) -> dict[str, Any]:
    look = looker(phase)
    made = production.baseline.gathered(look, phase.target, phase.memory.get(CANARY_RECORD), BACK_SECONDS)
    for line in look.missing:
        display.note(f"Not read: {line}")
    return made.plain()


def looker(phase: Phase) -> looking.Look:
    """What looks at production; without a Prometheus it says so, and the gates that need one hold."""
    try:
        prometheus = phase.prometheus
    except RolloutError as error:
        display.note(f"No answers and no errors: {error.seen}")
        prometheus = None
    return canary.Look(phase.workflows, phase.cluster, prometheus, phase.workflow_deadline)


def _rows(found: Baseline) -> pd.DataFrame:
    memory = f"{found.memory / 2**20:.0f} MiB a pod" if found.memory else "no data"
    rows = [
        ("execution times", f"{found.execution.n} workflows", _middle(found.execution)),
        ("answers to submissions", f"{found.answers.n} answers", _middle(found.answers)),
        ("submissions without a workflow", f"{found.submissions} submissions", f"{found.failed}"),
        ("error entries in logs", f"{found.log_submissions} submissions", f"{found.log_entries}"),
        ("answers 5xx", f"{found.requests} requests in {timedelta(seconds=BACK_SECONDS)}", f"{found.errors}"),
        ("memory", "now", memory),
    ]
    return pd.DataFrame(rows, columns=["figure", "over", "value"])


def _middle(moments: Moments) -> str:
    return f"geometric mean {exp(moments.mean):.3g} s" if moments.n else "no data"


async def deploy(phase: Phase) -> None:
    """The flag on for all production traffic, with an approval of its own, and what to commit so that it stays on.

    Raises:
        PhaseFailed: the flag is not in effect on every pod; by `on_fail` it was turned off again, or not.
        PhaseOnHold: nobody approved, or somebody changed the flag by hand.
    """
    refuse_drift(phase)
    change = flag.plan(phase.cluster, enabled=True)
    display.diff(change.diff() or "nothing to change: it says on already, as the canary left it", "The deploy",
                 command=change.command)  # fmt: skip
    phase.flagged = by_file(phase)
    _to_commit(phase)
    if phase.dry_run:
        display.note(
            f"Dry run: would ask for an approval, then apply the patch above. To undo it: {change.undo_command}"
        )
        return
    if phase.done(DEPLOYED):
        kept = phase.once(DEPLOYED, dict)
        phase.flag_changed = datetime.fromisoformat(kept["at"])
        phase.changing("the flag, in an earlier attempt")
        display.note(f"Deployed at {kept['at'][:19]} UTC by an earlier attempt of this run; nothing is turned again")
        return
    await phase.approved(what=DEPLOY)
    phase.flag_changed = datetime.now(UTC)

    def work(live: display.Live) -> flag.FlagEffect:
        effect = applied(phase, change, live)
        _deployed(phase)  # what cannot be noted cannot be watched
        return effect

    effect = await flipping(phase, work, enabled=True, on_fail=partial(act_on_fail, phase))
    if effect is None:
        return
    display.table(effect.report, "The flag is on, by what each pod says of itself")
    phase.check(in_effect(effect))


async def act_on_fail(phase: Phase, names: str) -> str:
    """Do what the run's `on_fail` asks for after the FAIL of these checks: `rollback`, `page`, or `hold`.

    Returns:
        Where the flag stands then, in a sentence.
    """
    policy: Literal["rollback", "page", "hold"] = phase.parameters.model_dump()["on_fail"]
    off = policy == "rollback" and await surely_taken_back(phase, f"automatic: {names}")
    if policy != "hold":
        shown("Who was told", lambda: tell(phase, "rolled back" if off else "during"))
    if policy == "rollback":
        return "The flag was turned off again, by itself (on_fail=rollback)." if off else STILL_ON
    command = f"hera-rollout rollback --target {phase.parameters.target} --yes"
    return f"The flag was left on (on_fail={policy}). To turn it off: {command}"


def _deployed(phase: Phase) -> None:
    """Keep what was deployed, and that the rollout is there now."""
    made = {"at": datetime.now(UTC).isoformat(), "what": Deployed.now(phase.cluster).plain()}
    phase.once(DEPLOYED, lambda: made)
    if phase.keeping:
        phase.keeping.state.enter(phase.rollout, phase.notebook, by=phase.parameters.who(), rung=float(LADDER[-1]))


def by_file(phase: Phase) -> Cluster:
    """The cluster with the quicker way back: by the flag's file where the pods mount it and it says on."""
    said = flag.read_file(phase.cluster)
    if said is None or said.get("enabled") != "true":
        return phase.cluster
    try:
        flag.plan(phase.cluster, enabled=False, medium="configmap")
    except Refused:
        return phase.cluster
    return phase.cluster.by("configmap")


def _to_commit(phase: Phase) -> None:
    """What Git must say, so that the next deploy from there does not turn the flag back; and who would."""
    lines = flag.to_commit(phase.target, "env", enabled=True).splitlines()
    diff = ["--- /dev/null", "+++ overlays/production/kustomization.yaml", *(f"+{line}" for line in lines)]
    display.diff("\n".join(diff), "The overlay to commit", command="kubectl apply -k overlays/production")
    owner = ownership.owner(environment.read(phase.cluster.connection, phase.target))
    if owner is not None:
        display.note(owner.sentence(f"deployment/{phase.target.deployment}"), kind="ownership")
