"""Whether a variable may leave the files beside the code: only where whoever reads it was found and folded."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hera_rollout.cleanup.fallbacks import original_line
from hera_rollout.cleanup.leftovers import COMMENT
from hera_rollout.cleanup.manifests import clean_yaml
from hera_rollout.cleanup.sources import is_test
from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.cleanup.textfiles import clean_lines, code, kind_of, named_in

NO_READER = "no reader of it was folded here: without it, whoever reads it takes the flag for off"
STILL_READ = "{}:{} may still read it: without it the flag would be off there"
COUNTED = "{}:{} patches an entry of env by its number: with one entry less it would change another"
BY_NUMBER = re.compile(rb"/env/\d")
SETTING = frozenset({"documentation", "yaml", "ci", "json", "toml", "env file", "container file", "requirements"})
GUARD = "try import"
READING = "reader"
Cleaned = tuple[str, list[Place], list[Place]]


def why_kept(
    places: Iterable[Place],
    left: Iterable[Place],
    before: Mapping[str, str],
    after: Mapping[str, str],
    subject: Subject,
) -> str:
    """Why the variable has to stay in manifests; empty where its readers are gone from the code.

    Args:
        places: What was done in Python files.
        left: What was left in them.
        before: Every Python file as it was.
        after: The same cleaned.
        subject: The flag.
    """
    reading = [place for place in left if place.why != COMMENT and place.shape in {READING, "reference"}]
    still = next((place for place in reading if not is_test(place.file)), None)
    folded = any(place.action in {"folded", "removed"} and place.shape != GUARD and not is_test(place.file)
                 for place in places)  # fmt: skip
    mended = any(_names(text, subject) and not _names(after.get(file, ""), subject)
                 for file, text in before.items() if not is_test(file))  # fmt: skip
    if not folded and not mended:
        return NO_READER
    return STILL_READ.format(still.file, still.line) if still else ""


def _names(text: str, subject: Subject) -> bool:
    return any(name in text for name in subject.spellings)


def why_read(files: Mapping[str, str], subject: Subject) -> str:
    """Why the variable has to stay because of these files beside the Python code; empty where none asks for it."""
    asking = next(filter(None, (_reads_in(file, text, subject) for file, text in files.items())), None)
    return STILL_READ.format(asking.file, asking.line) if asking else ""


def why_counted(files: Mapping[str, bytes], subject: Subject) -> str:
    """Why the variable has to stay because a patch counts the entries it stands among; empty where none does."""
    for file, data in files.items():
        hit = BY_NUMBER.search(data) if file.endswith((".yaml", ".yml", ".json")) else None
        if hit and subject.flag.encode() not in data:
            return COUNTED.format(file, data[: hit.start()].count(b"\n") + 1)
    return ""


def _reads_in(file: str, text: str, subject: Subject) -> Place | None:
    """The first line of a script or of another language's source that asks for the variable."""
    kind = kind_of(file)
    asks = re.compile(rf"(\$\{{?|[\"'`.]){re.escape(subject.flag)}(?![A-Za-z0-9_])")
    for number, line in enumerate(text.splitlines() if kind not in SETTING else (), start=1):
        if asks.search(code(line, kind)):
            return Place(file, number, READING, "by hand", line.strip()[:160], f"{kind}: no plain assignment")
    return None


def clean_file(file: str, text: str, subject: Subject, kept: str) -> Cleaned:
    """A file beside the code without the variable, what was done, and what is left; `kept` says why it has to stay.

    Raises:
        Refused: it is YAML by its name, and not valid.
    """
    is_yaml = kind_of(file) in {"yaml", "ci"} and file.endswith((".yml", ".yaml"))
    after, places = (clean_yaml if is_yaml else clean_lines)(file, text, subject)
    if not kept or after == text or kind_of(file) == "documentation":
        left = [replace(place, line=original_line(text, after, place.line)) for place in named_in(file, after, subject)]
        return after, places, left
    staying = {original_line(text, after, place.line) for place in named_in(file, after, subject)}
    return text, [], [place if place.line in staying else replace(place, why=kept)
                      for place in named_in(file, text, subject)]  # fmt: skip
