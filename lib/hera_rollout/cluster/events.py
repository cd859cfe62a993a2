"""The namespace's events, oldest first, as `kubectl get events` shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from pandas import DataFrame

from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.cluster.pods import moment
from hera_rollout.target import Target

COLUMNS = ["time", "type", "reason", "object", "message", "count"]
_EPOCH = datetime.fromtimestamp(0, UTC)


def frame(connection: Connection, target: Target, since: datetime | None, about: str | None) -> DataFrame:
    """Events since a moment, about one object or those named after it (`backend` means backend-… too)."""
    found = connection.items(f"/api/v1/namespaces/{target.namespace}/events", "list events")
    rows = [_row(event) for event in found if _is_about(event, about)]
    kept = sorted((row for row in rows if since is None or row["time"] >= since), key=lambda row: row["time"])
    made = DataFrame(kept, columns=COLUMNS)
    made.attrs["command"] = f"kubectl get events -n {target.namespace} --sort-by=.lastTimestamp"
    return made


def _is_about(event: Document, about: str | None) -> bool:
    name = str(event.get("involvedObject", {}).get("name", ""))
    return about is None or name == about or name.startswith(f"{about}-") or name.startswith(f"{about}.")


def _time(event: Document) -> datetime:
    series = (event.get("series") or {}).get("lastObservedTime")
    text = series or event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    return moment(text) or _EPOCH


def _row(event: Document) -> Document:
    involved = event.get("involvedObject", {})
    return {
        "time": _time(event),
        "type": event.get("type", ""),
        "reason": event.get("reason", ""),
        "object": f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}",
        "message": event.get("message", ""),
        "count": int((event.get("series") or {}).get("count") or event.get("count") or 1),
    }
