"""Images by hand: equal content gives equal bytes, and what is written is a valid OCI layout."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

import pytest

from rollout_lab import oci


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/program").write_text("#!/bin/sh\n")
    (root / "usr/bin/program").chmod(0o755)
    (root / "usr/bin/link").symlink_to("program")
    os.link(root / "usr/bin/program", root / "usr/bin/again")
    return root


def read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as content:
        member = content.extractfile(name)
        assert member is not None
        return member.read()


def test_same_content_written_later_has_the_same_digest(tree: Path, tmp_path: Path) -> None:
    first = oci.write_layer(tmp_path / "a.tar", oci.tree_files(tree))
    for path in tree.rglob("*"):
        os.utime(path, (2_000_000_000, 2_000_000_000), follow_symlinks=False)
    os.utime(tree / "usr/bin/program", (1_900_000_000, 1_900_000_000))
    second = oci.write_layer(tmp_path / "b.tar", oci.tree_files(tree))
    assert first.digest == second.digest == oci.file_digest(tmp_path / "a.tar")


def test_changed_content_or_mode_has_another_digest(tree: Path, tmp_path: Path) -> None:
    first = oci.write_layer(tmp_path / "a.tar", oci.tree_files(tree)).digest
    (tree / "usr/bin/program").chmod(0o700)
    assert oci.write_layer(tmp_path / "b.tar", oci.tree_files(tree)).digest != first


def test_old_times_are_kept_so_that_compiled_python_stays_valid(tree: Path, tmp_path: Path) -> None:
    os.utime(tree / "usr/bin/program", (1_600_000_000, 1_600_000_000))
    oci.write_layer(tmp_path / "a.tar", oci.tree_files(tree))
    with tarfile.open(tmp_path / "a.tar") as content:
        assert content.getmember("usr/bin/program").mtime == 1_600_000_000


def test_links_and_modes_survive(tree: Path, tmp_path: Path) -> None:
    oci.write_layer(tmp_path / "a.tar", oci.tree_files(tree))
    with tarfile.open(tmp_path / "a.tar") as content:
        assert content.getmember("usr/bin/link").linkname == "program"
        assert content.getmember("usr/bin/program").mode == 0o755


def test_archive_is_a_layout_whose_digests_are_right(tree: Path, tmp_path: Path) -> None:
    layer = oci.write_layer(tmp_path / "layer.tar", oci.tree_files(tree))
    image = oci.Image("docker.io/rollout-lab/x:1", (layer,), {"Cmd": ["/usr/bin/program"]})
    archive = tmp_path / "image.tar"
    oci.write_archive(archive, image)
    entry = json.loads(read(archive, "index.json"))["manifests"][0]
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/rollout-lab/x:1"
    assert entry["digest"] == image.digest
    manifest = json.loads(read(archive, "blobs/" + entry["digest"].replace(":", "/")))
    for blob in [manifest["config"], *manifest["layers"]]:
        content = read(archive, "blobs/" + blob["digest"].replace(":", "/"))
        assert "sha256:" + hashlib.sha256(content).hexdigest() == blob["digest"]
        assert len(content) == blob["size"]


def test_one_history_entry_a_layer_for_buildah(tree: Path, tmp_path: Path) -> None:
    layer = oci.write_layer(tmp_path / "layer.tar", oci.tree_files(tree))
    config = json.loads(oci.Image("x", (layer, layer)).config())
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == 2
