"""`flag-scan`: where is the flag, in which shapes, what would be left; fast, and nothing is changed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hera_rollout.cleanup.codemod import Cleaned, clean
from hera_rollout.cleanup.pruning import uses
from hera_rollout.cleanup.reachability import sweep
from hera_rollout.cleanup.remaining import Remains, words_in
from hera_rollout.cleanup.sources import parse
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.tree import Limits, contents, decoded, listed
from hera_rollout.cleanup.variables import clean_file, why_counted, why_kept, why_read
from hera_rollout.errors import Refused

ROUNDS = 4
DEFINED = re.compile(rb"\b(?:def|class)\s+(\w+)")
WHOLE_ENVIRONMENT = r"(?:\bin\s|\*\*|\()\s*(?:dict\()?(?:os\.)?environ\b|\benviron\.(?:items|keys|copy)\b"
BY_PARTS = (
    r"__(?:init_subclass|subclasses)__|\b(?:import_module|import_string|methodcaller|iter_modules|walk_packages)\b"
    r"|\b(?:getattr|hasattr|attrgetter)\([^)\n]*[\"'{]|\b(?:globals|locals|vars)\(\)\["
)
"""What may ask for a definition without its name."""


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
        first, last = re.escape(parts[0]), re.escape(parts[-1])
        self.parts = rf"(?i:prefix|[\"']{first}_?|_?{last}[\"'])|nested_delim|{WHOLE_ENVIRONMENT}|{BY_PARTS}"
        self.kept = ""
        self.hints = [text.encode() for pair in pairs for text in (pair, pair.lower())]

    def scan(self) -> Scan:
        python: dict[str, bytes] = {}
        others: dict[str, bytes] = {}
        for name, data in contents(self.folder, listed(self.folder, self.limits), self.limits):
            self.files += 1
            if name.endswith(".py"):
                python[name] = data
            elif b"\0" not in data[:1024]:
                others[name] = data
        hits = {name: data for name, data in others.items() if self.signs[0] in data}
        self._python(python, words_in(others) if hits or self._named_in(python) else set(), asked=bool(hits))
        texts = {name: text for name, data in hits.items() if (text := self._decoded(name, data)) is not None}
        kept = self.kept or why_read(texts, self.subject) or why_counted(others, self.subject)
        for name, text in texts.items():
            self._read(name, text, kept)
        places = tuple(sorted({place for place in self.places if place.action != "by hand"}))
        return Scan(self.folder, self.subject, self.files, places, tuple(sorted(self._hand())), tuple(self.unread))

    def _hand(self) -> Iterator[Place]:
        """One place a line, the more telling reason first."""
        seen: set[tuple[str, int]] = set()
        for place in [*(place for place in self.places if place.action == "by hand"), *self.left]:
            if (place.file, place.line) not in seen:
                seen.add((place.file, place.line))
                yield place

    def _named_in(self, python: dict[str, bytes]) -> bool:
        return any(sign in data for data in python.values() for sign in self.signs)

    def _python(self, python: dict[str, bytes], named: set[str], *, asked: bool) -> None:
        """Files that name the flag, then those that name what stands for it."""
        words = [*self.signs, *self.hints]
        chosen: dict[str, str] = {}
        cleaned = Cleaned({})
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
            cleaned = clean(chosen, self.subject, named)
            words = [name.rpartition(".")[2].encode() for name in cleaned.facts.names()]
        self.places += cleaned.places
        self.left += cleaned.left
        if asked or any(sign in text for text in chosen.values() for sign in self.subject.spellings):
            self._remain(chosen, cleaned.texts, python, named)

    def _remain(self, before: dict[str, str], after: dict[str, str], unread: dict[str, bytes], named: set[str]) -> None:
        """What is left beside what names the flag: looked for in the few files that may have to do with it."""
        now = _used(after)
        files = [*unread.values(), *(text.encode() for text in before.values())]
        defined = {name.decode("utf-8", "replace") for data in files for name in DEFINED.findall(data)}
        lost = {name for name in _used(before) if not now[name]} & defined
        words = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(lost)) or r"(?!)")
        hint = re.compile(self.parts.encode() + b"|" + words.pattern.encode())
        rest = {name: text for name, data in unread.items()
                if hint.search(data) and (text := self._text(name, data)) is not None}  # fmt: skip
        off = (clean(before, self.subject.turned, named).texts if after != before else before) | rest
        before, after = before | rest, after | rest
        swept = sweep(before, after, named)
        self.left += Remains(before, swept.texts, off, swept.left).places(self.subject, self.left)
        self.kept = why_kept(self.places, self.left, before, swept.texts, self.subject)

    def _text(self, name: str, data: bytes) -> str | None:
        try:
            text = decoded(name, data)
            parse(name, text)
        except Refused as error:
            self.unread.append(error.seen)
            return None
        return text

    def _decoded(self, name: str, data: bytes) -> str | None:
        try:
            return decoded(name, data)
        except Refused as error:
            self.unread.append(error.seen)
            return None

    def _read(self, name: str, text: str, kept: str) -> None:
        try:
            _, places, left = clean_file(name, text, self.subject, kept)
        except Refused as error:
            self.unread.append(error.seen)
            return
        self.places += places
        self.left += left


def _used(texts: Mapping[str, str]) -> Counter[str]:
    return uses(parse(file, text) for file, text in texts.items())
