"""Before anything is changed."""

from typing import Final

from hera_rollout import display, preflight
from hera_rollout.gates import Verdict
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.settling import replacing

WATCHING: Final = "04_production"
"""Once begun, the service alone makes workflows here: who goes on watching, such as a CronJob, needs no right to."""

UNMEASURED: Final = {"02_staging": Verdict.HOLD, "03_canary": Verdict.FAIL, WATCHING: Verdict.FAIL}
"""What it means for a phase that the target names no Prometheus."""


def before_you_start(phase: Phase) -> None:
    """Preflight: one table, red rows first; any FAIL ends the run before anything is changed.

    Raises:
        PhaseFailed: a line of the preflight is red.
    """
    if replacing(phase):
        display.note("An earlier attempt of this run began to replace the service; it was looked at before that")
        return
    again = phase.keeping is not None and phase.keeping.run.facts.attempts > 1
    watches = again and phase.notebook == WATCHING
    unmeasured = UNMEASURED.get(phase.notebook, Verdict.PASS)
    found = preflight.checks(phase.target, phase.cluster, phase.workflows, watches=watches, unmeasured=unmeasured)
    made = [phase.enter(check) for check in found]
    frame = display.checks_frame(made)[["verdict", "check", "seen", "expected", "what to do"]]
    display.table(frame.rename(columns={"expected": "wanted", "what to do": "fix"}), "Before you start")
    phase.stop_on_fail("The preflight found what would stop the rollout half way; nothing was changed.")
