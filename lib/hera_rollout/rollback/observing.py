"""Workflows made by Hera, or nobody knows how: which are new since a moment, and which are still in flight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pandas import DataFrame

from hera_rollout.backend import Backend, provenance
from hera_rollout.backend.orphans import PREFIX
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.workflows import Workflows, documents
from hera_rollout.workflows.submission import SPEC_HASH

COLUMNS: Final = ["name", "phase", "path", "how", "task", "run", "created", "seconds", "message"]
CRON: Final = "workflows.argoproj.io/cron-workflow"
"""The label of a workflow that Argo makes from a CronWorkflow; no service submits it."""
_CLOCK_SLACK: Final = timedelta(minutes=5)


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
        hera: made by Hera, and nothing says that another service made them.
        proven: those of them whose task the service's own API knows: these are this service's.
        unknown: nothing says by which path they were made, or whose they are. It never means none.
    """

    hera: list[dict[str, Any]]
    proven: list[dict[str, Any]]
    unknown: list[dict[str, Any]]


def by_what_is_known(found: Iterable[dict[str, Any]], backend: object) -> Sorted:
    """Sort workflows by path and owner; a service that does not answer proves nothing, and disproves nothing.

    Two services of one kind in one namespace set the same labels: only its own tasks tell one from the other.
    """
    everything = list(found)
    labelled = [document for document in everything if by_hera(document)]
    known = _known_tasks(backend, {_task(document) for document in labelled} - {""})
    hera = [document for document in labelled if known.get(_task(document)) is not False]
    proven = [document for document in labelled if known.get(_task(document)) is True]
    unknown = [document for document in everything if document not in hera and _not_known(document)]
    return Sorted(hera, proven, unknown)


def _task(document: Mapping[str, Any]) -> str:
    return str((document["metadata"].get("labels") or {}).get(f"{documents.LABEL}task") or "")


def _known_tasks(backend: object, tasks: Iterable[str]) -> dict[str, bool]:
    """Whether the service's API knows each task; without those it did not answer for."""
    known: dict[str, bool] = {}
    for task in sorted(tasks if isinstance(backend, Backend) else ()):
        try:
            backend.task(task)  # type: ignore[attr-defined]
            known[task] = True
        except Missing:
            known[task] = False
        except RolloutError:
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
    found = provenance(document)
    labelled = f"{documents.LABEL}path" in (meta.get("labels") or {})
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
