"""What an executed notebook says of itself: the evidence that its outputs carry as metadata."""

from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from hera_rollout.display import EVIDENCE_KEY


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells that can run: code, and not empty."""
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def evidence(notebook: NotebookNode, kind: str = "") -> Iterator[dict[str, Any]]:
    """Every piece of evidence in the order it was shown; of one kind, if one is named."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            piece = output.get("metadata", {}).get(EVIDENCE_KEY)
            if piece and kind in ("", piece.get("kind")):
                yield dict(piece)


def last(notebook: NotebookNode, kind: str) -> dict[str, Any]:
    """The last piece of one kind; empty if there is none."""
    found = list(evidence(notebook, kind))
    return found[-1] if found else {}


def checks(notebook: NotebookNode) -> list[dict[str, Any]]:
    """The checks the run came to: the conclusion's list, else each check that was shown before it broke off."""
    concluded = last(notebook, "conclude").get("checks")
    if concluded is not None:
        return list(concluded)
    return [piece["check"] for piece in evidence(notebook, "check")]
