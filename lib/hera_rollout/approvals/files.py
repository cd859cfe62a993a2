"""Approvals in a file (TOML or JSON), or in a parameter that holds one."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from hera_rollout.answers import plain
from hera_rollout.approvals.documents import Approval, faults
from hera_rollout.errors import Refused

KEY: Final = "approvals"
"""A file of several has them in a list of this name; a file of one has its fields at the top."""
_EXPECTED = "approver, reason, rollout, phase, rung (or what), at; optional: expires, code_revision, declined."


def read(source: str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[Approval]:
    """Read approvals.

    Args:
        source: a path of a ``.toml`` or ``.json`` file; an approval as JSON text or as a mapping; several as a list.
            Empty, or a file that is not there (yet): none.

    Raises:
        Refused: It is there, and cannot be read as approvals; the text says what is wrong with which.
    """
    if isinstance(source, str) and not source.lstrip().startswith(("{", "[")):
        source = Path(source) if source.strip() else []
    if isinstance(source, Path):
        return _checked(_parsed(source), str(source))
    found = _json(source, "the parameter") if isinstance(source, str) else source
    return _checked(found, "the parameter")


def add(path: Path, approval: Approval) -> None:
    """Write an approval to the end of a file, made if it is not there; what is there must be readable.

    Raises:
        Refused: The file holds something else, or cannot be written.
    """
    before = read(path)
    documents = [{key: value for key, value in one.plain().items() if value} for one in (*before, approval)]
    text = json.dumps({KEY: documents}, indent=1, ensure_ascii=False) if path.suffix == ".json" else _toml(documents)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text + "\n", encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise Refused(f"The approval cannot be written to {path}: {error.strerror}.") from None


def _parsed(path: Path) -> Any:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The approval file {path} cannot be read: {error}.") from None
    if path.suffix == ".json":
        return _json(text, str(path))
    if path.suffix != ".toml":
        raise Refused(f"The approval file {path} is neither TOML nor JSON.", expected="a name in .toml or .json.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(str(path), str(error)) from None


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _unreadable(where, str(error)) from None


def _checked(found: Any, where: str) -> list[Approval]:
    documents = found.get(KEY, found) if isinstance(found, Mapping) else found
    documents = [documents] if isinstance(documents, Mapping) and documents else documents
    if not isinstance(documents, Sequence):
        raise _unreadable(where, "it is no approval and no list of them") if documents else _nothing(where)
    return [_one(document, where, number) for number, document in enumerate(documents, 1)]


def _one(document: object, where: str, number: int) -> Approval:
    try:
        return Approval.model_validate(document)
    except ValidationError as error:
        told = "; ".join(faults(error))
    raise _unreadable(where, f"approval {number}: {told}")


def _unreadable(where: str, fault: str) -> Refused:
    return Refused(
        f"The approval in {where} cannot be used: {plain(fault, 400)}.",
        expected=_EXPECTED,
        why="What nobody can read nobody has approved.",
        todo="Correct it, or have `hera-rollout approve` write it.",
    )


def _nothing(where: str) -> Refused:
    return _unreadable(where, "it is empty")


def _toml(documents: Sequence[Mapping[str, Any]]) -> str:
    """JSON's strings, numbers and truths are TOML's too: an approval's texts have no control characters."""
    tables = [
        "\n".join(
            [f"[[{KEY}]]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in document.items())]
        )
        for document in documents
    ]
    return "\n\n".join(tables)
