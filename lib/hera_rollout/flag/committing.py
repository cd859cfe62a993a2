"""What to commit to Git, so that the next deploy from there does not turn the flag back."""

from __future__ import annotations

from hera_rollout.flag.changes import ALL
from hera_rollout.target import Medium, Target


def to_commit(target: Target, medium: Medium, *, enabled: bool, percent: float = ALL) -> str:
    """The flag so set, as YAML for a kustomize overlay: a patch of the Deployment, or the flag's ConfigMap.

    Raises:
        ValueError: medium `manual`: there is nothing of Kubernetes' to commit.
    """
    word = "true" if enabled else "false"
    if medium == "configmap":
        return _configmap(target, word, percent if enabled else 0)
    if medium == "env":
        return _patch(target, word)
    raise ValueError("medium manual is no manifest")


def _patch(target: Target, value: str) -> str:
    return "\n".join((
        "apiVersion: kustomize.config.k8s.io/v1beta1",
        "kind: Kustomization",
        "resources: [../../base]",
        "patches:",
        "- patch: |-",
        "    apiVersion: apps/v1",
        "    kind: Deployment",
        f"    metadata: {{name: {target.deployment}, namespace: {target.namespace}}}",
        "    spec:",
        "      template:",
        "        spec:",
        "          containers:",
        f"          - name: {target.container}",
        f'            env: [{{name: {target.flag.env}, value: "{value}"}}]',
    ))  # fmt: skip


def _configmap(target: Target, value: str, percent: float) -> str:
    return "\n".join((
        "apiVersion: v1",
        "kind: ConfigMap",
        f"metadata: {{name: {target.flag.configmap}, namespace: {target.namespace}}}",
        f'data: {{enabled: "{value}", percent: "{percent:g}"}}',
    ))  # fmt: skip
