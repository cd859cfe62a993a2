"""`flag-scan`: where is the flag, in which shapes, what would be left; fast, and nothing is changed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hera_rollout.cleanup.codemod import clean
from hera_rollout.cleanup.manifests import clean_yaml
from hera_rollout.cleanup.sources import parse
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.textfiles import clean_lines, kind_of, named_in
from hera_rollout.cleanup.tree import Limits, contents, decoded, listed
from hera_rollout.errors import Refused

ROUNDS = 4


@dataclass(frozen=True)
class Scan:
    """What a look at a tree found."""

    folder: Path
    subject: Subject
    files: int
    places: tuple[Place, ...]
    left: tuple[Place, ...]
    unread: tuple[str, ...]

    @property
    def shapes(self) -> Counter[str]:
        """How often each shape occurs, those left to a person among them."""
        return Counter(place.shape for place in {*self.places, *self.left})

    @property
    def named_files(self) -> list[str]:
        """Files with the flag in them, by whatever name."""
        return sorted({place.file for place in (*self.places, *self.left)})

    def document(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "folder": str(self.folder),
            "flag": self.subject.flag,
            "files_looked_at": self.files,
            "files": self.named_files,
            "shapes": dict(self.shapes.most_common()),
            "places": [asdict(place) for place in self.places],
            "left": [asdict(place) for place in self.left],
            "unread": list(self.unread),
        }


def scan(folder: Path, flag: str, limits: Limits | None = None) -> Scan:
    """Look at a tree.

    Raises:
        Missing: there is no such folder.
        Refused: it is too large.
    """
    return _Scanner(folder, Subject(flag), limits).scan()


class _Scanner:
    def __init__(self, folder: Path, subject: Subject, limits: Limits | None) -> None:
        self.folder = folder
        self.subject = subject
        self.limits = limits
        self.files = 0
        self.places: list[Place] = []
        self.left: list[Place] = []
        self.unread: list[str] = []
        self.signs = [name.encode() for name in subject.spellings]
        parts = subject.flag.split("_")
        pairs = ["_".join(parts[i : i + 2]) for i in range(len(parts) - 1)] or [subject.flag]
        self.hints = [text.encode() for pair in pairs for text in (pair, pair.lower())]

    def scan(self) -> Scan:
        python: dict[str, bytes] = {}
        hits: dict[str, bytes] = {}
        for name, data in contents(self.folder, listed(self.folder, self.limits), self.limits):
            self.files += 1
            if name.endswith(".py"):
                python[name] = data
            elif self.signs[0] in data and b"\0" not in data[:1024]:
                hits[name] = data
        self._python(python)
        for name, data in hits.items():
            self._read(name, data)
        places = tuple(sorted({place for place in self.places if place.action != "by hand"}))
        return Scan(self.folder, self.subject, self.files, places, tuple(sorted(self._hand())), tuple(self.unread))

    def _hand(self) -> Iterator[Place]:
        """One place a line, the more telling reason first."""
        seen: set[tuple[str, int]] = set()
        for place in [*(place for place in self.places if place.action == "by hand"), *self.left]:
            if (place.file, place.line) not in seen:
                seen.add((place.file, place.line))
                yield place

    def _python(self, python: dict[str, bytes]) -> None:
        """Files that name the flag, then those that name what stands for it."""
        words = [*self.signs, *self.hints]
        chosen: dict[str, str] = {}
        for _ in range(ROUNDS):
            fresh = {
                name: data for name, data in python.items() if name not in chosen and any(w in data for w in words)
            }
            texts = {name: text for name, data in fresh.items() if (text := self._text(name, data)) is not None}
            for name in fresh:
                python.pop(name)
            if not texts:
                break
            chosen |= texts
            cleaned = clean(chosen, self.subject)
            words = [name.rpartition(".")[2].encode() for name in cleaned.facts.names()]
        if chosen:
            self.places += cleaned.places
            self.left += cleaned.left

    def _text(self, name: str, data: bytes) -> str | None:
        try:
            text = decoded(name, data)
            parse(name, text)
        except Refused as error:
            self.unread.append(error.seen)
            return None
        return text

    def _read(self, name: str, data: bytes) -> None:
        try:
            text = decoded(name, data)
            is_yaml = kind_of(name) in {"yaml", "ci"} and name.endswith((".yml", ".yaml"))
            after, places = (clean_yaml if is_yaml else clean_lines)(name, text, self.subject)
        except Refused as error:
            self.unread.append(error.seen)
            return
        self.places += places
        self.left += named_in(name, after, self.subject)
