"""From workflows to statistics: each workflow once, in the order submitted, one past its deadline a failure.

A workflow that fails at once is seen long before one that succeeds after a minute, so counting whatever has finished
would show failures first. Workflows are therefore settled in the order they were submitted, up to the first that is
still open: at most the deadline later it is settled, too. What is beyond it is counted apart (``ahead``).

The state between two looks is a watermark: when the last settled workflow was submitted, and the uids of that second.
It stays small however many workflows there are, and no workflow is counted twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hera_rollout.errors import Refused
from hera_rollout.gates.information import Moments
from hera_rollout.gates.success import Outcomes


@dataclass(frozen=True, kw_only=True)
class Run:
    """One workflow as it stands. Times are seconds since any one epoch; ``ended`` is None while it runs."""

    uid: str
    submitted: float
    ended: float | None = None
    succeeded: bool = False


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """Up to where workflows were counted: the last one's submission, and every uid counted of that same moment."""

    submitted: float = float("-1e18")
    uids: tuple[str, ...] = ()

    def is_past(self, run: Run) -> bool:
        """Whether the run was counted already."""
        return run.submitted < self.submitted or (run.submitted == self.submitted and run.uid in self.uids)

    def after(self, run: Run) -> "Watermark":
        """Moved on over this run."""
        same = self.uids if run.submitted == self.submitted else ()
        return Watermark(submitted=run.submitted, uids=(*same, run.uid))


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What one look adds: outcomes, log durations of those that succeeded in time, and the watermark for the next."""

    outcomes: Outcomes
    log_seconds: Moments = field(default_factory=Moments)
    watermark: Watermark = field(default_factory=Watermark)


def settle(
    runs: Iterable[Run], *, code_revision: str, now: float, deadline: float, since: Watermark | None = None
) -> Settled:
    """Count the runs that are new since the watermark.

    Args:
        runs: workflows of one path and one code revision, in any order; known ones may be among them.
        code_revision: what code they ran on.
        now: the present moment, on the clock of the runs' times.
        deadline: seconds after which a workflow has failed, whether it still runs or ended later.
        since: the watermark of the look before.
    """
    if not deadline > 0:
        raise Refused(f"A deadline of {deadline!r} seconds cannot be used.", expected="a number of seconds above 0.")
    mark = since or Watermark()
    fresh = {run.uid: run for run in runs if not mark.is_past(run)}
    ordered = sorted(fresh.values(), key=lambda run: (run.submitted, run.uid))
    settled = _until_first_open(ordered, now, deadline)
    ahead = ordered[len(settled) :]
    for run in settled:
        mark = mark.after(run)
    return Settled(
        outcomes=Outcomes(
            code_revision=code_revision,
            workflows=len(settled),
            failures=sum(has_failed(run, now, deadline) for run in settled),
            ahead=len(ahead),
            ahead_failures=sum(has_failed(run, now, deadline) for run in ahead),
        ),
        log_seconds=Moments.of_logs(seconds(run) for run in settled if not has_failed(run, now, deadline)),
        watermark=mark,
    )


def has_failed(run: Run, now: float, deadline: float) -> bool:
    """Failed, or past its deadline; the answer for a run that ended does not depend on when one looks."""
    if run.ended is None:
        return now - run.submitted > deadline
    return not run.succeeded or run.ended - run.submitted > deadline


def seconds(run: Run) -> float:
    """From submission to end; at least half a second, since Argo's times are whole ones."""
    return max((run.ended or run.submitted) - run.submitted, 0.5)


def _until_first_open(ordered: list[Run], now: float, deadline: float) -> list[Run]:
    for position, run in enumerate(ordered):
        if run.ended is None and not has_failed(run, now, deadline):
            return ordered[:position]
    return ordered
