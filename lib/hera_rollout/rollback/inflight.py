"""What becomes of Hera's workflows that are in flight at a rollback: listed, drained, stopped, or run again by YAML."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from pandas import DataFrame

from hera_rollout import clock
from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.rollback.resubmitting import again
from hera_rollout.rollback.rows import Row
from hera_rollout.rollback.snapshots import snapshot
from hera_rollout.workflow_phases import FINISHED
from hera_rollout.workflows import Workflows, documents

Policy = Literal["list", "drain", "stop", "resubmit"]
POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
CHECK: Final = "in flight at the rollback"
PAUSE_SECONDS: Final = 1.0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Handled:
    """What was done about the workflows in flight.

    Attributes:
        policy: list, drain, stop or resubmit.
        rows: one a workflow.
        folder: where what was known of them is kept; empty if nothing had to be.
    """

    policy: Policy
    rows: tuple[Row, ...]
    folder: str = ""

    def frame(self) -> DataFrame:
        """The rows as a table."""
        return DataFrame(list(self.rows), columns=list(Row.__annotations__))

    def check(self) -> Check:
        """PASS if every workflow is as the policy wants it, else HOLD."""
        wrong = [row for row in self.rows if row["problem"]]
        count = len(self.rows)
        told = f"{count} Hera workflows were in flight; policy {self.policy}"
        if self.policy != "list" and count:
            told += f": {count - len(wrong)} of {count} as it wants them"
        if wrong:
            told += f"; {wrong[0]['workflow']}: {wrong[0]['problem']}"
        return judge(
            name=CHECK,
            rule=rules.withheld if wrong else rules.holds,
            evidence={"holds": not wrong, "policy": self.policy, "rows": [dict(row) for row in self.rows]},
            seen=told,
            expected="each workflow in flight dealt with as the policy says, none run twice",
            limit_source="kit",
            why="A user waits for each of them.",
            todo="Look at each row with a problem; the command can be given again, it does nothing twice."
            if wrong else "",
        )  # fmt: skip


def handle(
    policy: Policy,
    cluster: Cluster,
    backend: Backend | None,
    workflows: Workflows,
    names: Iterable[str],
    *,
    folder: Path,
    by: str,
    deadline_seconds: float,
    on_progress: Tell | None = None,
    stop: threading.Event | None = None,
) -> Handled:
    """Deal with the workflows that were in flight when the flag was off. Can be repeated: nothing is done twice.

    Args:
        policy: ``list`` does nothing; ``drain`` waits until they have ended; ``stop`` stops them, keeping their
            records; ``resubmit`` stops them, then has the backend run their tasks again, by YAML now.
        cluster: where.
        workflows: reads and stops them.
        backend: for ``resubmit``; None where it does not answer.
        names: of the workflows.
        folder: what is known of a workflow is kept here before it is touched.
        by: who does it; written on a workflow that is run again.
        deadline_seconds: until they have ended, all together.
        on_progress: told a line whenever there is news.
        stop: ends the waiting.

    Returns:
        One row a workflow; what went wrong with one is in its row, and does not keep the others from being dealt with.
    """
    tell, stopped = on_progress or (lambda _: None), stop or threading.Event()
    rows: list[Row] = [Row(workflow=name, before="", after="", done="", again="", problem="") for name in names]
    if policy == "list":
        return Handled(policy, tuple(rows))
    for row in rows:
        _begin(policy, cluster, workflows, row, folder)
    _wait([row for row in rows if not row["problem"]], workflows, deadline_seconds, tell, stopped)
    if policy == "resubmit":
        for row in rows:
            if not row["problem"]:
                again(row, workflows, backend, by)
    return Handled(policy, tuple(rows), "" if policy == "drain" else str(folder))


def _begin(policy: Policy, cluster: Cluster, workflows: Workflows, row: Row, folder: Path) -> None:
    """Keep what is known of it, then stop it; one that has ended meanwhile is left as it is."""
    try:
        if policy == "drain":
            row["before"], row["done"] = documents.phase(workflows.live(row["workflow"])) or "Pending", "waited for"
            return
        row["before"] = snapshot(cluster, workflows, row["workflow"], folder)
        if row["before"] in FINISHED:
            row["done"] = "had ended"
            return
        workflows.stop(row["workflow"])
        row["done"] = "stopped"
    except RolloutError as error:
        row["problem"] = error.seen


def _wait(rows: list[Row], workflows: Workflows, seconds: float, tell: Tell, stop: threading.Event) -> None:
    """Until each has ended."""
    ends = clock.monotonic() + seconds
    left = rows
    while left:
        for row in left:
            _look(row, workflows)
        left = [row for row in left if not row["problem"] and row["after"] not in FINISHED]
        if not left:
            return
        tell(f"{len(left)} of {len(rows)} in flight")
        if clock.monotonic() > ends or clock.wait(stop, PAUSE_SECONDS):
            for row in left:
                row["problem"] = f"it has not ended: {row['after'] or 'Pending'}"
            return


def _look(row: Row, workflows: Workflows) -> None:
    try:
        row["after"] = documents.phase(workflows.get(row["workflow"]))
    except Missing:
        row["problem"] = "it is gone, from the archive too: how it ended is not known"
    except RolloutError as error:
        row["problem"] = error.seen
