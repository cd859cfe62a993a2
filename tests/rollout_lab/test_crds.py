"""Argo's CRDs as JSON: the same content, and a mark to know it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from rollout_lab import crds, mends, recipes, toolchain
from rollout_lab.paths import Paths
from rollout_lab.progress import Step


@pytest.fixture(scope="module")
def source() -> Path:
    return mends.download(toolchain.ensure(), recipes.ARGO.mended) / crds.FOLDER


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lab")
    paths = Paths(made / "cache", made / "state", made / "run")
    return crds.ensure(paths, toolchain.ensure(), Step("crds"))


def test_all_eight_full_crds_are_there(folder: Path) -> None:
    assert set(crds.load(folder)) >= {
        "workflows.argoproj.io",
        "workflowtemplates.argoproj.io",
        "workflowtaskresults.argoproj.io",
    }
    assert len(crds.load(folder)) == 8


def test_content_is_upstreams_but_for_the_mark(folder: Path, source: Path) -> None:
    name = "argoproj.io_workflowtaskresults"
    converted = json.loads((folder / f"{name}.json").read_text())
    assert converted["metadata"]["annotations"].pop(crds.MARK)
    original = yaml.safe_load((source / f"{name}.yaml").read_text())
    original["metadata"].setdefault("annotations", {})
    assert converted == original


def test_mark_follows_the_content(folder: Path) -> None:
    marks = {crds.mark(body) for body in crds.load(folder).values()}
    assert len(marks) == 8
    assert crds.mark(b"{}") == ""
