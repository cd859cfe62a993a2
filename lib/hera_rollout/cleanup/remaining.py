"""What a cleanup would leave behind in Python without a word: readers by parts, definitions, ways to the old path."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from hera_rollout.cleanup.fallbacks import old_path_places, original_line
from hera_rollout.cleanup.readers import built_readers
from hera_rollout.cleanup.sources import parse
from hera_rollout.cleanup.subject import Place, Subject

NO_CONFIGURATION = (".py", ".md", ".rst", ".lock")


@dataclass(frozen=True)
class Remains:
    """A repository's Python before and after.

    Args:
        before: Every file as it was.
        after: The same cleaned; what is missing goes.
        off: The same with the flag folded to its other value.
        unasked: Definitions that stay, and that only a framework may still call.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    off: Mapping[str, str]
    unasked: Iterable[Place]

    def places(self, subject: Subject, known: Iterable[Place]) -> list[Place]:
        """Places that are a person's, each once, and none of those that are known to be."""
        readers = built_readers([parse(file, text) for file, text in self.after.items()], subject)
        seen = {(place.file, place.line) for place in known}
        places: list[Place] = []
        for place in [*self._as_before([*readers, *self.unasked]), *self._old_path()]:
            if (place.file, place.line) not in seen:
                seen.add((place.file, place.line))
                places.append(place)
        return places

    def _old_path(self) -> list[Place]:
        return old_path_places(self.before, self.after, self.off) if self.after != self.before else []

    def _as_before(self, places: Iterable[Place]) -> Iterator[Place]:
        """Places of the cleaned source at their lines in the original."""
        for place in places:
            before, after = self.before[place.file], self.after[place.file]
            yield replace(place, line=original_line(before, after, place.line))


def words_in(files: Mapping[str, bytes]) -> set[str]:
    """Words that stand in configuration and templates: what is named there may be asked for by its name."""
    words: set[str] = set()
    for name, data in files.items():
        if not name.endswith(NO_CONFIGURATION) and b"\0" not in data[:1024]:
            words |= set(re.findall(r"[A-Za-z_][\w.]*", data.decode("utf-8", "replace")))
    return words | {part for word in words for part in word.split(".")}
