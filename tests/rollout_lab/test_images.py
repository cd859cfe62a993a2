"""The lab's images: own names, least users, nothing pulled."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from rollout_lab import images
from rollout_lab.images import Plan
from rollout_lab.paths import Paths
from rollout_lab.progress import Step


@pytest.mark.parametrize("plan", images.PLANS, ids=lambda plan: plan.name)
def test_names_are_our_own_and_never_an_upstream_tag(plan: Plan) -> None:
    assert plan.name.startswith("rollout-lab/")


@pytest.mark.parametrize("name", [images.PAUSE, images.ARGOCLI, images.CONTROLLER, images.DNS])
def test_servers_do_not_run_as_root(name: str) -> None:
    plan = next(plan for plan in images.PLANS if plan.name == name)
    assert int(plan.user) > 0


def test_python_image_has_a_utf8_locale() -> None:
    plan = next(plan for plan in images.PLANS if plan.name == images.PYTHON)
    assert "LANG=C.UTF-8" in plan.settings()["Env"]  # type: ignore[operator]


def test_image_of_a_program_is_made_once(paths: Paths, tmp_path: Path) -> None:
    source = tmp_path / "pause-123"
    source.mkdir()
    (source / "pause").write_bytes(b"program")
    plan = images.PLANS[0]
    archive = images.ensure(paths, plan, source, Step("images"))
    made = archive.stat().st_mtime_ns
    assert images.ensure(paths, plan, source, Step("images")) == archive
    assert archive.stat().st_mtime_ns == made
    with tarfile.open(archive) as content:
        index = content.extractfile("index.json")
        assert index is not None
        name = json.load(index)["manifests"][0]["annotations"]["io.containerd.image.name"]
    assert name == "docker.io/rollout-lab/pause:1"


def test_other_program_is_another_image(tmp_path: Path) -> None:
    plan = images.PLANS[0]
    assert images.key(plan, tmp_path / "pause-1") != images.key(plan, tmp_path / "pause-2")
