"""Pinned modules: what is committed is what is built."""

from __future__ import annotations

import pytest

from rollout_lab import recipes, versions
from rollout_lab.recipes import Recipe

STAGING = (
    "api",
    "apimachinery",
    "apiserver",
    "client-go",
    "component-base",
    "cri-api",
    "kubectl",
    "kubelet",
    "kube-proxy",
)


@pytest.mark.parametrize("recipe", recipes.ALL, ids=lambda recipe: recipe.name)
def test_module_is_committed_with_its_checksums(recipe: Recipe) -> None:
    module = (recipe.folder / "go.mod").read_text()
    assert module.startswith("module rollout-lab.local/")
    if "require" in module:
        assert (recipe.folder / "go.sum").stat().st_size > 0


def test_versions_are_those_of_the_modules() -> None:
    assert f"k8s.io/kubernetes {versions.KUBERNETES}" in (recipes.KUBERNETES.folder / "go.mod").read_text()
    assert f"{versions.ARGO_MODULE} {versions.ARGO}" in (recipes.ARGO.folder / "go.mod").read_text()
    assert f"go.etcd.io/etcd/server/v3 {versions.ETCD}" in (recipes.ETCD.folder / "go.mod").read_text()


def test_staging_modules_are_those_of_the_same_release() -> None:
    module = (recipes.KUBERNETES.folder / "go.mod").read_text()
    release = versions.KUBERNETES.replace("v1.", "v0.")
    for name in STAGING:
        assert f"k8s.io/{name} => k8s.io/{name} {release}" in module


def test_upstream_is_replaced_only_where_it_is_mended() -> None:
    for recipe in recipes.ALL:
        replaced = "=> ./upstream" in (recipe.folder / "go.mod").read_text()
        assert replaced == bool(recipe.mended)
