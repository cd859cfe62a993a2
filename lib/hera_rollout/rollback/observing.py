"""Workflows made by Hera: which are new since a moment, and which are still in flight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pandas import DataFrame

from hera_rollout.backend import provenance
from hera_rollout.backend.orphans import PREFIX
from hera_rollout.workflows import Workflows, documents
from hera_rollout.workflows.submission import SPEC_HASH

COLUMNS: Final = ["name", "phase", "path", "how", "task", "run", "created", "seconds", "message"]
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
    running = workflows.raw("workflows.argoproj.io/completed!=true")
    return frame([document for document in running if not documents.finished(document) and by_hera(document)])


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
