"""One flip of the flag and one submitted task, followed to their ends: what windows and flights are made of."""

from collections.abc import Callable
from time import monotonic
from typing import Any, Literal

from hera_rollout import display, flag
from hera_rollout.backend import provenance
from hera_rollout.backend.client import Submitted
from hera_rollout.errors import RolloutError
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.switching import applied
from hera_rollout.workflows import documents

Path = Literal["yaml", "hera"]
Row = dict[str, Any]


class Stop(Exception):  # noqa: N818
    """The operator ended the waits: what was under way is no evidence, and is not kept."""


def failed_already(phase: Phase) -> bool:
    """Whether this run has failed already, and so turns the flag no more than it must; said where it has."""
    if phase.failed:
        display.note(f"Not run, since this run has failed already: {', '.join(phase.failed)}")
    return bool(phase.failed)


def flip(phase: Phase, path: Path, medium: flag.Medium, live: display.Live) -> list[str]:
    """Turn the flag as the path needs it; the pods that then report it."""
    return applied(phase, flag.plan(phase.cluster, path == "hera", medium=medium), live).pods


def seen_through(phase: Phase, path: Path, send: Callable[[], Submitted], live: display.Live) -> Row:
    """Submit one task and follow its workflow to its end; what is wrong, whatever it is, is in `problem`."""
    row: Row = {"path": path, "task": "", "workflow": "", "run": 0, "answer_seconds": None, "seconds": None,
                "problem": ""}  # fmt: skip
    clock = monotonic()
    try:
        sent = send()
        row |= {
            "task": sent.task,
            "workflow": sent.workflow,
            "run": sent.run,
            "answer_seconds": round(monotonic() - clock, 4),
        }
        row |= ended(phase, path, sent.workflow, live)
    except RolloutError as error:
        row["problem"] = error.seen
    return row


def ended(phase: Phase, path: Path, name: str, live: display.Live) -> Row:
    """How a workflow ended, and whether by the path that it should."""
    outcome = phase.workflows.wait(name, phase.workflow_deadline, stop=live.stop)
    status = outcome.document.get("status") or {}
    known = provenance(outcome.document) if outcome.document else None
    problem = (
        "" if outcome.succeeded else f"{outcome.phase or 'no phase'} ({outcome.reached}) {outcome.message}".strip()
    )
    if not problem and (known is None or known.path != path or known.how not in ("proven", "inferred")):
        problem = f"made by path={known.path if known else ''} ({known.how if known else 'unproven'})"
    return {"seconds": documents.seconds(status), "problem": problem, "finished": status.get("finishedAt")}
