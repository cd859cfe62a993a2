"""What a stopped lab leaves is found and removed; what was there before stays. Real mounts, real folders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from rollout_lab import booting, cgroups, mounts, traces
from rollout_lab.paths import Paths


@pytest.fixture
def mounted(tmp_path: Path, as_root: None) -> Path:
    for name in ("state/kubelet/pods/a b/volume", "state/containerd", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / name], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "over", tmp_path / "state/containerd"], check=True)
    return tmp_path


def test_mounts_below_the_lab_go_also_twice_mounted_ones_and_those_with_spaces(mounted: Path) -> None:
    try:
        assert f"{mounted}/state/kubelet/pods/a b/volume" in mounts.below(mounted / "state")
        mounts.remove(mounted / "state")
        assert mounts.below(mounted / "state") == []
        assert mounts.below(mounted) == [f"{mounted}/elsewhere"]
    finally:
        mounts.remove(mounted)


def test_the_labs_own_folder_may_be_a_mount_point(mounted: Path) -> None:
    try:
        assert mounts.below(mounted / "elsewhere") == []
    finally:
        mounts.remove(mounted)


def test_deepest_mounts_come_first(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text("1 2 0:3 / /lab/a rw - t t rw\n1 2 0:3 / /lab/a/b rw - t t rw\n1 2 0:3 / /labour rw - t t rw\n")
    assert mounts.below(Path("/lab"), mountinfo=table) == ["/lab/a/b", "/lab/a"]


def test_fixed_folders_go_only_if_they_were_not_there_before(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    traces.remember(tmp_path / "run/traces.json", (str(theirs), str(ours)))
    (ours / "deep").mkdir(parents=True)
    traces.remember(tmp_path / "run/traces.json", (str(theirs), str(ours)))
    traces.remove(tmp_path / "run/traces.json")
    assert theirs.exists()
    assert not ours.exists()


def test_control_group_versions_are_told_apart(tmp_path: Path) -> None:
    assert cgroups.version(tmp_path) == 1
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.version(tmp_path) == 2
    assert cgroups.version() in (1, 2)


@pytest.mark.parametrize(("mask", "may"), [("000001fffeffffff", False), ("000001ffffffffff", True)])
def test_the_right_to_lower_oom_scores_is_read_not_assumed(tmp_path: Path, mask: str, may: bool) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tx\nCapEff:\t{mask}\n")
    assert cgroups.may_lower_oom_score(status) is may


@pytest.mark.parametrize("names", [["cpu", "memory", "unified"], []], ids=["version 1", "version 2"])
def test_groups_of_every_hierarchy_are_found(tmp_path: Path, names: list[str]) -> None:
    folders = [tmp_path / name / "kubepods" for name in names] or [tmp_path / "kubepods"]
    for folder in folders:
        (folder / "burstable/pod1").mkdir(parents=True)
    assert sorted(cgroups.groups(tmp_path)) == sorted(folders)


def test_members_of_a_group_are_found(tmp_path: Path) -> None:
    (tmp_path / "pod1").mkdir()
    (tmp_path / "pod1/cgroup.procs").write_text(f"{os.getpid()}\n")
    assert [one.pid for one in cgroups.members([tmp_path])] == [os.getpid()]


def test_fresh_forgets_the_cluster_and_keeps_certificates_and_images(paths: Paths) -> None:
    for name in ("etcd", "postgres", "certificates", "containerd"):
        (paths.state / name).mkdir(parents=True)
    paths.kubeconfig.touch()
    booting.drop_data(paths)
    assert {path.name for path in paths.state.iterdir()} == {"certificates", "containerd"}
