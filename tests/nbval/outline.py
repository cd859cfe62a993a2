"""The outline of a cell's outputs: what a reader relies on, as plain lines. nbval's runs are compared by it.

Each check's name and verdict, each table's title, columns and rows, each plot, each heading. It is read from what the
outputs show and from the evidence that they carry, and sanitised by sanitize.cfg. A row is told by its first column and
by those that judge it; figures, notes and patches are not told. ``outlines/`` has the reference, as text to review.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
from nbval.plugin import get_sanitize_patterns

from hera_rollout.display import EVIDENCE_KEY

HERE = Path(__file__).parent
OUTLINES = HERE / "outlines"
PATTERNS = get_sanitize_patterns((HERE / "sanitize.cfg").read_text(encoding="utf-8"))
LONGEST = 100
"""Characters of a value that are compared."""
JUDGING = ("result", "state", "path", "phase", "flag", "class", "criterion", "the guide's words", "what")
"""Columns that say, in words, what a row is about or what came of it."""
GATES = {"success rate", "execution times", "response times", "error rate", "log errors"}
"""Gates that wait for enough workflows: below the last rung they say PASS or HOLD, whichever the moment gives."""
UNDECIDED = re.compile(r"The gates at (10|25|50|75) %")
ROWS_DIFFER = {
    "Events of the backend since this run began": "the API server adds up the same event as it likes",
    "Workflows since this run began": "those made in the same second come in any order",
    "When it was watched": "a look that a busy machine delays begins another row",
    "Where USE_HERA_SDK is": "of the backend's source at the moment; tests/golden has the change itself",
    "Lines of code and cyclomatic complexity": "of the backend's source at the moment",
}
"""Tables that are told by title and columns only, by how their titles begin, and why."""


def outline(outputs: Iterable[Mapping[str, Any]]) -> list[str]:
    """The lines of one cell."""
    return [line for output in outputs for line in _lines(output)]


def _lines(output: Mapping[str, Any]) -> Iterator[str]:
    evidence = output.get("metadata", {}).get(EVIDENCE_KEY)
    kind = evidence["kind"] if evidence else "note"
    if kind == "check":
        yield _check(evidence["check"]["name"], evidence["check"]["verdict"], _heading(output))
    elif kind == "table":
        yield from _table(evidence, output["data"].get("text/html", ""))
    elif kind == "plot":
        yield _plot(output)
    elif kind != "note":
        yield f"{kind}: {_sanitised(_heading(output))}"


def _heading(output: Mapping[str, Any]) -> str:
    return next(iter(output["data"]["text/plain"].splitlines()), "")


def _check(name: str, verdict: str, shown: str) -> str:
    """A check as its banner or its row shows it; where that is not what its evidence says, both."""
    line = f'check "{_sanitised(name)}": {verdict}'
    sign_and_word, _, shown_name = shown.partition(" · ")
    same = sign_and_word.endswith(f" {verdict}") and shown_name == name
    return line if same else f'{line}, shown as "{_sanitised(shown)}"'


def _table(evidence: Mapping[str, Any], html: str) -> Iterator[str]:
    """Title and columns, then what each row is about; equal rows are counted."""
    columns = [unescape(name) for name in re.findall(r"<th>(.*?)</th>", html)]
    title, rows = evidence["title"], evidence["rows"]
    yield f'table "{_sanitised(title)}": {", ".join(columns) or "no rows"}'
    if title.startswith(tuple(ROWS_DIFFER)):
        return
    lines = [_row(title, columns, row) for row in rows]
    if UNDECIDED.fullmatch(title):
        lines.sort()  # by name: as shown, those on HOLD come first
    for line, count in Counter(lines).items():
        yield f"  {line}" + f" ×{count}" * (count > 1)


def _row(title: str, columns: list[str], row: Mapping[str, str]) -> str:
    if {"verdict", "check"} <= set(columns):
        _, _, verdict = row["verdict"].partition(" ")
        if UNDECIDED.fullmatch(title) and row["check"] in GATES and verdict in ("PASS", "HOLD"):
            verdict = "PASS or HOLD"
        criterion = _value(row.get("criterion", ""))
        return f'check "{_value(row["check"])}": {verdict}' + f" ({criterion})" * bool(criterion)
    told = [name for place, name in enumerate(columns) if place == 0 or name in JUDGING]
    return "row " + " | ".join(_value(row.get(name, "")) for name in told)


def _value(value: str) -> str:
    """A value in a line: its first line, where figures with a fraction are all the same."""
    return re.sub(r"\d+\.\d+", "N", _sanitised(next(iter(value.splitlines()), "")))[:LONGEST]


def _plot(output: Mapping[str, Any]) -> str:
    """A plot by its text for those who cannot see it; all its numbers are figures."""
    alt = output["metadata"].get("image/png", {}).get("alt", "without a text for those who cannot see it")
    picture = "" if output["data"].get("image/png") else ", but no picture"
    return f'plot "{re.sub(r"[0-9]+([.][0-9]+)?", "N", _sanitised(alt))}"{picture}'


def _sanitised(text: str) -> str:
    for pattern, same in PATTERNS:
        text = re.sub(pattern, same, text)
    return text.strip()


def read(name: str) -> dict[int, list[str]]:
    """The reference of a notebook: the lines of each cell, by nbval's number of it."""
    _, *parts = re.split(r"(?m)^== (\d+): .*\n", (OUTLINES / f"{name}.txt").read_text(encoding="utf-8"))
    return {int(number): lines.splitlines() for number, lines in zip(parts[::2], parts[1::2], strict=True)}


def write(name: str, executed: nbformat.NotebookNode) -> None:
    """Make a run the reference."""
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    parts = [
        "\n".join([f"== {number}: {cell.source.splitlines()[0]}", *lines, ""])
        for number, cell in enumerate(code)
        if (lines := outline(cell.outputs))
    ]
    OUTLINES.mkdir(exist_ok=True)
    (OUTLINES / f"{name}.txt").write_text("".join(parts), encoding="utf-8")


def counted(lines: Iterable[str]) -> dict[str, int]:
    """How many checks, tables, rows and plots are in some lines."""
    count = Counter(line.split(maxsplit=1)[0] for line in lines)
    return {f"{kind}s": count[kind] for kind in ("check", "table", "row", "plot")}
