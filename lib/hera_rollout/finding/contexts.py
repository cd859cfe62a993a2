"""The contexts of a kubeconfig."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes import config

from hera_rollout.answers import plain
from hera_rollout.errors import Missing, Refused


@dataclass(frozen=True)
class Context:
    """One context; `namespace` is empty where it names none."""

    name: str
    namespace: str
    current: bool


def known(kubeconfig: Path | None) -> list[Context]:
    """The contexts there are, the current one first.

    Args:
        kubeconfig: the file; kubectl's own default if None.

    Raises:
        Refused: there is no such file, or nothing in it.
    """
    try:
        found, current = config.list_kube_config_contexts(str(kubeconfig) if kubeconfig else None)
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise Refused(
            f"The kubeconfig {kubeconfig or 'that kubectl would use'} cannot be read: {plain(str(error))}",
            expected="a kubeconfig with a context, as `kubectl config get-contexts` lists them.",
            todo="Name its file with --kubeconfig or in KUBECONFIG, or have one made for you.",
        ) from None
    made = [
        Context(one["name"], str((one.get("context") or {}).get("namespace") or ""), one == current) for one in found
    ]
    return sorted(made, key=lambda one: not one.current)


def chosen(contexts: list[Context], name: str) -> Context:
    """The context of that name.

    Raises:
        Missing: there is none.
    """
    for context in contexts:
        if context.name == name:
            return context
    raise Missing(
        f"The kubeconfig has no context {name!r}.",
        expected=f"one of {', '.join(context.name for context in contexts)}.",
        todo="Give one of these with --context.",
    )
