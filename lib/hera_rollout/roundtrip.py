"""A team's own manifests through Hera and back: what would be lost if they were Hera objects today."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from hera_rollout import equivalence
from hera_rollout.equivalence import Comparison, Difference
from hera_rollout.equivalence.schemas import KINDS
from hera_rollout.errors import Missing, Refused

Result = Literal["same", "changed", "lost", "refused", "unreadable", "no workflow"]
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_SHOWN: Final = 300


@dataclass(frozen=True)
class Row:
    """One document of one file, and what became of it."""

    file: str
    number: int
    kind: str
    name: str
    result: Result
    detail: str = ""
    comparison: Comparison | None = None

    @property
    def lost(self) -> tuple[Difference, ...]:
        """The fields that would vanish."""
        return self.comparison.of("loss") if self.comparison else ()

    @property
    def changed(self) -> tuple[Difference, ...]:
        """What would be there, but mean something else."""
        return self.comparison.of("behavioural") if self.comparison else ()

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        base = {"file": self.file, "document": self.number, "kind": self.kind, "name": self.name}
        found = self.comparison.as_json() if self.comparison else None
        return {**base, "result": self.result, "detail": self.detail, "comparison": found}


def through_hera(document: dict[str, Any]) -> dict[str, Any]:
    """The document made into a Hera object of its kind, and back.

    Raises:
        Refused: Hera does not take it.
    """
    from hera import workflows

    kinds: dict[str, Any] = {kind: getattr(workflows, kind) for kind in KINDS}
    try:
        made: dict[str, Any] = kinds[document["kind"]].from_dict(copy.deepcopy(document)).to_dict()
    except Exception as error:  # whatever its models raise: a row, not a crash
        raise Refused(f"Hera refuses it: {_said(error)}") from None
    return made


def rows(folder: Path, rules: Iterable[str] = equivalence.ALL) -> Iterator[Row]:
    """Every document of every manifest in a folder and below, or of one file.

    Raises:
        Missing: There is nothing to read.
    """
    files = [folder] if folder.is_file() else sorted(_manifests(folder))
    if not files:
        raise Missing(f"There is no manifest in {folder}.", expected="a folder with .yaml, .yml or .json files.")
    active = frozenset(rules)
    for file in files:
        yield from _file(file, file.name if file == folder else str(file.relative_to(folder)), active)


def _manifests(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def _file(path: Path, name: str, rules: frozenset[str]) -> Iterator[Row]:
    try:
        documents = equivalence.documents(path.read_text("utf-8"), name)
    except (Refused, OSError, UnicodeDecodeError) as error:
        yield Row(name, 0, "", "", "unreadable", _said(error))
        return
    for number, document in enumerate(documents, 1):
        yield _row(name, number, document, rules)
    if not documents:
        yield Row(name, 0, "", "", "no workflow", "it holds no document")


def _row(file: str, number: int, document: Any, rules: frozenset[str]) -> Row:
    if not isinstance(document, dict):
        return Row(file, number, type(document).__name__, "", "no workflow", "it is no object")
    kind, meta = str(document.get("kind") or ""), document.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    name = str(meta.get("name") or meta.get("generateName") or "")
    if kind not in KINDS:
        return Row(file, number, kind, name, "no workflow")
    try:
        found = equivalence.compare(document, through_hera(document), rules=rules, derived=True)
    except Refused as error:
        return Row(file, number, kind, name, "refused", _said(error))
    result: Result = "lost" if found.of("loss") else "changed" if found.of("behavioural") else "same"
    return Row(file, number, kind, name, result, "", found)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
