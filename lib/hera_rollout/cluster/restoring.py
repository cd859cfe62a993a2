"""Putting back the pod template of a recorded revision, with one variable of it set: shown before it is applied."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import yaml

from hera_rollout.cluster import environment, rollouts
from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.errors import Conflicting, Missing
from hera_rollout.redaction import REDACTOR
from hera_rollout.target import Target

_TRIES = 5


@dataclass(frozen=True)
class Restoration:
    """An earlier pod template, planned against one state of the Deployment's.

    Attributes:
        revision: the Deployment's revision that has it now; numbers move on with each undo.
        image: of the target's container.
        command: the command line it stands for.
        before, after: pod templates.
    """

    revision: str
    image: str
    command: str
    before: Document = field(repr=False)
    after: Document = field(repr=False)

    @property
    def noop(self) -> bool:
        """Whether the Deployment has this template already."""
        return self.before == self.after

    def diff(self) -> str:
        """The change as a unified diff of the pod template, secrets masked; empty if there is none."""
        before, after = (
            yaml.safe_dump(REDACTOR.data(one), sort_keys=True).splitlines() for one in (self.before, self.after)
        )
        names = ("pod template (now)", "pod template (planned)")
        return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def plan(connection: Connection, target: Target, template_hash: str, variable: tuple[str, str]) -> Restoration:
    """Plan to put back the revision of this pod-template-hash; nothing is changed.

    Args:
        connection: to the cluster.
        target: whose Deployment.
        template_hash: the ReplicaSet's: unlike its number, it stays the same over undos.
        variable: name and value that the template's container gets.

    Raises:
        Missing: The Deployment keeps no such revision any more (`revisionHistoryLimit`).
    """
    deployment = environment.read(connection, target)
    own = rollouts.replicasets(connection, target, deployment)
    chosen = next((one for one in own if one["metadata"]["labels"].get(rollouts.HASH) == template_hash), None)
    if chosen is None:
        kept = ", ".join(_revision(one) for one in own) or "none"
        raise Missing(
            f"deployment/{target.deployment} keeps no ReplicaSet {rollouts.HASH}={template_hash} any more.",
            expected=f"it among the revisions that it keeps ({kept}).",
            todo="Raise revisionHistoryLimit before the next rollout; now set the image by hand: kubectl set image.",
        )
    revision = _revision(chosen)
    after = _without_hash(chosen["spec"]["template"])
    _set(after, target, variable)
    container = next(one for one in after["spec"]["containers"] if one["name"] == target.container)
    name, namespace = f"deployment/{target.deployment}", target.namespace
    return Restoration(
        revision=revision,
        image=container["image"],
        command=f"kubectl rollout undo {name} --to-revision={revision} -n {namespace} && "
        f"kubectl set env {name} {variable[0]}={variable[1]} -n {namespace}",
        before=deployment["spec"]["template"],
        after=after,
    )


def apply(connection: Connection, target: Target, planned: Restoration) -> None:
    """Put it back in one patch, so that pods restart once.

    Raises:
        Conflicting: The pod template is no longer the one it was planned against; nothing was touched.
    """
    for attempt in range(_TRIES):
        now = environment.read(connection, target)
        if now["spec"]["template"] != planned.before:
            raise Conflicting(
                f"deployment/{target.deployment} was changed meanwhile: its pod template is not the one this was "
                "planned against.",
                expected="the Deployment as it was when the patch was shown.",
                why="What was approved is not what would be applied.",
                todo="See who changed it (kubectl rollout history), then plan again; nothing was touched.",
            )
        test = {"op": "test", "path": "/metadata/resourceVersion", "value": now["metadata"]["resourceVersion"]}
        replace = {"op": "replace", "path": "/spec/template", "value": planned.after}
        try:
            connection.patch(environment.path(target), [test, replace], "json-patch", "put the revision back")
        except Conflicting:
            if attempt == _TRIES - 1:
                raise
        else:
            return


def _revision(replicaset: Document) -> str:
    return str((replicaset["metadata"].get("annotations") or {}).get(rollouts.REVISION, "?"))


def _without_hash(template: Document) -> Document:
    labels = {key: value for key, value in template["metadata"].get("labels", {}).items() if key != rollouts.HASH}
    spec = {**template["spec"], "containers": [dict(one) for one in template["spec"]["containers"]]}
    return {**template, "metadata": {**template["metadata"], "labels": labels}, "spec": spec}


def _set(template: Document, target: Target, variable: tuple[str, str]) -> None:
    """The variable in the target's container; whatever it was set from before, it is a plain value now."""
    name, value = variable
    for container in template["spec"]["containers"]:
        if container["name"] != target.container:
            continue
        entries = list(container.get("env") or [])
        literal = {"name": name, "value": value}
        container["env"] = [literal if one["name"] == name else one for one in entries]
        if literal not in container["env"]:
            container["env"].append(literal)
