"""What is compared with what: files, folders of files, builders, names in the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hera_rollout import equivalence
from hera_rollout.cli import building
from hera_rollout.equivalence.schemas import KINDS
from hera_rollout.errors import Missing, Refused
from hera_rollout.roundtrip import SUFFIXES

Fetch = Callable[[str], dict[str, Any]]


@dataclass(frozen=True)
class Pair:
    """Two documents to compare; a side that is missing, or why it cannot be done, in `trouble`."""

    name: str
    yaml: dict[str, Any] | None
    hera: dict[str, Any] | None
    trouble: str = ""


@dataclass(frozen=True)
class Reading:
    """How sources are read."""

    fetch: Fetch | None = None
    build_seconds: float = 60.0

    def pairs(self, a: str, b: str) -> list[Pair]:
        """All pairs of two sources.

        Raises:
            Refused: A source is not there or cannot be read.
        """
        if Path(a).is_dir() != Path(b).is_dir():
            raise Refused(
                f"One of {a} and {b} is a folder, the other is not.", expected="two folders, or two of the rest."
            )
        if Path(a).is_dir():
            return self._folders(Path(a), Path(b))
        return _matched(a if a == b else f"{a} ↔ {b}", self._documents(a), self._documents(b))

    def _documents(self, source: str) -> list[Any]:
        path = Path(source)
        if path.is_file():
            return _read(path)
        if building.is_builder(source):
            return building.build(source, self.build_seconds)
        if self.fetch is not None and "/" not in source:
            return [self.fetch(source)]
        raise Missing(
            f"There is no {source}.",
            expected="a file, a folder, module:function, or with --live the name of a workflow in the cluster.",
        )

    def _folders(self, a: Path, b: Path) -> list[Pair]:
        ours, theirs = _files(a), _files(b)
        found: list[Pair] = []
        for name in sorted(ours.keys() | theirs.keys()):
            if name not in ours or name not in theirs:
                found.append(Pair(name, None, None, f"only in {a if name in ours else b}"))
                continue
            try:
                found += _matched(name, _read(ours[name]), _read(theirs[name]))
            except Refused as error:
                found.append(Pair(name, None, None, error.seen))
        return found


def _files(folder: Path) -> dict[str, Path]:
    """Manifests by their path below the folder, without the suffix: a .yaml may have a .json for a twin."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return {str(path.relative_to(folder).with_suffix("")): path for path in found}


def _read(path: Path) -> list[Any]:
    try:
        return equivalence.documents(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.") from None


def _matched(name: str, ours: list[Any], theirs: list[Any]) -> list[Pair]:
    """Documents of one file matched by kind and name where there are several, else one with the other."""
    ours, theirs = ([one for one in side if _is_workflow(one)] for side in (ours, theirs))
    if len(ours) == len(theirs) == 1:
        return [Pair(name, ours[0], theirs[0])]
    if not ours and not theirs:
        return [Pair(name, None, None, "holds no workflow")]
    left, right = _by_key(ours), _by_key(theirs)
    found = []
    for key in [*left, *(key for key in right if key not in left)]:
        one, other = left.get(key), right.get(key)
        trouble = "" if one and other else f"only on the {'YAML' if one else 'Hera'} side"
        found.append(Pair(f"{name} {key}", one, other, trouble))
    return found


def _is_workflow(document: Any) -> bool:
    return isinstance(document, dict) and document.get("kind") in KINDS


def _by_key(documents: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for document in documents:
        meta = document.get("metadata") if isinstance(document.get("metadata"), dict) else {}
        base = f"{document['kind']} {meta.get('name') or meta.get('generateName') or '?'}"
        number = sum(key == base or key.startswith(f"{base} #") for key in found)
        found[f"{base} #{number + 1}" if number else base] = document
    return found
