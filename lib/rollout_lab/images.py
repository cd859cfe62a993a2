"""The lab's own images, under names of its own and never under an upstream tag."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rollout_lab import oci
from rollout_lab.compiling import new_folder
from rollout_lab.paths import Paths
from rollout_lab.progress import Step
from rollout_lab.versions import ARGO

REGISTRY = "docker.io/"  # how containerd spells a name without a registry; nothing is ever pulled
RECIPE = 3
PATH_ENV = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON_ENV = [PATH_ENV, "LANG=C.UTF-8", "PYTHONUNBUFFERED=1"]

PAUSE = "rollout-lab/pause:1"
ARGOEXEC = f"rollout-lab/argoexec:{ARGO}"
ARGOCLI = f"rollout-lab/argocli:{ARGO}"
CONTROLLER = f"rollout-lab/workflow-controller:{ARGO}"
DNS = "rollout-lab/dns:1"
PYTHON = "rollout-lab/python:3.11"
BACKEND = "rollout-lab/backend:lab"


@dataclass(frozen=True)
class Plan:
    """An image of one program, or of a whole root file system when `program` is empty."""

    name: str
    recipe: str
    program: str
    entrypoint: tuple[str, ...] = ()
    user: str = ""

    def settings(self) -> dict[str, object]:
        """The config part of the image."""
        if not self.program:
            return {"Env": PYTHON_ENV, "Cmd": ["python3"], "WorkingDir": "/"}
        return {"Env": [PATH_ENV], "Entrypoint": list(self.entrypoint), "User": self.user, "WorkingDir": "/"}


PLANS = (
    Plan(PAUSE, "pause", "pause", ("/pause",), "65535"),
    Plan(ARGOEXEC, "argo", "argoexec", ("argoexec",)),
    Plan(ARGOCLI, "argo", "argo", ("argo",), "8737"),
    Plan(CONTROLLER, "argo", "workflow-controller", ("workflow-controller",), "8737"),
    Plan(DNS, "dns", "dns", ("/bin/dns",), "65535"),
    Plan(PYTHON, "rootfs", ""),
)
NSSWITCH = "hosts: files dns\n"
ACCOUNTS = "root:x:0:0:root:/root:/sbin/nologin\nargo:x:8737:8737::/home/argo:/sbin/nologin\n"


def key(plan: Plan, source: Path) -> str:
    """A hash of what goes into an image; the source folder is named after its own content."""
    text = json.dumps([RECIPE, plan.name, source.name, plan.program, plan.settings()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_name(plan: Plan) -> str:
    """The image's folder name without the hash."""
    return plan.name.partition("/")[2].replace(":", "-")


def ensure(paths: Paths, plan: Plan, source: Path, step: Step) -> Path:
    """Make an image's archive unless it is there; return the archive."""
    target = paths.builds / f"image-{file_name(plan)}-{key(plan, source)}"
    if not target.is_dir():
        step.detail = plan.name
        with new_folder(target) as unfinished:
            _make(plan, source, unfinished)
    return target / "image.tar"


def _make(plan: Plan, source: Path, folder: Path) -> None:
    if plan.program:
        layer = oci.write_layer(folder / "layer.tar", _program_files(plan, source, folder / "extra"))
    else:
        layer = oci.write_layer(folder / "layer.tar", oci.tree_files(source))
    image = oci.Image(REGISTRY + plan.name, (layer,), plan.settings())
    oci.write_archive(folder / "image.tar", image)
    (folder / "digest").write_text(image.digest)
    layer.path.unlink()


def _program_files(plan: Plan, source: Path, extra: Path) -> list[tuple[str, Path]]:
    """One static program and the few files around it that it reads."""
    if plan.program == "pause":
        return [("pause", source / "pause")]
    for name in ("etc", "tmp", "bin", "home/argo"):
        (extra / name).mkdir(parents=True, exist_ok=True)
    (extra / "tmp").chmod(0o1777)
    (extra / "etc/nsswitch.conf").write_text(NSSWITCH)
    (extra / "etc/passwd").write_text(ACCOUNTS)
    return [*oci.tree_files(extra), (f"bin/{plan.program}", source / plan.program)]
