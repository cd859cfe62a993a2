"""The mends, on the real modules."""

from __future__ import annotations

import filecmp
from pathlib import Path

import pytest

from rollout_lab import mends, recipes, toolchain
from rollout_lab.errors import LabError
from rollout_lab.recipes import Recipe


def differences(recipe: Recipe, folder: Path) -> tuple[list[str], list[str]]:
    """Files that a mended copy has and upstream has not, and files whose content is another one."""
    go = toolchain.ensure()
    original = mends.download(go, recipe.mended)
    mends.mended_copy(go, recipe.mended, folder)
    added, changed = [], []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not (original / name).exists():
            added.append(str(name))
        elif path.is_file() and not filecmp.cmp(path, original / name, shallow=False):
            changed.append(str(name))
    return sorted(added), changed


def test_argos_mend_adds_two_files_and_changes_none(tmp_path: Path) -> None:
    files = ["ui/dist/app/index.html", "workflow/executor/osspecific/signal_linux.go"]
    assert differences(recipes.ARGO, tmp_path / "upstream") == (files, [])


def test_kubernetes_mend_changes_how_often_the_kubelet_looks_and_nothing_else(tmp_path: Path) -> None:
    assert differences(recipes.KUBERNETES, tmp_path / "upstream") == ([], ["pkg/kubelet/kubelet.go"])
    original = mends.download(toolchain.ensure(), recipes.KUBERNETES.mended) / mends.KUBELET
    before, after = (path.read_text().splitlines() for path in (original, tmp_path / "upstream" / mends.KUBELET))
    lines = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [tuple(" ".join(line.split()) for line in pair) for pair in lines] == [
        ("genericPlegRelistPeriod = time.Second * 1", "genericPlegRelistPeriod = time.Second / 5")
    ]


def test_a_kubernetes_without_that_constant_is_refused(tmp_path: Path) -> None:
    (tmp_path / mends.KUBELET).parent.mkdir(parents=True)
    (tmp_path / mends.KUBELET).write_text("package kubelet\n")
    with pytest.raises(LabError, match="genericPlegRelistPeriod"):
        mends.MENDS[recipes.KUBERNETES.mended].apply(tmp_path)
