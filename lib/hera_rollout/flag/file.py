"""Medium `configmap`: a file that every pod sees change; no pod restarts, and it can say a share."""

from __future__ import annotations

import difflib
import json
import math
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hera_rollout.cluster import Cluster, environment
from hera_rollout.errors import Ambiguous, Conflicting, Missing, Refused, RolloutError
from hera_rollout.flag.changes import FlagChange, Tell
from hera_rollout.flag.variable import undo_command

Data = dict[str, str]
TOUCHED = "hera-rollout/flag-touched"
_TRIES = 5


@dataclass(frozen=True)
class FileChange:
    """A change of the ConfigMap's two keys; `before` is all of its data, None if it is not there."""

    name: str
    namespace: str
    before: Data | None
    after: Data = field(default_factory=dict)

    @property
    def noop(self) -> bool:
        """Whether it already says so."""
        return self.before is not None and all(self.before.get(key) == value for key, value in self.after.items())

    @property
    def command(self) -> str:
        """The kubectl line it stands for."""
        if self.before is None:
            literals = " ".join(f"--from-literal={key}={value}" for key, value in self.after.items())
            return f"kubectl create configmap {self.name} {literals} -n {self.namespace}"
        return _patch_command(self.name, self.namespace, self.after)

    def diff(self) -> str:
        """The change as a unified diff of the ConfigMap's data."""
        if self.noop:
            return ""
        before, after = _lines(self.before), _lines({**(self.before or {}), **self.after})
        names = (f"configmap/{self.name} ({'now' if self.before is not None else 'not there'})",
                 f"configmap/{self.name} (planned)")  # fmt: skip
        return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def plan(cluster: Cluster, enabled: bool, percent: float) -> FlagChange:
    """Plan it.

    Raises:
        Refused: The pods do not mount this ConfigMap, the share is none, or the variable says off, which would win.
    """
    target = cluster.target
    if not (math.isfinite(percent) and 0 <= percent <= 100):  # noqa: PLR2004
        raise Refused(f"{percent} is no percentage.", expected="a number from 0 to 100.")
    _refuse_unmounted(cluster)
    if enabled:
        _refuse_overruled(cluster)
    after = {"enabled": str(enabled).lower(), "percent": _number(percent if enabled else 0)}
    change = FileChange(target.flag.configmap, target.namespace, _data(cluster), after)
    pods = shlex.quote(cluster.selector())
    undo = (
        _patch_command(change.name, change.namespace, {"enabled": "false", "percent": "0"})
        + f" && kubectl annotate pods -l {pods} {TOUCHED}=$(date +%s) --overwrite -n {target.namespace}"
    )
    return FlagChange(enabled, change, undo, "configmap", percent if enabled else 0.0)


def apply(cluster: Cluster, change: FileChange) -> None:
    """Create or patch it; Conflicting if it is no longer what it was when the change was shown."""
    for attempt in range(_TRIES):
        found = _document(cluster)
        if _data_of(found) != change.before:
            raise _changed_meanwhile(change, _data_of(found))
        try:
            _write(cluster, change.name, change.after, found)
        except (Conflicting, Missing):
            if attempt == _TRIES - 1:
                raise
        except Ambiguous:  # the lost answer is looked up, not sent again
            if not FileChange(change.name, change.namespace, _data(cluster), change.after).noop:
                raise
            return
        else:
            return


def read_file(cluster: Cluster) -> dict[str, str] | None:
    """What the flag's file says now; None where there is none."""
    return _data(cluster)


def restore_file(cluster: Cluster, before: dict[str, str] | None) -> None:
    """Put the flag's file back as it was read before; delete it where there was none."""
    found = _document(cluster)
    if _data_of(found) == before:
        return
    name = cluster.target.flag.configmap
    if before is None and found is not None:
        cluster.connection.delete(f"{_folder(cluster)}/{name}", f"delete configmap {name}",
                                  version=found["metadata"]["resourceVersion"])  # fmt: skip
    elif before is not None:
        gone = dict.fromkeys((_data_of(found) or {}).keys() - before.keys())  # null: a merge patch takes it away
        _write(cluster, name, {**before, **gone}, found)
    touch(cluster, lambda _line: None)


def touch(cluster: Cluster, tell: Tell) -> None:
    """Patch an annotation of every pod: its kubelet then looks at its ConfigMaps at once, not within a minute."""
    note = {"metadata": {"annotations": {TOUCHED: str(time.time_ns())}}}
    try:
        found = cluster.pod_documents(cluster.selector())
    except RolloutError as error:  # the file is written all the same: no reason to call it a flip that failed
        tell(f"the pods may take a minute to see the file: {error.seen}")
        return
    for pod in found:
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{cluster.target.namespace}/pods/{name}"
        try:
            cluster.connection.patch(path, note, "merge-patch", f"annotate pod {name}")
        except Missing:
            continue  # it ended meanwhile
        except RolloutError as error:
            tell(f"pod {name} may take a minute to see the file: {error.seen}")


def _write(cluster: Cluster, name: str, data: Mapping[str, str | None], found: dict[str, Any] | None) -> None:
    folder = _folder(cluster)
    if found is None:
        meta = {"name": name, "labels": {"app.kubernetes.io/managed-by": "hera-rollout"}}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        cluster.connection.create(folder, body, name=name, what=f"create configmap {name}")
        return
    version = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}}
    cluster.connection.patch(f"{folder}/{name}", {**version, "data": data}, "merge-patch", f"patch configmap {name}")


def _refuse_overruled(cluster: Cluster) -> None:
    """Off in either medium wins: a file that says on would change nothing."""
    target, name = cluster.target, cluster.target.flag.env
    value = cluster.env(name)
    if value is None or not value.strip() or value.startswith("(from ") or value.strip().lower() == "true":
        return
    raise Refused(
        f"deployment/{target.deployment} has {name}={value}, and off in either medium wins: "
        f"configmap/{target.flag.configmap} cannot turn the flag on.",
        expected=f"{name} unset (then the file decides), or true.",
        why="The file would say on while every pod goes on with YAML.",
        todo=f"kubectl set env deployment/{target.deployment} {name}- -n {target.namespace} (its pods restart), "
        f"then plan again; nothing was touched.",
    )


def _refuse_unmounted(cluster: Cluster) -> None:
    target = cluster.target
    volumes = environment.read(cluster.connection, target)["spec"]["template"]["spec"].get("volumes") or []
    if target.flag.configmap in mounted(volumes):
        return
    raise Refused(
        f"The pods of deployment/{target.deployment} mount no ConfigMap {target.flag.configmap}; they would never see "
        f"what it says.",
        expected=f"a volume of configmap/{target.flag.configmap} (optional: true), as in deploy/base/deployment.yaml.",
        todo=f"Mount it, or turn the flag by its variable: {undo_command(cluster)}",
    )


def mounted(volumes: list[dict[str, Any]]) -> set[str]:
    """The names of the ConfigMaps among a pod's volumes, projected ones too."""
    sources = [part for volume in volumes for part in (volume, *((volume.get("projected") or {}).get("sources") or []))]
    return {str(part["configMap"].get("name")) for part in sources if part.get("configMap")}


def _changed_meanwhile(change: FileChange, now: Data | None) -> Conflicting:
    return Conflicting(
        f"configmap/{change.name} was changed meanwhile: it says {_told(now)}, and said {_told(change.before)} when "
        f"the change was planned.",
        expected="the ConfigMap as it was when the patch was shown.",
        why="What was approved is not what would be applied.",
        todo=f"See who changed it (kubectl get configmap {change.name} -n {change.namespace} -o yaml "
        f"--show-managed-fields), then plan again; nothing was touched.",
    )


def _folder(cluster: Cluster) -> str:
    return f"/api/v1/namespaces/{cluster.target.namespace}/configmaps"


def _document(cluster: Cluster) -> dict[str, Any] | None:
    name = cluster.target.flag.configmap
    try:
        return cluster.connection.get(f"{_folder(cluster)}/{name}", f"get configmap {name}")
    except Missing:
        return None


def _data_of(document: dict[str, Any] | None) -> Data | None:
    return None if document is None else dict(document.get("data") or {})


def _data(cluster: Cluster) -> Data | None:
    return _data_of(_document(cluster))


def _patch_command(name: str, namespace: str, data: Data) -> str:
    body = json.dumps({"data": data}, separators=(",", ":"))
    return f"kubectl patch configmap {name} -n {namespace} --type merge -p '{body}'"


def _number(percent: float) -> str:
    return f"{Decimal(str(percent)).normalize():f}"


def _lines(data: Data | None) -> list[str]:
    return [f'{key}: "{value}"' for key, value in sorted((data or {}).items())]


def _told(data: Data | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(data.items())) if data else "nothing"
