"""Where records lie: one folder a run, named by its time, its phase and its verdict."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files as package_files
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import jsonschema
from jsonschema.exceptions import best_match

from hera_rollout.answers import plain
from hera_rollout.errors import Refused
from hera_rollout.records import chain, files, index, places, sources
from hera_rollout.records.evidence import checks, evidence, last
from hera_rollout.records.nbformats import nbformat
from hera_rollout.records.outcomes import Outcome, RecordVerdict, classify
from hera_rollout.records.redacting import redacted
from hera_rollout.records.report import render
from hera_rollout.redaction import REDACTOR

SCHEMA_VERSION: Final = 2
SCHEMA: Final[dict[str, Any]] = json.loads(package_files("hera_rollout.records").joinpath("schema.json").read_text())
_USED: Final = ("notebook", "rollout", "parameters", "verdict", "exit_code", "reason", "next", "began", "ended",
                "operator", "approvals", "target", "code_revision", "checks", "seal")  # fmt: skip
_READ: Final = jsonschema.Draft202012Validator(
    {"type": "object", "required": _USED, "properties": {name: SCHEMA["properties"][name] for name in _USED}}
)
"""What whoever reads records goes by: less than what is written, so that a record that was changed is still found."""


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


def workplace(folder: Path, rollout: str, notebook: str, began: datetime) -> Path:
    """Make the folder a run works in; it gets its verdict's name when the run has ended.

    Raises:
        Refused: the folder cannot be made or would lie elsewhere, or there is a record of this very run already.
    """
    places.require_names(rollout, notebook)
    name = f"{chain.stamp(began)}-{notebook}"
    place = folder / rollout / f"{name}{chain.RUNNING}"
    try:
        places.require_inside(folder, folder / rollout)
        for there in place.parent.glob(f"{name}-*"):
            raise _there_already(there)
        place.mkdir(parents=True)
    except FileExistsError:
        raise _there_already(place) from None
    except (OSError, ValueError) as error:
        raise Refused(
            f"Records cannot be written to {plain(str(folder))}: {getattr(error, 'strerror', None) or error}.",
            todo="Give --records a folder you may write to.",
        ) from None
    return place


def _there_already(place: Path) -> Refused:
    return Refused(
        f"{place} is there already: of a run of this phase that began in the same second.",
        expected="one record a run.",
        todo=f"If it is the same run, its record is kept (hera-rollout records show {place.name}); else run again.",
    )


def _executed(place: Path) -> nbformat.NotebookNode:
    """The notebook as executed, redacted; an empty one where the run ended before anything was written."""
    path = place / "notebook.ipynb"
    if not path.exists():
        nbformat.write(nbformat.v4.new_notebook(), path)
    path.write_text(redacted(path.read_text(encoding="utf-8")), encoding="utf-8")
    executed: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    return executed


def _git_revision() -> str:
    """The commit of the checkout this runs in; empty outside of one."""

    def ask(*words: str) -> str:
        try:
            answer = subprocess.run(["git", *words], capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return ""
        return answer.stdout.strip()

    head = ask("rev-parse", "HEAD")
    return f"{head}-dirty" if head and ask("status", "--porcelain", "--untracked-files=no") else head


def _content(notebook: nbformat.NotebookNode, outcome: Outcome) -> dict[str, Any]:
    """What the executed notebook and its outcome give to record.json."""
    head = last(notebook, "begin")
    return {
        "verdict": outcome.verdict.value,
        "exit_code": outcome.exit_code,
        "reason": REDACTOR.text(outcome.reason),
        "next": last(notebook, "conclude").get("next", ""),
        "operator": head.get("operator", ""),
        "approvals": [piece["approval"] for piece in evidence(notebook, "approval")],
        "target": head.get("target", {}),
        "versions": head.get("versions", {}),
        "code_revision": head.get("code_revision", ""),
        "steps": [{key: value for key, value in step.items() if key != "kind"} for step in evidence(notebook, "step")],
        "checks": checks(notebook),
    }


def keep(
    place: Path, *, began: datetime, notebook: str, parameters: dict[str, Any], broken: str = "",
    refusal: Refused | None = None, standing: Callable[[], str] | None = None,
) -> Record:  # fmt: skip
    """Judge what a run left in its folder, write its evidence, report and record.json, and name it by the verdict.

    Args:
        place: the folder from :func:`workplace`, with ``notebook.ipynb`` in it.
        began: when the run began, UTC.
        notebook: the phase notebook's name.
        parameters: the run's parameters, validated; as given where they were refused.
        broken: what ended the run from outside; empty if nothing did.
        refusal: why no cell was run; None if any was.
        standing: where a run that broke off left the flag, and the way back; asked where the run itself says no next.
    """
    executed = _executed(place)
    refused = REDACTOR.text(" ".join(refusal.seen.split())) if refusal else ""
    source = sources.source_of(executed, notebook)
    judged = classify(executed, broken, refused=refused)
    outcome = sources.withheld(judged, executed, notebook, source)
    data: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "notebook": notebook,
        "rollout": place.parent.name,
        "parameters": REDACTOR.data(parameters),
        "broken": REDACTOR.text(broken),
        "refused": refused,
        "began": began.isoformat(timespec="seconds"),
        "ended": (last(executed, "conclude").get("ended") or datetime.now(UTC).isoformat())[:19] + "+00:00",
        "git_revision": _git_revision(),
    }
    data |= _content(executed, outcome) | source._asdict()
    if outcome is not judged:
        data["next"] = sources.todo(notebook)
    data["next"] = data["next"] or REDACTOR.text(refusal.todo if refusal else "")
    if standing and not data["next"] and outcome.verdict is not RecordVerdict.PASS:
        data["next"] = REDACTOR.text(standing())
    files.write(executed, data["checks"], place / "evidence")
    (place / "report.html").write_text(render(executed, data), encoding="utf-8")
    with chain.keeping(place.parent):
        data["previous"] = chain.link(place.parent)
        return _seal(place, data, outcome)


def _seal(place: Path, data: dict[str, Any], outcome: Outcome) -> Record:
    """Close the record: hashes of all its files, its own seal, its final name, and the index over all of them."""
    data["files"] = chain.digests(place)
    data["seal"] = chain.seal_of(data)
    jsonschema.validate(data, SCHEMA)
    (place / chain.RECORD).write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    final = place.with_name(place.name.removesuffix(chain.RUNNING) + f"-{outcome.verdict.value}")
    place.rename(final)
    folder = final.parent.parent
    index.write(folder, [(record.folder, record.data) for record in find(folder)])
    return Record(final, data)


def add(executed: Path, folder: Path) -> Record:
    """Make a record of a notebook that plain papermill ran.

    Args:
        executed: papermill's output.
        folder: where records are kept.

    Raises:
        Refused: it cannot be read, carries no evidence of a phase that began, or says what no phase does; nothing is
            left of it, so that it can be tried again.
    """
    run, text = _run_of(executed)
    place = workplace(folder, run.rollout, run.notebook, run.began)
    try:
        (place / "notebook.ipynb").write_text(redacted(text), encoding="utf-8")
        return keep(place, began=run.began, notebook=run.notebook, parameters=run.parameters)
    except BaseException as error:
        unkept = place.exists()
        rmtree(place, ignore_errors=True)  # a half record would stand in the way of the next try
        if unkept and isinstance(error, Exception) and not isinstance(error, Refused):
            raise Refused(
                f"{executed} could not be kept: {type(error).__name__}: {plain(str(error))}",
                expected="the evidence as a phase writes it, and a records' folder with room.",
                todo="Give the notebook as papermill wrote it; see that --records can be written to; then add it again.",
            ) from None
        raise


def _run_of(executed: Path) -> tuple[places.Head, str]:
    """What a notebook says of its own run, and its text."""
    try:
        text = executed.read_text(encoding="utf-8")
        head = last(nbformat.reads(text, as_version=4), "begin")
    except Exception as error:  # what is no notebook goes wrong in any way
        said = plain(str(error)) or type(error).__name__
        raise Refused(
            f"{executed} cannot be read as a notebook: {said}", todo="Give the notebook as papermill wrote it."
        ) from None
    if not head:
        raise Refused(
            f"{executed} carries no evidence of a phase.",
            expected="the output of a phase notebook whose Phase.begin ran",
            todo="Give the notebook that papermill wrote, not the one it read; or run the phase again.",
        )
    return places.head_of(executed, head), text


def find(folder: Path) -> Iterator[Record]:
    """Every record below a folder, newest first; a folder whose record.json is none is passed over (`unreadable`)."""
    for path in _newest_first(folder):
        data = _data(path, folder)
        if isinstance(data, dict):
            yield Record(path.parent, data)


def unreadable(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every folder below whose record.json is no record, and why: what `find` passes over."""
    for path in _newest_first(folder):
        data = _data(path, folder)
        if isinstance(data, str):
            yield path.parent, f"{chain.RECORD} is no record: {data}"


def _newest_first(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob(f"*/*/{chain.RECORD}"), key=lambda path: path.parent.name, reverse=True)
    except (OSError, ValueError) as error:
        raise Refused(
            f"No records can be looked for in {plain(str(folder))}: {getattr(error, 'strerror', None) or error}.",
            todo="Give --records the folder that records are kept in.",
        ) from None


def _data(path: Path, folder: Path) -> dict[str, Any] | str:
    """The content of a record.json; why it is no record's, where it is not."""
    if places.leads_out(folder, path):
        return "a link leads out of the records' folder"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        wrong = best_match(_READ.iter_errors(data))
        if wrong is None and datetime.fromisoformat(data["began"]).tzinfo is None:
            return "began is not UTC"
    except (OSError, ValueError, RecursionError) as error:
        return plain(str(error))
    return plain(f"{wrong.json_path}: {wrong.message}") if wrong else dict(data)


def named(folder: Path, name: str) -> Record:
    """One record by its folder's name, the beginning of that name, its path, or ``last``.

    Raises:
        Refused: none or more than one is meant.
    """
    records = list(find(folder))
    meant = records[:1] if name == "last" else [r for r in records if places.is_named(folder, r.folder, name)]
    if len(meant) != 1:
        raise Refused(
            f"{len(meant)} records in {folder} are called {name!r}.",
            expected="the name of one record, its beginning, or the word last",
            todo="hera-rollout records list shows them.",
        )
    return meant[0]
