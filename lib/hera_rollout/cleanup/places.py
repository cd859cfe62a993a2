"""The notes a codemod takes: what stood where in the file as it was."""

import difflib
from dataclasses import dataclass, field

from hera_rollout.cleanup.subject import Action, Place


def line_map(before: str, after: str) -> dict[int, int]:
    """Lines of a changed text, to the lines of the original they come from."""
    old, new = before.splitlines(), after.splitlines()
    found: dict[int, int] = {}
    for tag, i, _, j, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for step in range(end - j):
            found[j + step + 1] = i + (step if tag == "equal" else 0) + 1
    return found


@dataclass
class Notebook:
    """Notes on one file; lines are given in the current text and kept in the original's."""

    file: str
    original: str
    current: str
    places: dict[tuple[int, str], Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lines = {} if self.original == self.current else line_map(self.original, self.current)
        self._texts = self.original.splitlines()

    def add(self, line: int, shape: str, action: Action, why: str = "") -> None:
        """Note a place."""
        line = self._lines.get(line, line)
        text = self._texts[line - 1].strip() if 0 < line <= len(self._texts) else ""
        known = self.places.get((line, shape))
        if known is None or known.action == "by hand":
            self.places[line, shape] = Place(self.file, line, shape, action, text, why)

    def left(self, line: int, text: str, why: str) -> Place:
        """A line that still names the flag, at its place in the original."""
        return Place(self.file, self._lines.get(line, line), "reference", "by hand", text, why)
