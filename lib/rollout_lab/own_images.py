"""Images of the checkout's own code, the backend's and the kit's, built by buildah from its Containerfiles."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from rollout_lab import checkout, images, oci
from rollout_lab.checkout import BACKEND, Source
from rollout_lab.commands import explain, run
from rollout_lab.compiling import new_folder
from rollout_lab.errors import LabError, tail
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.progress import Step

POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}'
BASE = f"localhost/{images.PYTHON}"
PIP_ARGUMENTS = "--no-index --find-links /build/wheels"
STORE_LIMIT = 90  # images and cached steps in buildah's store: about eight builds, 3 GiB


def ensure(
    paths: Paths, inventory: Inventory, project: Path, step: Step | None = None, *, source: Source = BACKEND
) -> tuple[str, Path]:
    """Build the image unless its inputs were built before; return its tag and its archive."""
    step = step or Step("")
    base = Path(inventory.images[images.PYTHON])
    tag = checkout.inputs_hash(project, base.parent.name, source)
    target = paths.builds / f"{source.name}-{tag}"
    if target.is_dir():
        step.outcome = "unchanged"
    else:
        step.detail = "wheels, then the Containerfile by buildah"
        wheels = _wheels(paths, project / source.requirements)
        with new_folder(target) as unfinished:
            _build(paths, base, tag, _context(project, source, wheels, unfinished / "context"), source)
    target.touch()
    _drop_oldest(paths, source)
    return tag, target / "image.tar"


def kept_tags(paths: Paths, source: Source = BACKEND) -> list[str]:
    """Tags of the archives that are there, newest first."""
    folders = sorted(paths.builds.glob(f"{source.name}-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [folder.name.removeprefix(f"{source.name}-") for folder in folders]


def _drop_oldest(paths: Paths, source: Source) -> None:
    for tag in kept_tags(paths, source)[source.kept :]:
        shutil.rmtree(paths.builds / f"{source.name}-{tag}", ignore_errors=True)


def _trim(paths: Paths) -> None:
    """Start buildah's store anew when it has grown large: it keeps every step of every build."""
    if len(run([*_buildah(paths), "images", "--all", "--quiet"]).stdout.split()) > STORE_LIMIT:
        shutil.rmtree(paths.cache / "buildah")


def _wheels(paths: Paths, lock: Path) -> Path:
    """The lock's wheels, downloaded once, for the image's Python and not for this one."""
    target = paths.builds / f"wheels-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    if target.is_dir():
        return target
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    with new_folder(target) as unfinished:
        done = run([*pip, "--python-version", "3.11", "-d", unfinished, "-r", lock], timeout=900, check=False)
        if done.returncode:
            raise explain(
                done,
                f"pip could not download the wheels of {lock.name}",
                "See that the package index answers, then try again.",
            )
    return target


def _context(project: Path, source: Source, wheels: Path, context: Path) -> Path:
    """What the Containerfile copies from: the same paths as in the checkout, and the wheels."""
    for path in checkout.sources(project, source):
        target = context / path.relative_to(project)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copytree(wheels, context / "wheels")
    for path in context.rglob("*"):
        os.utime(path, (oci.EPOCH, oci.EPOCH))  # buildah's cache compares times too; the content alone shall count
    return context


def _buildah(paths: Paths) -> list[str | Path]:
    store = paths.cache / "buildah"
    store.mkdir(parents=True, exist_ok=True)
    (store / "policy.json").write_text(POLICY)
    return ["buildah", "--root", f"{store}/root", "--runroot", f"{store}/run", "--storage-driver", "overlay"]


def _policy(paths: Paths) -> list[str | Path]:
    return ["--signature-policy", paths.cache / "buildah/policy.json"]


def _build(paths: Paths, base: Path, tag: str, context: Path, source: Source) -> None:
    buildah, policy = _buildah(paths), _policy(paths)
    _ensure_base(paths, base)
    arguments = ["--build-arg", f"BASE={BASE}", "--build-arg", f"PIP_ARGS={PIP_ARGUMENTS}"]
    isolation = ["--isolation", "chroot", "--pull-never", "--layers", "--format", "docker"]
    file = context / source.containerfile
    built = run(
        [*buildah, "bud", *policy, *isolation, *arguments, "-t", f"{source.image}:{tag}", "-f", file, context],
        timeout=900,
        check=False,
    )
    if built.returncode:
        raise LabError(
            f"The {source.name}'s image does not build from {source.containerfile}: "
            f"{tail(built.stderr or built.stdout, 3)}"
        )
    archive = context.parent / "image.tar"
    target = f"docker-archive:{archive}:docker.io/{source.image}:{tag}"
    run([*buildah, "push", *policy, "--disable-compression", f"localhost/{source.image}:{tag}", target], timeout=300)
    shutil.rmtree(context)
    _trim(paths)


def _ensure_base(paths: Paths, base: Path) -> None:
    """Give buildah the lab's Python image, once per version of it."""
    marker = paths.cache / "buildah/base"
    if marker.exists() and marker.read_text() == base.parent.name:
        return
    buildah, policy = _buildah(paths), _policy(paths)
    found = run([*buildah, "pull", *policy, "-q", f"oci-archive:{base}"], timeout=300).stdout.split()
    run([*buildah, "tag", found[-1], BASE])
    marker.write_text(base.parent.name)
