"""Whether a record is still what was kept: the hash of each of its files, and of the record before it."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from hera_rollout.answers import plain
from hera_rollout.gates import Verdict
from hera_rollout.gates import worst
from hera_rollout.gates.rules import RULES
from hera_rollout.records.nbformats import nbformat
from hera_rollout.records.outcomes import classify
from hera_rollout.records.sources import changed, source_of, withheld

RECORD: Final = "record.json"
RUNNING: Final = "-RUNNING"
LOCK_SECONDS: Final = 30.0


def digest(path: Path) -> str:
    """A file's SHA-256, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a record but record.json, by path within it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {path.relative_to(folder).as_posix(): digest(path) for path in files}


def chain(rollout: Path) -> list[Path]:
    """The folders of a rollout's finished records, by when their runs began; each names the one kept before it."""
    return sorted(
        path for path in rollout.iterdir() if (path / RECORD).is_file() and not path.name.endswith(RUNNING)
    )


def link(rollout: Path) -> dict[str, str] | None:
    """What the next record of a rollout says of the one kept before it; None for the first.

    Kept before, not begun before: runs may overlap, and a notebook that ran long ago may be added today.
    """
    there = chain(rollout) if rollout.is_dir() else []
    named = {_told(path).before for path in there}
    ends = [path for path in there if path.name not in named] or there
    last = max(ends, key=lambda path: (_told(path).ended, path.name), default=None)
    return {"record": last.name, "sha256": digest(last / RECORD)} if last else None


@contextmanager
def keeping(rollout: Path) -> Iterator[None]:
    """One record at a time is linked and kept: two that are kept at once would name the same one before them.

    A file system without locks, or somebody who holds the lock and does not end, keeps no record from being kept.
    """
    ends = monotonic() + LOCK_SECONDS
    place = os.open(rollout, os.O_RDONLY)
    try:
        while not _locked(place) and monotonic() < ends:
            sleep(0.05)
        yield
    finally:
        os.close(place)


def _locked(place: int) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # there are no locks here: nothing to wait for
    return True


class _Told(NamedTuple):
    """What a record says of its place: the record kept before it, and when its run ended."""

    before: str
    ended: str


def _told(folder: Path) -> _Told:
    path = folder / RECORD
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _read(path: Path, _changed: int, _size: int) -> _Told:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _Told(str((data["previous"] or {}).get("record", "")), str(data["ended"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Told("", "")  # its own verification says so


def verify(folder: Path) -> Iterator[str]:
    """Everything about a record that is not as it was kept; nothing where it is.

    Args:
        folder: the record's; the record before it is looked for beside it.
    """
    try:
        data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        kept: dict[str, str] = dict(data["files"])
        seal, before = data["seal"], data["previous"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        yield f"{RECORD} cannot be read: {error!r}"
        return
    if seal != seal_of(data):
        yield f"{RECORD} was changed after it was kept"
    yield from _files(kept, digests(folder))
    yield from (f"{path.relative_to(folder)} is a link" for path in sorted(folder.rglob("*")) if path.is_symlink())
    try:
        yield from _place(folder, data, before)
    except (ValueError, KeyError, TypeError) as error:
        yield f"{RECORD} does not say which run it is of: {error!r}"


def _files(kept: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """Files that were changed, are missing, or came later."""
    for name in sorted(kept.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing"
        elif name not in kept:
            yield f"{name} was not there when the record was kept"
        elif kept[name] != found[name]:
            yield f"{name} was changed"


def _place(folder: Path, data: dict[str, Any], before: dict[str, str] | None) -> Iterator[str]:
    """Whether its name is its own, and the record kept before it is there, unchanged, and before no other one."""
    name = f"{stamp(datetime.fromisoformat(data['began']))}-{data['notebook']}-{data['verdict']}"
    if folder.name != name:
        yield f"the folder is called {folder.name}, but the record is of {data['notebook']}, {data['verdict']}: {name}"
    wanted = before["record"] if before else ""
    path = folder.parent / wanted / RECORD
    if before and not path.is_file():
        yield f"the record before it was {wanted}, and is not there"
    elif before and digest(path) != before["sha256"]:
        yield f"the record before it, {wanted}, was changed"
    others = [one.name for one in chain(folder.parent) if one != folder and _told(one).before == wanted]
    if others:
        yield (
            f"the record before it was {wanted or 'none'}, and so it was of {', '.join(others)}: one of them was not "
            "kept here"
        )


def stamp(began: datetime) -> str:
    """A run's begin as its record's name begins with it; seconds keep two runs of one minute apart."""
    return f"{began:%Y-%m-%dT%H%M%SZ}"


def seal_of(data: dict[str, Any]) -> str:
    """The SHA-256 of a record's content without its seal, in a form that does not depend on how it is written."""
    content = {key: value for key, value in data.items() if key != "seal"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def recompute(folder: Path) -> Iterator[str]:
    """Judge a record again from its evidence alone; yields each difference to what it says.

    Every check's verdict is computed by its rule from its evidence, and the outcome from the executed notebook. Files
    that cannot be read are a difference like any other: whoever asks wants to know whether the record holds.
    """
    try:
        yield from _judged_again(folder)
    except Exception as error:  # what somebody wrote there may go wrong in any way
        yield f"it cannot be judged again from its evidence: {type(error).__name__}: {plain(str(error), 200)}"


def _judged_again(folder: Path) -> Iterator[str]:
    data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    checks = json.loads((folder / "evidence" / "checks.json").read_text(encoding="utf-8"))
    for check in checks:
        name, said = check["name"], check["verdict"]
        rule = RULES.get(check["rule"])
        again = rule(check["evidence"]).value if rule else "no rule of that name"
        if again != said:
            yield f"check {name!r} says {said}, its evidence gives {again} by rule {check['rule']!r}"
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    source = source_of(notebook, data["notebook"])
    outcome = classify(notebook, data["broken"], refused=data.get("refused", ""))
    outcome = withheld(outcome, notebook, data["notebook"], source)
    yield from changed(data, source)
    if outcome.verdict.value != data["verdict"]:
        yield f"the record says {data['verdict']}, the notebook gives {outcome.verdict.value}: {outcome.reason}"
    borne = worst(Verdict(check["verdict"]) for check in checks)
    if data["verdict"] == "PASS" and borne is not Verdict.PASS:
        yield f"the record says PASS, its checks come to {borne.value}"
