"""Putting back the pod template of a recorded revision, with one variable of it set: shown before it is applied."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import yaml

from hera_rollout.cluster import environment, rollouts
from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.errors import Missing, Refused
from hera_rollout.redaction import REDACTOR
from hera_rollout.target import Target


@dataclass(frozen=True)
class Restoration:
    """An earlier pod template, planned against one state of the Deployment's.

    Attributes:
        template_hash: the pod-template-hash by which it was found.
        revision: the Deployment's revision that has it now; numbers move on with each undo.
        image: of the target's container.
        command: the command line it stands for.
        before, after: pod templates.
    """

    template_hash: str
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


def plan(
    connection: Connection, target: Target, template_hash: str, variable: tuple[str, str] | None = None
) -> Restoration:
    """Plan to put back the revision of this pod-template-hash; nothing is changed.

    Args:
        connection: to the cluster.
        target: whose Deployment.
        template_hash: the ReplicaSet's: unlike its number, it stays the same over undos.
        variable: name and value that the template's container gets; as it was, if none is given.

    Raises:
        Refused: The Deployment is paused: no pod would be replaced, and `kubectl rollout undo` refuses it too.
        Missing: The Deployment keeps no such revision any more (`revisionHistoryLimit`).
    """
    deployment = environment.read(connection, target)
    if rollouts.paused(deployment):
        raise Refused(
            f"deployment/{target.deployment} is paused (spec.paused): no pod would be replaced.",
            expected="a Deployment that is not paused.",
            todo=f"{rollouts.resume_command(target)} (its pod template goes in effect), then run this again.",
        )
    own = rollouts.replicasets(connection, target, deployment)
    chosen = next((one for one in own if one["metadata"]["labels"].get(rollouts.HASH) == template_hash), None)
    if chosen is None:
        kept = ", ".join(rollouts.revision_of(one) for one in own) or "none"
        raise Missing(
            f"deployment/{target.deployment} keeps no ReplicaSet {rollouts.HASH}={template_hash} any more.",
            expected=f"it among the revisions that it keeps ({kept}).",
            todo="Raise revisionHistoryLimit before the next rollout; now set the image by hand: kubectl set image.",
        )
    revision, after = rollouts.revision_of(chosen), rollouts.template_of(chosen)
    container = next(one for one in after["spec"]["containers"] if one["name"] == target.container)
    if variable:
        container["env"], _ = environment.with_variable(container.get("env") or [], *variable)
    name, namespace = f"deployment/{target.deployment}", target.namespace
    return Restoration(
        template_hash=template_hash,
        revision=revision,
        image=container["image"],
        command=f"kubectl rollout undo {name} --to-revision={revision} -n {namespace}"
        + (f" && kubectl set env {name} {variable[0]}={variable[1]} -n {namespace}" if variable else ""),
        before=deployment["spec"]["template"],
        after=after,
    )


def apply(connection: Connection, target: Target, planned: Restoration) -> None:
    """Put it back in one patch, so that pods restart once.

    Raises:
        Conflicting: The pod template is no longer the one it was planned against; nothing was touched.
    """

    def send(version: str) -> None:
        rollouts.put_template(connection, target, planned.after, version)

    environment.patch_template(connection, target, planned.before, send)
