"""What the backend wrote into its own logs since the flag was changed: the guide's four logs to watch."""

from hera_rollout import display, logclasses
from hera_rollout.phase.spine import Phase


def application_logs(phase: Phase) -> None:
    """Show the lines of every pod since the flag was changed by class, and check each class."""
    if phase.dry_run or phase.flag_changed is None:
        display.note("Application logs: the flag was not changed in this run, so there is no flip to look behind")
        return
    classes = logclasses.read(phase.cluster, since=phase.flag_changed)
    command = f"kubectl logs deployment/{phase.target.deployment} --all-pods -n {phase.target.namespace} --since-time=…"
    display.table(classes.frame, "Logs to watch, since the flag was changed", command=command)
    display.table(classes.table("error"), "Error lines", command="")
    for check in logclasses.judged(classes, restarted=phase.target.flag.medium == "env"):
        phase.check(check)
