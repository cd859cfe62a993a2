"""Before anything is changed."""

from hera_rollout import display, preflight
from hera_rollout.phase.spine import Phase


def before_you_start(phase: Phase) -> None:
    """Preflight: one table, red rows first; any FAIL ends the run before anything is changed.

    Raises:
        PhaseFailed: a line of the preflight is red.
    """
    made = [phase.enter(check) for check in preflight.checks(phase.target, phase.cluster, phase.workflows)]
    frame = display.checks_frame(made)[["verdict", "check", "seen", "expected", "what to do"]]
    display.table(frame.rename(columns={"expected": "wanted", "what to do": "fix"}), "Before you start")
    phase.stop_on_fail("The preflight found what would stop the rollout half way; nothing was changed.")
