"""Workflows as a frame: one row each, by path, from status and labels; the archive's too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import pandas as pd

from hera_rollout.workflow_phases import FINISHED
from hera_rollout.workflows import Workflows, documents

COLUMNS: Final = ["uid", "name", "task", "run", "path", "how", "phase", "created", "started", "finished", "seconds",
                  "waited_seconds", "cpu", "memory", "message"]  # fmt: skip
PathOf = Callable[[Mapping[str, Any]], tuple[str, str]]


def labelled(document: Mapping[str, Any]) -> tuple[str, str]:
    """The path by the label alone: the backend's own word, not proof."""
    path = (document["metadata"].get("labels") or {}).get(f"{documents.LABEL}path", "")
    return path, "label" if path else "none"


def workflow_frame(
    workflows: Workflows,
    *,
    since: datetime,
    until: datetime | None = None,
    archive: bool = True,
    path_of: PathOf = labelled,
) -> pd.DataFrame:
    """Every workflow created in a span, each once by its uid; pages are projected as they come.

    Args:
        workflows: of the target.
        since: created at or after this moment, UTC.
        until: and not after this one, if given.
        archive: whether the archive is asked for those that are gone from the cluster.
        path_of: tells the path and how it is known, such as the backend's provenance.

    Returns:
        Columns: uid, name, task, run, path, how, phase, created, started, finished (UTC), seconds (start to end),
        waited_seconds (creation to start), cpu and memory (Argo's `resourcesDuration`: requests over time, so only
        indicative), message.
    """
    rows = {row["uid"]: row for row in (_row(one, path_of) for one in workflows.raw(since=since))}
    if archive:
        for document in workflows.archived(since):
            uid = document["metadata"]["uid"]
            if uid not in rows:
                rows[uid] = _row(document, path_of)
    made = pd.DataFrame(list(rows.values()), columns=COLUMNS)
    if until is not None:
        made = made[made["created"] <= until]
    made = made.sort_values("created", kind="stable", ignore_index=True)
    made.attrs["command"] = f"kubectl get workflows -n {workflows.target.namespace} -L hera-rollout/path"
    return made


def _row(document: Mapping[str, Any], path_of: PathOf) -> dict[str, Any]:
    meta, status = document["metadata"], document.get("status") or {}
    path, how = path_of(document)
    used = status.get("resourcesDuration") or {}
    row = documents.row(document)
    waited = (row["started"] - row["created"]).total_seconds() if row["started"] and row["created"] else None
    return {**row, "uid": meta["uid"], "path": path, "how": how, "waited_seconds": waited,
            "finished": documents.moment(status.get("finishedAt")), "cpu": used.get("cpu"),
            "memory": used.get("memory")}  # fmt: skip


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a path: workflows, how many ended and how, the success share, seconds: median, 95 % and longest."""
    rows = []
    for path, mine in frame.groupby("path", sort=False):
        ended = mine[mine["phase"].isin(FINISHED)]
        good = int((ended["phase"] == "Succeeded").sum())
        half, high, most = (_seconds(float(ended["seconds"].quantile(share))) for share in (0.5, 0.95, 1.0))
        rows.append(
            {
                "path": path or "none", "workflows": len(mine), "ended": len(ended), "succeeded": good,
                "failed": len(ended) - good, "running": len(mine) - len(ended),
                "success": f"{good} of {len(ended)}" if len(ended) else "no data",
                "median": half, "95 %": high, "longest": most,
                "most frequent failure": _failure(ended[ended["phase"] != "Succeeded"]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _seconds(value: float) -> str:
    return "no data" if pd.isna(value) else f"{value:.1f} s"


def _failure(failed: pd.DataFrame) -> str:
    if failed.empty:
        return ""
    counts = failed["message"].value_counts()
    return f"{counts.index[0]} ({counts.iloc[0]})"
