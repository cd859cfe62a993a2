"""Workflows made by Hera, or nobody knows how: which are new since a moment, and which are still in flight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pandas import DataFrame

from hera_rollout import clock
from hera_rollout.backend import Backend, provenance
from hera_rollout.backend.orphans import NO_SUCH_TASK, PREFIX
from hera_rollout.errors import RolloutError
from hera_rollout.workflows import Workflows, documents
from hera_rollout.workflows.submission import SPEC_HASH

COLUMNS: Final = ["name", "phase", "path", "how", "task", "run", "created", "seconds", "message"]
CRON: Final = "workflows.argoproj.io/cron-workflow"
"""The label of a workflow that Argo makes from a CronWorkflow; no service submits it."""
ASK_SECONDS: Final = 30.0
"""So long the service is asked whose tasks they are; those that are left are not known."""
_CLOCK_SLACK: Final = timedelta(minutes=5)
_MOST_FAILURES: Final = 3
_Runs = dict[str, str]


def uids(workflows: Workflows, moment: datetime) -> set[str]:
    """All workflows there are, as far back as the two clocks may differ."""
    return {document["metadata"]["uid"] for document in workflows.raw(since=moment - _CLOCK_SLACK)}


def made_since(workflows: Workflows, moment: datetime, known: set[str]) -> list[dict[str, Any]]:
    """Documents of the workflows that were not there yet at that moment; told by uid, so no clock is believed."""
    recent = workflows.raw(since=moment - _CLOCK_SLACK)
    return [_slim(document) for document in recent if document["metadata"]["uid"] not in known]


def in_flight(workflows: Workflows) -> DataFrame:
    """Hera's workflows that have not ended, oldest first."""
    return frame([document for document in running(workflows) if by_hera(document)])


def running(workflows: Workflows) -> list[dict[str, Any]]:
    """All workflows that have not ended, whoever made them."""
    listed = workflows.raw("workflows.argoproj.io/completed!=true")
    return [document for document in listed if not documents.finished(document)]


@dataclass(frozen=True)
class Sorted:
    """Workflows by what is known of them.

    Attributes:
        proven: made by Hera, and the service's own API knows their task: these are this service's.
        unknown: nothing says by which path they were made, or whose they are. It never means none.
    """

    proven: list[dict[str, Any]]
    unknown: list[dict[str, Any]]


def by_what_is_known(found: Iterable[dict[str, Any]], backend: object) -> Sorted:
    """Sort workflows by path and owner; a service that does not answer proves nothing, and disproves nothing.

    Two services of one kind in one namespace set the same labels: only its own tasks tell one from the other.
    """
    workflows = [(document, by_hera(document)) for document in found]
    known = _known_tasks(backend, {_label(document, "task") for document, hera in workflows if hera} - {""})
    proven, unknown = [], []
    for document, hera in workflows:
        own = _is_its_own(document, known) if hera else False
        if own:
            proven.append(document)
        elif own is None or _not_known(document):
            unknown.append(document)
    return Sorted(proven, unknown)


def _label(document: Mapping[str, Any], name: str) -> str:
    return str((document["metadata"].get("labels") or {}).get(f"{documents.LABEL}{name}") or "")


def _is_its_own(document: Mapping[str, Any], known: Mapping[str, _Runs | None]) -> bool | None:
    """Whether the service's API shows it as its own; None where that is not known.

    A run that has another workflow does not: two services that count their tasks 1, 2, 3 have the same ones.
    """
    task = _label(document, "task")
    if task not in known:
        return None
    runs = known[task]
    if runs is None:
        return False
    mine, name = runs.get(_label(document, "run")), document["metadata"]["name"]
    return True if mine in {None, "", name} or _is_another_attempt(name, str(mine), task) else None


def _is_another_attempt(name: str, other: str, task: str) -> bool:
    """Whether two names are one run's, tried twice: they hold the task, and differ only behind their last dash."""
    base = other.rpartition("-")[0]
    return task in base and name.startswith(f"{base}-")


def _known_tasks(backend: object, tasks: Iterable[str]) -> dict[str, _Runs | None]:
    """The runs of each task by the service's API; None for one that it does not know; none that it did not answer for.

    It is not asked for ever: a rollback does not wait for a service that is slow or down.
    """
    known: dict[str, _Runs | None] = {}
    failures, ends = 0, clock.monotonic() + ASK_SECONDS
    for task in sorted(tasks if isinstance(backend, Backend) else ()):
        try:
            runs = backend.task(task).get("runs") or []  # type: ignore[attr-defined]
            known[task] = {str(run.get("runNumber")): str(run.get("workflowId") or "") for run in runs}
        except RolloutError as error:
            if error.status in NO_SUCH_TASK:
                known[task] = None
            else:
                failures += 1
        if failures == _MOST_FAILURES or clock.monotonic() > ends:
            break
    return known


def _not_known(document: Mapping[str, Any]) -> bool:
    """Whether nothing shows that Hera in this service did not make it."""
    meta = document["metadata"]
    if SPEC_HASH in (meta.get("annotations") or {}) or CRON in (meta.get("labels") or {}):
        return False  # the kit's own, from a notebook; one that Argo itself makes by a schedule
    return provenance(document).path != "yaml" or by_hera(document)


def by_hera(document: Mapping[str, Any]) -> bool:
    """Whether the backend made it by Hera, by its label or, where the label is missing or lies, by its manifest."""
    meta = document["metadata"]
    if SPEC_HASH in (meta.get("annotations") or {}):
        return False  # the kit's own, from a notebook
    labels = meta.get("labels") or {}
    labelled = f"{documents.LABEL}path" in labels
    if _label(document, "path") not in {"yaml", "hera"}:  # a label that names no path says nothing of Hera either
        others = {key: value for key, value in labels.items() if key != f"{documents.LABEL}path"}
        document = {**document, "metadata": {**meta, "labels": others}}
    found = provenance(document)
    ours = labelled or meta["name"].startswith(PREFIX)
    return ours and (found.path == "hera" or found.how == "contradicted")


def frame(found: Iterable[Mapping[str, Any]]) -> DataFrame:
    """The documents as a table."""
    rows = []
    for document in found:
        judged = provenance(document)
        rows.append({**documents.row(document), "path": judged.path or "unknown", "how": judged.how})
    made = DataFrame(rows, columns=COLUMNS).sort_values("created", kind="stable", ignore_index=True)
    made.attrs["command"] = "kubectl get workflows -l hera-rollout/path=hera -L hera-rollout/task"
    return made


def _slim(document: dict[str, Any]) -> dict[str, Any]:
    """Without its node tree, so that many fit."""
    status = {key: value for key, value in (document.get("status") or {}).items() if key != "nodes"}
    return {**document, "status": status}
