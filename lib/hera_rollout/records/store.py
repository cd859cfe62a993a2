"""Where records lie: one folder a run, named by its time, its phase and its verdict."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import nbformat

from hera_rollout.errors import Refused
from hera_rollout.records.evidence import checks, evidence, last
from hera_rollout.records.outcomes import Outcome, classify
from hera_rollout.records.report import render

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class Record:
    """One run, kept.

    Attributes:
        folder: where it lies.
        data: the content of its record.json.
    """

    folder: Path
    data: dict[str, Any]

    @property
    def report(self) -> Path:
        """The HTML that opens without a network."""
        return self.folder / "report.html"

    @property
    def verdict(self) -> str:
        """PASS, FAIL, HOLD, REFUSED or BROKEN."""
        return str(self.data["verdict"])

    @property
    def exit_code(self) -> int:
        """What ``hera-rollout run`` exits with."""
        return int(self.data["exit_code"])


def _stamp(moment: datetime) -> str:
    """A time as folder names carry it; seconds keep two runs of one minute apart."""
    return f"{moment:%Y-%m-%dT%H%M%SZ}"


def workplace(folder: Path, rollout: str, notebook: str, began: datetime) -> Path:
    """Make the folder a run works in; it gets its verdict's name when the run has ended.

    Raises:
        Refused: the folder cannot be made.
    """
    place = folder / rollout / f"{_stamp(began)}-{notebook}-RUNNING"
    try:
        place.mkdir(parents=True)
    except FileExistsError:
        raise Refused(f"{place} is there already: another run began in this second.", todo="Run again.") from None
    except OSError as error:
        raise Refused(
            f"Records cannot be written to {folder}: {error.strerror}.",
            todo="Give --records a folder you may write to.",
        ) from None
    return place


def _digest(path: Path) -> str:
    """A file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _executed(place: Path) -> nbformat.NotebookNode:
    """The notebook as executed; an empty one where the run ended before papermill wrote anything."""
    path = place / "notebook.ipynb"
    if not path.exists():
        nbformat.write(nbformat.v4.new_notebook(), path)
    executed: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    return executed


def _describe(notebook: nbformat.NotebookNode, outcome: Outcome, began: datetime) -> dict[str, Any]:
    """What record.json says, but for the hashes of its files."""
    head = last(notebook, "begin")
    conclusion = last(notebook, "conclude")
    return {
        "schema": SCHEMA_VERSION,
        "verdict": outcome.verdict.value,
        "exit_code": outcome.exit_code,
        "reason": outcome.reason,
        "next": conclusion.get("next", ""),
        "began": began.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "operator": head.get("operator", ""),
        "target": head.get("target", {}),
        "versions": head.get("versions", {}),
        "code_revision": last(notebook, "code revision").get("code_revision", ""),
        "steps": [{k: v for k, v in step.items() if k != "kind"} for step in evidence(notebook, "step")],
        "checks": checks(notebook),
    }


def keep(place: Path, *, began: datetime, notebook: str, broken: str, parameters: dict[str, Any]) -> Record:
    """Judge what a run left in its folder, write its report and record.json, and name the folder by the verdict."""
    executed = _executed(place)
    outcome = classify(executed, broken)
    data = {"notebook": notebook, "rollout": place.parent.name, "parameters": parameters}
    data |= _describe(executed, outcome, began)
    (place / "report.html").write_text(render(executed, data), encoding="utf-8")
    files = sorted(path for path in place.rglob("*") if path.is_file())
    data["files"] = {str(path.relative_to(place)): _digest(path) for path in files}
    (place / "record.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    final = place.with_name(place.name.removesuffix("RUNNING") + outcome.verdict.value)
    place.rename(final)
    return Record(final, data)


def find(folder: Path) -> Iterator[Record]:
    """Every record below a folder, newest first; a folder without a readable record.json is passed over."""
    for path in sorted(folder.glob("*/*/record.json"), key=lambda path: path.parent.name, reverse=True):
        try:
            yield Record(path.parent, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
