"""Argo's full CRDs, turned from YAML into JSON once: reading 11 MB of YAML takes longer than a boot may."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from rollout_lab import mends, recipes
from rollout_lab.compiling import new_folder
from rollout_lab.paths import Paths
from rollout_lab.progress import Step
from rollout_lab.toolchain import Go

FOLDER = Path("manifests/base/crds/full")
RECIPE = 2


def destination(paths: Paths) -> Path:
    """Where the converted CRDs belong."""
    key = hashlib.sha256(f"{RECIPE} {recipes.ARGO.mended}".encode()).hexdigest()
    return paths.builds / f"crds-{key[:16]}"


def ensure(paths: Paths, go: Go, step: Step) -> Path:
    """Convert the CRDs unless they are there."""
    target = destination(paths)
    if target.is_dir():
        step.outcome = "unchanged"
        return target
    source = mends.download(go, recipes.ARGO.mended) / FOLDER
    with new_folder(target) as unfinished:
        for path in sorted(source.glob("argoproj.io_*.yaml")):
            step.detail = path.stem
            document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
            (unfinished / f"{path.stem}.json").write_text(json.dumps(document, separators=(",", ":")))
    return target


def load(folder: Path) -> dict[str, bytes]:
    """Name and JSON body of each CRD."""
    return {_name(path): path.read_bytes() for path in sorted(folder.glob("*.json"))}


def _name(path: Path) -> str:
    group, _, plural = path.stem.partition("_")
    return f"{plural}.{group}"
