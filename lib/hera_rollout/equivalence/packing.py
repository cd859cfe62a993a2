"""Making the compact schema file from CRDs, and from the Go types of the same module."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hera_rollout.equivalence import gotypes
from hera_rollout.equivalence.metadata import OBJECT_META
from hera_rollout.equivalence.schemas import BUNDLED, KINDS, LIMITS

Raw = dict[str, Any]
_SHORT = {
    "type": "t",
    "required": "r",
    "enum": "e",
    "pattern": "m",
    "zero": "z",
    "any_string": "s",
    "argo_int": "w",
}


def packed(crds: Sequence[Mapping[str, Any]], header: Mapping[str, str]) -> Raw:
    """Number each distinct place of the schemas once."""
    nodes: dict[str, int] = {}
    kinds = {}
    for crd in crds:
        kind = crd["spec"]["names"]["kind"]
        if kind in KINDS:
            kinds[kind] = _number(_root(crd), nodes)
    return {"header": dict(header), "kinds": kinds, "nodes": [json.loads(text) for text in nodes]}


def _root(crd: Mapping[str, Any]) -> Raw:
    version = next(one for one in crd["spec"]["versions"] if one.get("storage", True))
    schema: Raw = version["schema"]["openAPIV3Schema"]
    kept = {name: part for name, part in schema["properties"].items() if name != "status"}
    # Kubernetes checks metadata itself; the status is the controller's word, not a manifest's.
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {**schema, "properties": {**kept, "metadata": OBJECT_META, "status": status}}


def _number(part: Mapping[str, Any], nodes: dict[str, int]) -> int:
    raw: Raw = {}
    for long, short in _SHORT.items():
        if part.get(long):
            raw[short] = part[long]
    if part.get("x-kubernetes-preserve-unknown-fields"):
        raw["u"] = 1
    if part.get("x-kubernetes-int-or-string"):
        raw["q"] = 1
    if "default" in part:
        raw["d"] = part["default"]
    if part.get("x-kubernetes-list-map-keys"):
        raw["k"] = part["x-kubernetes-list-map-keys"]
    limits = {name: part[name] for name in LIMITS if name in part}
    if limits:
        raw["n"] = limits
    if "properties" in part:
        raw["p"] = {name: _number(child, nodes) for name, child in sorted(part["properties"].items())}
    if isinstance(part.get("items"), Mapping):
        raw["i"] = _number(part["items"], nodes)
    if isinstance(part.get("additionalProperties"), Mapping):
        raw["a"] = _number(part["additionalProperties"], nodes)
    return nodes.setdefault(json.dumps(raw, sort_keys=True), len(nodes))


def make(folder: Path) -> Raw:
    """The packed schemas of an Argo module's folder in Go's module cache."""
    crds = [
        yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        for path in sorted((folder / "manifests/base/crds/full").glob("argoproj.io_*.yaml"))
    ]
    types = gotypes.read(folder)
    for crd in crds:
        kind = crd["spec"]["names"]["kind"]
        if kind in KINDS:
            gotypes.mark_zero(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], f"argo.{kind}", types)
    return packed(crds, _header(folder))


def _header(folder: Path) -> dict[str, str]:
    module = re.search(r"^module (\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
    licence = (folder / "LICENSE").read_text()
    return {
        "what": "Structure of Argo's full CRDs, generated; texts left out",
        "module": module[1] if module else folder.name,
        "version": folder.name.partition("@")[2],
        "licence": "Apache-2.0" if "Apache License" in licence else "see the module",
        "made_by": "python -m hera_rollout.equivalence.packing FOLDER",
    }


def main() -> None:
    """Write the bundled file anew from the module's folder given on the command line."""
    folders = [Path(word) for word in sys.argv[1:]]
    if len(folders) != 1 or not (folders[0] / "manifests/base/crds/full").is_dir():
        sys.exit("Give one folder: Argo's module in Go's module cache (it has manifests/base/crds/full).")
    target = Path(__file__).with_name("data") / BUNDLED
    target.parent.mkdir(exist_ok=True)
    data = make(folders[0])
    target.write_text(json.dumps(data, sort_keys=True, separators=(",", ":")) + "\n", "utf-8")
    sys.stdout.write(f"{target.name}: {len(data['nodes'])} nodes, {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
