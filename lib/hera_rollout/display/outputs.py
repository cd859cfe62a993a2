"""How an output reaches the notebook: HTML for people, text for terminals, and its evidence as output metadata.

Metadata stays with the output in the executed notebook, so that a record can be made from a notebook that plain
papermill ran; it is not shown, and nbval does not compare it.
"""

from collections.abc import Mapping
from typing import Any, Final

from IPython.display import display

from hera_rollout.answers import printable

EVIDENCE_KEY: Final = "hera-rollout"
"""The key under an output's metadata that holds the evidence."""


def bundle(html: str, text: str) -> dict[str, str]:
    """The two forms of one output, without codes that a terminal or a browser would act upon."""
    return {"text/html": printable(html), "text/plain": printable(text)}


def show(html: str, text: str, *, kind: str = "", evidence: Mapping[str, Any] | None = None) -> None:
    """Put one output into the notebook.

    Args:
        html: for people; must already be escaped.
        text: the same for terminals and diffs.
        kind: what the evidence is, such as ``table``; records read ``begin``, ``step``, ``check``, ``approval``,
            ``table``, ``plot``, ``diff`` and ``conclude``.
        evidence: plain JSON data behind the output.
    """
    metadata = {EVIDENCE_KEY: {"kind": kind, **evidence}} if evidence is not None else {}
    display(bundle(html, text), raw=True, metadata=metadata)
