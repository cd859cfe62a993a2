"""The raw evidence as files: one behind each table, plot and patch of the notebook."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pandas as pd
from nbformat import NotebookNode

from hera_rollout.answers import printable
from hera_rollout.records.evidence import evidence

MAX_NAME: Final = 60


def _slug(title: str) -> str:
    """A title as a part of a file's name: no separator, no dot in front, bounded."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:MAX_NAME] or "untitled"


def _body(piece: dict[str, Any]) -> tuple[str, str] | None:
    """A piece of evidence as its file's suffix and text; None where it has no data of its own."""
    match piece["kind"]:
        case "table" | "plot":
            frame = pd.DataFrame(piece.get("rows", []))
            command = piece.get("command", "")
            return ".csv", (f"# {command}\n" if command else "") + frame.to_csv(index=False)
        case "diff":
            return ".patch", str(piece["patch"]) + "\n"
    return None


def write(notebook: NotebookNode, checks: list[dict[str, Any]], folder: Path) -> None:
    """Write the evidence of an executed notebook into a folder, numbered in the order it was shown.

    Args:
        notebook: as executed, already redacted.
        checks: the run's checks, with their evidence.
        folder: made here.
    """
    folder.mkdir(exist_ok=True)
    numbered = ((piece, _body(piece)) for piece in evidence(notebook))
    kept = [(piece, body) for piece, body in numbered if body is not None]
    for number, (piece, (suffix, text)) in enumerate(kept, 1):
        title = str(piece.get("title") or piece.get("name") or piece["kind"])
        (folder / f"{number:02d}-{_slug(title)}{suffix}").write_text(printable(text), encoding="utf-8")
    (folder / "checks.json").write_text(json.dumps(checks, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
