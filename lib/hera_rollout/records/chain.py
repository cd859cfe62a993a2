"""Whether a record is still what was kept: the hash of each of its files, and of the record before it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final


from hera_rollout.records.nbformats import nbformat
from hera_rollout.gates import Verdict as CheckVerdict
from hera_rollout.gates import worst
from hera_rollout.gates.rules import RULES
from hera_rollout.records.outcomes import classify

RECORD: Final = "record.json"
RUNNING: Final = "-RUNNING"


def digest(path: Path) -> str:
    """A file's SHA-256, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a record but record.json, by path within it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def chain(rollout: Path) -> list[Path]:
    """The folders of a rollout's finished records, oldest first."""
    return sorted(path for path in rollout.iterdir() if path.is_dir() and (path / RECORD).is_file())


def link(rollout: Path) -> dict[str, str] | None:
    """What the next record of a rollout says of the one before it; None for the first."""
    before = chain(rollout) if rollout.is_dir() else []
    return {"record": before[-1].name, "sha256": digest(before[-1] / RECORD)} if before else None


def verify(folder: Path) -> Iterator[str]:
    """Everything about a record that is not as it was kept; nothing where it is.

    Args:
        folder: the record's; the record before it is looked for beside it.
    """
    try:
        data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        kept: dict[str, str] = data["files"]
        seal, before = data["seal"], data["previous"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{RECORD} cannot be read: {error!r}"
        return
    if seal != seal_of(data):
        yield f"{RECORD} was changed after it was kept"
    yield from _files(kept, digests(folder))
    yield from _predecessor(folder, before)
    if not folder.name.endswith(f"-{data.get('notebook')}-{data.get('verdict')}"):
        yield f"the folder is called {folder.name}, but the record is of {data.get('notebook')}, {data.get('verdict')}"


def _files(kept: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """Files that were changed, are missing, or came later."""
    for name in sorted(kept.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in kept:
            yield f"{name} was not there when the record was kept"
        elif kept[name] != found[name]:
            yield f"{name} was changed"


def _predecessor(folder: Path, before: dict[str, str] | None) -> Iterator[str]:
    """Whether the record before this one is the one that was there when this one was kept."""
    names = [path.name for path in chain(folder.parent)]
    place = names.index(folder.name)
    found = names[place - 1] if place else None
    wanted = before["record"] if before else None
    if found != wanted:
        yield f"the record before it was {wanted or 'none'}, but now is {found or 'none'}"
    elif before and digest(folder.parent / before["record"] / RECORD) != before["sha256"]:
        yield f"the record before it, {wanted}, was changed"


def seal_of(data: dict[str, Any]) -> str:
    """The SHA-256 of a record's content without its seal, in a form that does not depend on how it is written."""
    content = {key: value for key, value in data.items() if key != "seal"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def recompute(folder: Path) -> Iterator[str]:
    """Judge a record again from its evidence alone; yields each difference to what it says.

    Every check's verdict is computed by its rule from its evidence, and the outcome from the executed notebook.
    """
    data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    checks = json.loads((folder / "evidence" / "checks.json").read_text(encoding="utf-8"))
    for check in checks:
        name, said = check["name"], check["verdict"]
        rule = RULES.get(check["rule"])
        again = rule(check["evidence"]).value if rule else "no rule of that name"
        if again != said:
            yield f"check {name!r} says {said}, its evidence gives {again} by rule {check['rule']!r}"
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    outcome = classify(notebook, data["broken"], refused=data.get("refused", ""))
    if outcome.verdict.value != data["verdict"]:
        yield f"the record says {data['verdict']}, the notebook gives {outcome.verdict.value}: {outcome.reason}"
    borne = worst(CheckVerdict(check["verdict"]) for check in checks)
    if data["verdict"] == "PASS" and borne is not CheckVerdict.PASS:
        yield f"the record says PASS, its checks come to {borne.value}"
