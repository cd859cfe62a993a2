"""Whether Argo CD or Flux owns the Deployment, and would put back what Git says: told by their marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

TRACKING: Final = "argocd.argoproj.io/tracking-id"
INSTANCE: Final = "argocd.argoproj.io/instance"
FLUX: Final = (("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease"))
MANAGERS: Final = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
}
"""Field managers by which both write (server-side apply)."""


@dataclass(frozen=True)
class Ownership:
    """Who owns an object.

    Attributes:
        tool: Argo CD or Flux.
        name: its object: an Application, ``Kustomization NAMESPACE/NAME`` or ``HelmRelease NAMESPACE/NAME``; empty if
            only its writing was seen.
        mark: by what it was told.
    """

    tool: str
    name: str
    mark: str

    def sentence(self, what: str) -> str:
        """What follows for a change of the object."""
        by = f"{self.tool} ({self.name})" if self.name else self.tool
        return (
            f"{what} is owned by {by}, by its {self.mark}: at its next sync it may put back what Git says. "
            "Commit the same change, or pause its sync first."
        )


def owner(document: Mapping[str, Any]) -> Ownership | None:
    """Who owns it by its labels and annotations, else by its field managers; None if no such tool is seen.

    The marks are those of Argo CD's three tracking methods, and of Flux's kustomize- and helm-controller.
    `app.kubernetes.io/instance`, Argo CD's default label of old, is everybody's: it alone says nothing.
    """
    meta = document.get("metadata") or {}
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    if TRACKING in annotations:
        return Ownership(
            "Argo CD", f"Application {str(annotations[TRACKING]).partition(':')[0]}", f"annotation {TRACKING}"
        )
    if INSTANCE in labels:
        return Ownership("Argo CD", f"Application {labels[INSTANCE]}", f"label {INSTANCE}")
    for group, kind in FLUX:
        if f"{group}/name" in labels:
            where = f"{labels.get(f'{group}/namespace', '?')}/{labels[f'{group}/name']}"
            return Ownership("Flux", f"{kind} {where}", f"label {group}/name")
    managers = [str(one.get("manager", "")) for one in meta.get("managedFields") or []]
    writer = next((one for one in managers if one in MANAGERS), None)
    return Ownership(MANAGERS[writer], "", f"field manager {writer}") if writer else None
