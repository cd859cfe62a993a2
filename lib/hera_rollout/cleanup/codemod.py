"""The codemod over a whole repository's Python: gather, fold, prune, until nothing changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from hera_rollout.cleanup.decorators import passing
from hera_rollout.cleanup.facts import Facts
from hera_rollout.cleanup.gathering import gather, relevance, required_modules
from hera_rollout.cleanup.leftovers import left_in
from hera_rollout.cleanup.places import Notebook
from hera_rollout.cleanup.pruning import Prune, unused, uses
from hera_rollout.cleanup.rewriting import Codemod
from hera_rollout.cleanup.sources import Source, parse
from hera_rollout.cleanup.subject import Place, Subject

ROUNDS = 6


@dataclass
class Cleaned:
    """Texts after the codemod, what was done, and what is known of names."""

    texts: dict[str, str]
    removed: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)
    left: list[Place] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)


class CodemodRun:
    """One run over some modules."""

    def __init__(self, texts: Mapping[str, str], subject: Subject, named: Collection[str] = ()) -> None:
        self.originals = dict(texts)
        self.subject = subject
        self.named = set(named) - set(subject.spellings)
        self.sources = {file: parse(file, text) for file, text in texts.items()}
        self.facts = Facts()
        self.before = uses(self.sources.values())
        self.passing = passing(self.sources.values())
        self.notes = {file: Notebook(file, text, text) for file, text in texts.items()}
        self.removed: set[str] = set()

    def run(self) -> Cleaned:
        """Until nothing changes."""
        for _ in range(ROUNDS):
            before = {file: source.text for file, source in self.sources.items()}
            self.facts = gather(self._all(), self.subject, self.facts)
            required = required_modules(self._all(), self.subject)
            for source in filter(relevance(self.subject, self.facts), self._all()):
                self._fold(source, required)
            self.facts.marks |= dict.fromkeys(passing(self._all()) - self.passing, False)
            self._prune()
            if before == {file: source.text for file, source in self.sources.items()}:
                break
        places = sorted(place for notes in self.notes.values() for place in notes.places.values())
        texts = {file: source.text for file, source in self.sources.items()}
        return Cleaned(texts, self.removed, places, self._left(), self.facts)

    def _left(self) -> list[Place]:
        return [
            place for source in self._all() for place in left_in(source, self.subject, self.facts, self._note(source))
        ]

    def _all(self) -> Sequence[Source]:
        return list(self.sources.values())

    def _note(self, source: Source) -> Notebook:
        old = self.notes[source.file]
        self.notes[source.file] = Notebook(old.file, old.original, source.text, old.places)
        return self.notes[source.file]

    def _fold(self, source: Source, required: frozenset[str]) -> None:
        codemod = Codemod(source, self.subject, self.facts, self._note(source), required)
        tree = cst.MetadataWrapper(source.tree).visit(codemod)
        if codemod.whole_module_goes:
            self.sources.pop(source.file)
            self.removed.add(source.file)
        elif tree.code != source.text:
            self.sources[source.file] = parse(source.file, tree.code)

    def _prune(self) -> None:
        names = unused(self._all(), self.facts, self.before) - self.named
        for source in self._all():
            if not any(name in source.text for name in names):
                continue
            prune = Prune(source, self.facts, names)
            tree = source.tree.visit(prune)
            if tree.code == source.text:
                continue
            notes = self._note(source)
            for name, shape in prune.removed:
                notes.add(_line_of(source.text, name), shape, "removed")
            self.sources[source.file] = parse(source.file, tree.code)


def _line_of(text: str, name: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if name in line and ("=" in line or ":" in line or "def " in line):
            return number
    return 0


def clean(texts: Mapping[str, str], subject: Subject, named: Collection[str] = ()) -> Cleaned:
    """Take the flag out of these Python files; nothing is written.

    Args:
        texts: The files.
        subject: The flag.
        named: Words that stand in files other than Python: a template may ask for a property by its name.

    Raises:
        Refused: a file is not valid Python.
    """
    return CodemodRun(texts, subject, named).run()


def clean_text(text: str, subject: Subject, file: str = "module.py") -> str:
    """The same for one file alone."""
    return clean({file: text}, subject).texts.get(file, "")
