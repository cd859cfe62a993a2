"""The root file system of the Python image: Debian's minimal base, Python, uv and a folder of wheels."""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from rollout_lab import debian
from rollout_lab.commands import explain, run
from rollout_lab.compiling import new_folder
from rollout_lab.paths import PINS, Paths
from rollout_lab.progress import Step
from rollout_lab.versions import DEBIAN_SUITE, IMAGE_PACKAGES

RECIPE = 3  # raise it when the code below changes what comes out
WHEELS = "opt/wheels"
SITE = "usr/local/lib/python3.11/dist-packages"
DROPPED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
UV_SETTINGS = f"""# Pods have no internet: packages come from here.
no-index = true
find-links = ["/{WHEELS}"]
python-downloads = "never"
"""
PIP_SETTINGS = f"""[global]
no-index = true
find-links = /{WHEELS}
disable-pip-version-check = true
root-user-action = ignore
"""
PIP_COMMAND = "#!/usr/bin/python3\nimport sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"


def destination(paths: Paths) -> Path:
    """Where the root file system belongs, by a hash of what goes in."""
    digest = hashlib.sha256(f"{RECIPE} {DEBIAN_SUITE} {IMAGE_PACKAGES}".encode())
    for pin in ("image-tools.txt", "image-wheels.txt"):
        digest.update((PINS / pin).read_bytes())
    return paths.builds / f"rootfs-{digest.hexdigest()[:16]}"


def ensure(paths: Paths, step: Step) -> Path:
    """Make the root file system unless it is there."""
    target = destination(paths)
    if target.is_dir():
        step.outcome = "unchanged"
        return target
    with new_folder(target) as unfinished:
        step.detail = "debootstrap"
        _debootstrap(unfinished)
        step.detail = "uv, pip and wheels"
        _add_python_tools(unfinished)
        _clean(unfinished)
    return target


def _debootstrap(root: Path) -> None:
    include = ",".join(IMAGE_PACKAGES)
    command = ["debootstrap", "--variant=minbase", f"--include={include}", DEBIAN_SUITE, str(root)]
    if address := debian.mirror(DEBIAN_SUITE):
        command.append(address)
    done = run(command, timeout=1200, check=False)
    if done.returncode:
        raise explain(
            done,
            "debootstrap could not make the Python image's base",
            "See that Debian's mirror answers, then build again.",
        )


def download_wheels(requirements: Path, target: Path) -> None:
    """Download pinned wheels, each checked against its hash."""
    target.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    done = run([*pip, "-d", target, "-r", requirements], timeout=600, check=False)
    if done.returncode:
        raise explain(
            done, f"pip could not download {requirements.name}", "See that the package index answers, then build again."
        )


def _add_python_tools(root: Path) -> None:
    (root / "usr/bin/python").symlink_to("python3")
    (root / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    download_wheels(PINS / "image-wheels.txt", root / WHEELS)
    tools = root / "tmp/tools"
    download_wheels(PINS / "image-tools.txt", tools)
    for wheel in tools.glob("*.whl"):
        _unpack_tool(wheel, root)
    shutil.rmtree(tools)
    _write(root / "usr/local/bin/pip", PIP_COMMAND, 0o755)
    _write(root / "etc/uv/uv.toml", UV_SETTINGS, 0o644)
    _write(root / "etc/pip.conf", PIP_SETTINGS, 0o644)


def _unpack_tool(wheel: Path, root: Path) -> None:
    """Packages go to Python's own folder, programs of the wheel's `scripts` to /usr/local/bin."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if ".data/scripts/" in name:
                program = root / "usr/local/bin" / Path(name).name
                program.write_bytes(archive.read(name))
                program.chmod(0o755)
            elif ".data/" not in name:
                archive.extract(name, root / SITE)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _clean(root: Path) -> None:
    """Drop what an image does not need, and what differs from one making to the next."""
    for name in DROPPED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("etc/machine-id", "etc/resolv.conf", "etc/hostname"):
        (root / name).unlink(missing_ok=True)
        (root / name).touch()
