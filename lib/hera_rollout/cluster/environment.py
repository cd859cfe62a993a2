"""An environment variable of the target Deployment: read it, plan a change, apply exactly that change."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from hera_rollout.cluster.connection import Connection, Document
from hera_rollout.errors import Conflicting, Missing
from hera_rollout.target import Target

_TRIES = 5


@dataclass(frozen=True)
class EnvChange:
    """A change of one variable, planned against one state of the Deployment's pod template.

    `paused`: the Deployment is, so that the change replaces no pod until it is resumed.
    """

    name: str
    before: str | None
    after: str | None
    patch: Document
    command: str
    env_before: list[Document] = field(repr=False)
    env_after: list[Document] = field(repr=False)
    template: Document = field(repr=False, default_factory=dict)
    paused: bool = False

    @property
    def noop(self) -> bool:
        """Whether the variable already is what is wanted."""
        return self.before == self.after

    def diff(self) -> str:
        """The change as a unified diff of the container's env section; empty if there is none."""
        before, after = (yaml.safe_dump(env, sort_keys=False).splitlines() for env in (self.env_before, self.env_after))
        return "\n".join(difflib.unified_diff(before, after, "env (now)", "env (planned)", lineterm="", n=2))


def path(target: Target) -> str:
    """The target Deployment's address in the API."""
    return f"/apis/apps/v1/namespaces/{target.namespace}/deployments/{target.deployment}"


def read(connection: Connection, target: Target) -> Document:
    """The target Deployment."""
    return connection.get(path(target), f"get deployment {target.deployment} -n {target.namespace}")


def value(connection: Connection, target: Target, name: str) -> str | None:
    """The variable's value on the Deployment's container; where it comes from, if it is no literal; None if unset."""
    return _value(_env(read(connection, target), target), name)


def plan(connection: Connection, target: Target, name: str, wanted: str | None) -> EnvChange:
    """Plan to set the variable, or to remove it (None); nothing is changed."""
    deployment = read(connection, target)
    before = _env(deployment, target)
    after, entry = with_variable(before, name, wanted)
    container = {"name": target.container, "env": [entry]}
    setting = f"{name}=" + shlex.quote(wanted) if wanted is not None else f"{name}-"
    return EnvChange(
        name=name,
        before=_value(before, name),
        after=wanted,
        patch={"spec": {"template": {"spec": {"containers": [container]}}}},
        command=f"kubectl set env deployment/{target.deployment} {setting} -n {target.namespace}",
        env_before=before,
        env_after=after,
        template=deployment["spec"]["template"],
        paused=bool(deployment["spec"].get("paused")),
    )


def apply(connection: Connection, target: Target, change: EnvChange) -> None:
    """Apply a planned change; Conflicting if the pod template is no longer the one it was planned against."""

    def send(version: str) -> None:
        patch = {**change.patch, "metadata": {"resourceVersion": version}}
        connection.patch(path(target), patch, "strategic-merge-patch", f"patch deployment {target.deployment}")

    def difference(now: Document) -> str:
        current = _value(_env(now, target), change.name)
        return f" ({change.name} is now {_shown(current)}, was {_shown(change.before)})"

    patch_template(connection, target, change.template, send, difference)


def patch_template(
    connection: Connection,
    target: Target,
    planned_against: Document,
    send: Callable[[str], None],
    difference: Callable[[Document], str] = lambda _now: "",
) -> None:
    """Patch the Deployment, if its pod template still is the one that the change was planned against.

    Args:
        connection: to the cluster.
        target: whose Deployment.
        planned_against: that pod template.
        send: sends the patch, with this resourceVersion as its precondition.
        difference: what is told of a Deployment whose template is another one.

    Raises:
        Conflicting: It is another one; nothing was touched.
    """
    for attempt in range(_TRIES):
        now = read(connection, target)
        if now["spec"]["template"] != planned_against:
            raise _changed_meanwhile(target, difference(now))
        # The precondition: status updates between this read and the patch only cost another try.
        try:
            send(now["metadata"]["resourceVersion"])
        except Conflicting:
            if attempt == _TRIES - 1:
                raise
        else:
            return


def _changed_meanwhile(target: Target, difference: str) -> Conflicting:
    return Conflicting(
        f"deployment/{target.deployment} was changed meanwhile: its pod template is not the one this was planned "
        f"against{difference}.",
        expected="the Deployment as it was when the patch was shown.",
        why="What was approved is not what would be applied.",
        todo="See who changed it (kubectl rollout history), then plan again; nothing was touched.",
    )


def value_in(containers: list[Document], container: str, name: str) -> str | None:
    """The variable's value in one container of a pod; where it comes from, if it is no literal; None if unset."""
    return _value([entry for one in containers if one["name"] == container for entry in one.get("env") or []], name)


def _env(deployment: Document, target: Target) -> list[Document]:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    for container in containers:
        if container["name"] == target.container:
            return list(container.get("env") or [])
    there = ", ".join(container["name"] for container in containers)
    raise Missing(
        f"deployment/{target.deployment} has no container {target.container!r}; it has: {there}.",
        todo="Correct `container` in the target's file.",
    )


def _value(env: list[Document], name: str) -> str | None:
    # The kubelet lets the last entry win.
    entry = next((entry for entry in reversed(env) if entry["name"] == name), None)
    if entry is None:
        return None
    if "valueFrom" in entry:
        kind, source = next(iter(entry["valueFrom"].items()))
        return f"(from {kind} {source.get('name', '')} {source.get('key', source.get('fieldPath', ''))})".replace(
            "  ", " "
        )
    return str(entry.get("value", ""))


def with_variable(env: list[Document], name: str, wanted: str | None) -> tuple[list[Document], Document]:
    """The env section afterwards, and the entry for a strategic merge patch."""
    if wanted is None:
        return [entry for entry in env if entry["name"] != name], {"name": name, "$patch": "delete"}
    literal = {"name": name, "value": wanted}
    after = [literal if entry["name"] == name else entry for entry in env]
    if literal not in after:
        after = [*after, literal]
    was_reference = any(entry["name"] == name and "valueFrom" in entry for entry in env)
    entry: dict[str, Any] = {**literal, "valueFrom": None} if was_reference else literal
    return after, entry


def _shown(value: str | None) -> str:
    return "unset" if value is None else repr(value)
