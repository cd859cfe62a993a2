"""What `kubectl describe pod` says that matters. Of the environment only names: a value may be a secret."""

from __future__ import annotations

from pandas import DataFrame

from hera_rollout.cluster import pods
from hera_rollout.cluster.connection import Document


def pod(document: Document, events: DataFrame) -> str:
    """One pod, in the order of `kubectl describe pod`."""
    status = document.get("status", {})
    lines = [
        f"Name:    {document['metadata']['name']}",
        f"Node:    {document['spec'].get('nodeName', '<none>')}",
        f"Status:  {pods.status_word(document)}  {status.get('message', '')}".rstrip(),
        f"Account: {document['spec'].get('serviceAccountName', 'default')}",
        "Containers:",
    ]
    states = {state["name"]: state for state in status.get("containerStatuses") or []}
    for container in document["spec"]["containers"]:
        lines += _container(container, states.get(container["name"], {}))
    lines += ["Conditions:", *(_condition(condition) for condition in status.get("conditions") or [])]
    lines += ["Volumes:", *(_volume(volume) for volume in document["spec"].get("volumes") or [])]
    lines += ["Events:", *(f"  {row.type}  {row.reason}  x{row.count}  {row.message}" for row in events.itertuples())]
    return "\n".join(lines)


def _container(container: Document, state: Document) -> list[str]:
    word, detail = next(iter((state.get("state") or {"unknown": {}}).items()))
    told = " ".join(str(detail[key]) for key in ("reason", "exitCode", "message") if key in detail)
    mounts = [f"{mount['mountPath']} from {mount['name']}" for mount in container.get("volumeMounts") or []]
    return [
        f"  {container['name']}: image {container['image']}",
        f"    State:    {word} {told}".rstrip() + f"  (restarts: {state.get('restartCount', 0)})",
        f"    Env:      {', '.join(entry['name'] for entry in container.get('env') or []) or '<none>'}",
        f"    Mounts:   {'; '.join(mounts) or '<none>'}",
    ]


def _condition(condition: Document) -> str:
    told = " ".join(condition[key] for key in ("reason", "message") if condition.get(key))
    return f"  {condition['type']}: {condition['status']} {told}".rstrip()


def _volume(volume: Document) -> str:
    kind = next((key for key in volume if key != "name"), "?")
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName", "")
    return f"  {volume['name']}: {kind} {claim}".rstrip()
