"""Argo's full CRDs, turned from YAML into JSON once: reading 11 MB of YAML takes longer than a boot may."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import yaml

from rollout_lab import mends, recipes
from rollout_lab.compiling import new_folder
from rollout_lab.paths import Paths
from rollout_lab.progress import Step
from rollout_lab.toolchain import Go

FOLDER = Path("manifests/base/crds/full")
RECIPE = 3
MARK = "rollout-lab/content"


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
            (unfinished / f"{path.stem}.json").write_text(_marked(document))
    return target


def _marked(document: dict[str, Any]) -> str:
    """The CRD as JSON, a hash of its content in an annotation: one sees by it that it need not be applied again."""
    content = json.dumps(document, separators=(",", ":"))
    document["metadata"].setdefault("annotations", {})[MARK] = hashlib.sha256(content.encode()).hexdigest()[:16]
    return json.dumps(document, separators=(",", ":"))


def mark(body: bytes) -> str:
    """The hash in a converted CRD; it stands near the beginning, the whole is megabytes."""
    found = re.search(rb'"' + MARK.encode() + rb'":"([0-9a-f]+)"', body)
    return found[1].decode() if found else ""


def load(folder: Path) -> dict[str, bytes]:
    """Name and JSON body of each CRD."""
    return {_name(path): path.read_bytes() for path in sorted(folder.glob("*.json"))}


def _name(path: Path) -> str:
    group, _, plural = path.stem.partition("_")
    return f"{plural}.{group}"
