"""What is built, in real parts: containerd takes our archives, buildah builds on them and its cache hits."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_lab import building, checkout, images, mounts, oci, own_images, processes, rootfs, runtime
from rollout_lab.checkout import BACKEND
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.processes import PidFile

CONTAINERD = """version = 2
root = "{0}/containerd"
state = "{0}/run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{1}"
[plugins."io.containerd.internal.v1.opt"]
path = "{0}/opt"
"""


@pytest.fixture
def store(paths: Paths, as_root: None) -> Iterator[Paths]:
    """A containerd of the test's own, without the part for Kubernetes."""
    paths.runtime.mkdir()
    paths.containerd.mkdir(parents=True)
    settings = paths.runtime / "config.toml"
    settings.write_text(CONTAINERD.format(paths.state, paths.socket))
    found = processes.spawn(
        ["/usr/bin/containerd", "--config", str(settings)],
        pid_file=PidFile(paths.runtime / "pid"),
        log=paths.runtime / "log",
    )
    yield paths
    processes.end([found])
    mounts.remove(paths.state)


def archive(folder: Path, name: str, content: str) -> Path:
    (folder / "tree").mkdir(parents=True, exist_ok=True)
    (folder / "tree/file").write_text(content)
    layer = oci.write_layer(folder / "layer.tar", oci.tree_files(folder / "tree"))
    target = folder / "image.tar"
    oci.write_archive(target, oci.Image(f"docker.io/{name}", (layer,), {"Cmd": ["/file"]}))
    return target


def wait_for(paths: Paths) -> None:
    for _ in range(200):
        if (
            paths.socket.exists()
            and "rollout" not in runtime.run(["ctr", "-a", paths.socket, "version"], check=False).stderr
        ):
            return


def test_our_archives_are_imported_once_and_again_when_they_change(store: Paths, tmp_path: Path) -> None:
    wait_for(store)
    first = archive(tmp_path / "one", "rollout-lab/x:1", "first")
    assert runtime.import_missing(store, {"rollout-lab/x:1": str(first)}) == 1
    assert "docker.io/rollout-lab/x:1" in runtime.ctr(store, "images", "list", "--quiet").split()
    assert runtime.import_missing(store, {"rollout-lab/x:1": str(first)}) == 0
    second = archive(tmp_path / "two", "rollout-lab/x:1", "second")
    assert runtime.import_missing(store, {"rollout-lab/x:1": str(second)}) == 1
    runtime.ctr(store, "images", "rm", "docker.io/rollout-lab/x:1")
    assert runtime.import_missing(store, {"rollout-lab/x:1": str(second)}) == 1


def test_archive_that_is_not_there_is_one_sentence(paths: Paths) -> None:
    with pytest.raises(LabError, match=r"no image archive at /no/such.tar"):
        runtime.import_archive(paths, Path("/no/such.tar"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The smallest checkout an image can be built from."""
    root = tmp_path / "checkout"
    for name in ("deploy/overlays/lab", "lib/reference_backend/tests", "lib/reference_backend/__pycache__"):
        (root / name).mkdir(parents=True)
    (root / "pyproject.toml").write_text('name = "hera-rollout-kit"\n')
    (root / BACKEND.requirements).write_text("")
    (root / BACKEND.containerfile).write_text(
        "ARG BASE\nFROM ${BASE}\nARG PIP_ARGS\n"
        "COPY deploy/requirements-backend.lock wheels* /build/\nCOPY lib/reference_backend /app\n"
    )
    (root / "lib/reference_backend/app.py").write_text("print(1)\n")
    (root / "lib/reference_backend/tests/test_app.py").write_text("")
    (root / "lib/reference_backend/__pycache__/app.pyc").write_text("")
    return root


@pytest.fixture
def built(paths: Paths, tmp_path: Path) -> Inventory:
    base = archive(tmp_path / "image-python-1", images.PYTHON, "base")
    return Inventory(images={images.PYTHON: str(base)})


@pytest.mark.slow
def test_buildah_builds_on_our_base_and_its_cache_hits(
    paths: Paths, built: Inventory, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    real = own_images.run

    def listening(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
        done = real(*args, **options)  # type: ignore[arg-type]
        said.append(done.stdout)
        return done

    monkeypatch.setattr(own_images, "run", listening)
    tag, image = own_images.ensure(paths, built, project)
    assert image.is_file()
    assert own_images.ensure(paths, built, project) == (tag, image)
    said.clear()
    (project / "lib/reference_backend/app.py").write_text("print(2)\n")
    other, second = own_images.ensure(paths, built, project)
    assert other != tag
    assert second.is_file()
    assert "Using cache" in "".join(said)
    assert own_images.kept_tags(paths)[0] == other
    mounts.remove(paths.cache)


def test_containerfile_that_does_not_build_is_one_sentence(paths: Paths, built: Inventory, project: Path) -> None:
    (project / BACKEND.containerfile).write_text("ARG BASE\nFROM ${BASE}\nCOPY no-such-file /\n")
    with pytest.raises(LabError, match=r"does not build from deploy/Containerfile: .*no-such-file"):
        own_images.ensure(paths, built, project)
    assert not [path for path in paths.builds.glob("backend-*") if path.is_dir()]
    mounts.remove(paths.cache)


def test_tests_and_compiled_files_do_not_change_the_image(project: Path) -> None:
    before = checkout.inputs_hash(project, "base")
    (project / "lib/reference_backend/tests/test_app.py").write_text("changed")
    (project / "lib/reference_backend/__pycache__/app.pyc").write_text("changed")
    assert checkout.inputs_hash(project, "base") == before
    assert checkout.inputs_hash(project, "other base") != before
    (project / "lib/reference_backend/new.py").write_text("")
    assert checkout.inputs_hash(project, "base") != before


def test_complete_checkout_is_told_from_an_incomplete_one(project: Path) -> None:
    assert checkout.is_complete(project)
    assert not checkout.is_complete(None)
    (project / BACKEND.requirements).unlink()
    assert not checkout.is_complete(project)


def test_old_builds_go_and_those_of_the_checkouts_own_code_stay(paths: Paths) -> None:
    made = Inventory(programs={"etcd": str(paths.builds / "etcd-2")}, crds=str(paths.builds / "crds-1"))
    for name in ("etcd-1", "etcd-2", "crds-1", "backend-1", "kit-1", "wheels-1", ".unfinished-argo-1"):
        (paths.builds / name).mkdir(parents=True)
    building._drop_old(paths, made)
    kept = ["backend-1", "crds-1", "etcd-2", "kit-1", "wheels-1"]
    assert sorted(path.name for path in paths.builds.iterdir()) == kept


def test_kubectl_and_argo_are_found_at_one_place_after_every_build(paths: Paths) -> None:
    for version in ("1", "2"):
        programs = {name: str(paths.builds / f"{name}-{version}") for name in ("argo", "kubernetes")}
        building.link_programs(paths, Inventory(programs=programs))
        assert (paths.bin / "kubectl").readlink() == paths.builds / f"kubernetes-{version}/kubectl"
    assert sorted(path.name for path in paths.bin.iterdir()) == ["argo", "kubectl"]


def test_times_of_the_run_that_did_the_work_are_kept(paths: Paths) -> None:
    Inventory(times={"etcd": 48.0}).save(paths)
    assert building._merged_times(paths, {"etcd": 0.01, "argo": 3.0}) == {"etcd": 48.0, "argo": 3.0}


def test_image_settings_are_read_by_pip_and_uv() -> None:
    import configparser
    import tomllib

    settings = tomllib.loads(rootfs.UV_SETTINGS)
    assert settings["no-index"] is True
    assert settings["find-links"] == [f"/{rootfs.WHEELS}"]
    pip = configparser.ConfigParser()
    pip.read_string(rootfs.PIP_SETTINGS)
    assert pip["global"]["find-links"] == f"/{rootfs.WHEELS}"


def test_pinned_wheels_are_downloaded_with_their_hashes_checked(tmp_path: Path) -> None:
    pins = tmp_path / "pins.txt"
    pins.write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(LabError, match=r"pip could not download pins.txt"):
        rootfs.download_wheels(pins, tmp_path / "wheels")
