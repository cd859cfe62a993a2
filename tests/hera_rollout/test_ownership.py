"""Who owns a Deployment: told by the marks of Argo CD and Flux, and by nothing that everybody has."""

import pytest

from hera_rollout.cluster.ownership import owner


@pytest.mark.parametrize(
    ("meta", "tool", "name"),
    [
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:argo/backend"}},
            "Argo CD", "Application shop",
        ),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD", "Application shop"),
        (
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}},
            "Flux", "Kustomization flux/apps",
        ),
        (
            {"labels": {"helm.toolkit.fluxcd.io/name": "backend", "helm.toolkit.fluxcd.io/namespace": "shop"}},
            "Flux", "HelmRelease shop/backend",
        ),
        ({"managedFields": [{"manager": "kubectl"}, {"manager": "argocd-controller"}]}, "Argo CD", ""),
        ({"managedFields": [{"manager": "helm-controller"}]}, "Flux", ""),
    ],
)  # fmt: skip
def test_an_owner_is_told_by_its_mark_and_the_sentence_says_what_follows(meta, tool, name):
    found = owner({"metadata": meta})
    assert (found.tool, found.name) == (tool, name)
    told = found.sentence("deployment/backend")
    assert told.startswith(f"deployment/backend is owned by {tool}")
    assert "may put back what Git says. Commit the same change, or pause its sync first." in told


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"labels": {"app.kubernetes.io/instance": "backend", "app.kubernetes.io/managed-by": "Helm"}},
        {
            "managedFields": [
                {"manager": "kubectl"},
                {"manager": "hera-rollout"},
                {"manager": "kube-controller-manager"},
            ]
        },
    ],
)
def test_what_everybody_has_names_no_owner(meta):
    assert owner({"metadata": meta}) is None
