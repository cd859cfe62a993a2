"""The flag in YAML: env entries of compose files, Kubernetes manifests, kustomize patches and Helm values.

An entry is cut out line by line where it stands, so that layout and comments stay as they are; then both texts are read
by ruamel.yaml and compared. Where lines cannot be cut (flow style) ruamel.yaml writes the document again, round trip.
"""

import difflib
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hera_rollout.cleanup.subject import Place, Subject
from hera_rollout.errors import Refused

Path = tuple[Any, ...]
TEMPLATE = ("{{", "{%")
ENVIRONMENT = frozenset({"env", "environment", "variables", "literals"})
"""Keys under which an entry sets a variable; in any other list the same text is a command, an argument, a value."""
CONFIG_MAP = frozenset({("data",), ("stringData",)})
PATCHES = frozenset({"add", "replace"})


def clean_yaml(file: str, text: str, subject: Subject) -> tuple[str, list[Place]]:
    """The text without the flag's entries, and what was done.

    Raises:
        Refused: it names the flag and is not valid YAML.
    """
    if any(sign in text for sign in TEMPLATE) and not _parses(text):
        return text, []
    places: list[Place] = []
    while True:
        found = next(_entries(_documents(file, text), subject), None)
        if found is None:
            text, more = _nested(file, text, subject)
            return text, [*places, *more]
        index, path, line, shape = found
        shown = text.splitlines()[line].strip()
        text = _without(file, text, index, path, subject)
        places.append(Place(file, line + 1 + len(places), shape, "removed", shown))


def _nested(file: str, text: str, subject: Subject) -> tuple[str, list[Place]]:
    """YAML inside YAML: kustomize's `patch: |-`. Its lines stand in the file as they are, only further in."""
    places: list[Place] = []
    for index, document in enumerate(_documents(file, text)):
        for path, start, inner in _blocks(document, ()):
            if subject.flag not in inner or not _parses(inner):
                continue
            cleaned, found = clean_yaml(file, inner, subject)
            cut = _cut_block(text, start, inner, cleaned)
            wanted = _documents(file, text)
            _at(wanted[index], path[:-1])[path[-1]] = cleaned
            if found and cleaned.strip() and _plain(_documents(file, cut)) == _plain(wanted):
                text = cut
                places += [replace(place, line=place.line + start + 1) for place in found]
    return text, places


def _blocks(node: Any, path: Path) -> Iterator[tuple[Path, int, str]]:
    """Every text over several lines, with the line of its key."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for part, value in pairs:
        if isinstance(value, str) and "\n" in value and isinstance(node, dict):
            yield (*path, part), _place(node, part), value
        else:
            yield from _blocks(value, (*path, part))


def _cut_block(text: str, start: int, inner: str, cleaned: str) -> str:
    old, new = inner.splitlines(), cleaned.splitlines()
    gone: set[int] = set()
    for tag, first, end, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "delete":
            gone |= set(range(start + 1 + first, start + 1 + end))
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True)) if number not in gone)


def _parses(text: str) -> bool:
    try:
        _documents("", text)
    except Refused:
        return False
    return True


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def _documents(file: str, text: str) -> list[Any]:
    try:
        return list(_yaml().load_all(text))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        why = getattr(error, "problem", None) or type(error).__name__
        raise Refused(f"{file}:{line}: not valid YAML ({why}); nothing was changed.", todo="Mend the file.") from None


Entry = tuple[int, Path, int, str]


def _entries(documents: list[Any], subject: Subject) -> Iterator[Entry]:
    """Every entry that only sets the flag: document, path, line, shape."""
    for index, document in enumerate(documents):
        for path, line, shape in _within(document, (), subject):
            yield index, path, line, shape


def _within(node: Any, path: Path, subject: Subject) -> Iterator[tuple[Path, int, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == subject.flag and not isinstance(value, list) and _sets_variables(path) and _own(node, key):
                yield (*path, key), _place(node, key), "env entry"
            elif not _counts(key, value, path, subject.flag):
                yield from _within(value, (*path, key), subject)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            if _is_patch(value, subject.flag) or (_sets_variables(path) and _is_entry(value, subject.flag)):
                yield (*path, number), _place(node, number), _shape(value)
            else:
                yield from _within(value, (*path, number), subject)


def _counts(key: Any, value: Any, path: Path, flag: str) -> bool:
    """Whether entries are more than variables: each makes a job, or without the only one its item would be empty."""
    if key == "matrix":
        return True
    if key == "env" and not path:  # Travis: each text in it is a job
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    alone = isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and set(value[0]) == {"name"}
    return key == "variables" and alone and bool(path) and value[0]["name"] == flag


def _sets_variables(path: Path) -> bool:
    """Whether what stands directly under a path is the environment of something."""
    return bool(path) and (path[-1] in ENVIRONMENT or path in CONFIG_MAP)


def _own(node: Any, key: str) -> bool:
    """Whether the mapping has the key itself; `<<: *env` only shows it."""
    return key in (node.lc.data or {})


def _is_entry(value: Any, flag: str) -> bool:
    if isinstance(value, str):
        return value == flag or (value.startswith(f"{flag}=") and "\n" not in value)
    return (
        isinstance(value, dict) and value.get("name") == flag and set(value) <= {"name", "value", "valueFrom", "$patch"}
    )


def _is_patch(value: Any, flag: str) -> bool:
    """A JSON patch that puts the flag into a container's env."""
    if not isinstance(value, dict) or value.get("op") not in PATCHES or "env" not in str(value.get("path")).split("/"):
        return False
    return isinstance(value.get("value"), dict) and value["value"].get("name") == flag


def _shape(value: Any) -> str:
    return "kustomize patch" if isinstance(value, dict) and "op" in value else "env entry"


def _without(file: str, text: str, index: int, path: Path, subject: Subject) -> str:
    wanted = _documents(file, text)
    path = _emptied(wanted[index], path)
    wanted[index] = _pruned(wanted[index], path)
    start = _line_of(_documents(file, text)[index], path)
    cut = _cut(text, start, subject)
    try:
        if _plain(_documents(file, cut)) == _plain(wanted):
            return cut
    except Refused:
        pass
    return _dumped(wanted)


def _emptied(document: Any, path: Path) -> Path:
    """The path of what is to go: an `env:` that would be empty goes as a whole, and never what it stands in."""
    alone = len(path) > 1 and len(_at(document, path[:-1])) == 1
    return path[:-1] if alone and path[-2] in ENVIRONMENT else path


def _at(node: Any, path: Path) -> Any:
    for part in path:
        node = node[part]
    return node


def _pruned(document: Any, path: Path) -> Any:
    if not path:
        return None
    parent = _at(document, path[:-1])
    del parent[path[-1]]
    return document


def _line_of(document: Any, path: Path) -> int:
    return _place(_at(document, path[:-1]), path[-1])


def _place(parent: Any, part: Any) -> int:
    """The line of a mapping's key or of a list's item, as ruamel.yaml noted it."""
    noted: Any = parent.lc
    return int((noted.key(part) if hasattr(parent, "keys") else noted.item(part))[0])


def _cut(text: str, start: int, subject: Subject) -> str:
    """The text without the entry that begins in a line, and without comments above it that only speak of the flag."""
    lines = text.splitlines(keepends=True)
    indent = _indent(lines[start])
    is_key = not lines[start].lstrip().startswith("-")
    end = start + 1
    while end < len(lines) and (_indent(lines[end]) > indent or (is_key and _is_item_of(lines[end], indent))):
        end += 1
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    while start and lines[start - 1].strip().startswith("#") and subject.flag in lines[start - 1]:
        start -= 1
    return "".join([*lines[:start], *lines[end:]])


def _is_item_of(line: str, indent: int) -> bool:
    return _indent(line) == indent and line.lstrip().startswith("- ")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip()) if line.strip() else 10_000


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _dumped(documents: list[Any]) -> str:
    out = io.StringIO()
    yaml = _yaml()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump_all(documents, out)
    return out.getvalue()
