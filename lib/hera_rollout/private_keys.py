"""Where a private key stands in a text, or in many texts that are its lines.

A notebook on disk splits a text into a list of lines, a table has a line a row, and a loop prints a line an output. So
texts that stand under one name are looked at as one, and what belongs to a key is cut out of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_BEGIN_CODED: Final = "LS0tLS1CRUdJTi|0tLS0tQkVHSU4g|tLS0tLUJFR0lOI"
_MARK_CODED: Final = "UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW"
MARK: Final = re.compile(rf"PRIVATE(?: |%20|\+)KEY|Private-Lines|{_BEGIN_CODED}|{_MARK_CODED}")
"""Without one of these in a text there is no key in it: most texts are looked at no further."""

_KIND: Final = r"[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?"
_BEGIN: Final = rf"-{{4,5}} ?BEGIN {_KIND} ?-{{4,5}}"
_WHOLE: Final = re.compile(rf"{_BEGIN}(?:(?!{_BEGIN}).)*?-{{4,5}} ?END {_KIND} ?-{{4,5}}", re.DOTALL)
# What a line end becomes: escaped in JSON (also twice), a tag or an entity in HTML, the marks and numbers of a table.
_GAP: Final = r"(?:\s|\\+(?:[nrt]|u000[aAdD])|<[^<>]{0,80}>|&#?\w{1,8};|[\"'`,|\[\]]|\b\d{1,6}(?=\s))"
_HEAD: Final = r"[A-Za-z][A-Za-z-]{2,30}: [^\n\\<&\"']{0,200}+"
_LETTERS: Final = r"[A-Za-z0-9+/]{16,}+={0,2}"
_LAST: Final = rf"(?:=?[A-Za-z0-9+/]{{1,15}}={{0,2}})(?={_GAP}|$)"
_LINES: Final = rf"(?:{_GAP}{{1,400}}+{_HEAD}){{0,9}}(?:{_GAP}{{1,400}}+{_LETTERS})+(?:{_GAP}{{1,9}}+{_LAST})?"
_CUT: Final = re.compile(rf"{_BEGIN}(?:{_LINES}|{_GAP}{{1,9}}+[A-Za-z0-9+/=]{{1,15}}$)?")
# Base64 of whatever has a key in it, such as a certificate and its key; the marks by where they begin in a group of
# three bytes.
_CODED: Final = re.compile(
    r"[A-Za-z0-9+/]{40,}+={0,2}(?:(?:\\+[nr]|\s){1,40}+[A-Za-z0-9+/]{40,}+={0,2})*+(?:(?:\\+[nr]|\s){1,40}+[A-Za-z0-9+/]+={1,2})?"
)
_CODED_MARK: Final = re.compile(_MARK_CODED)
_CODED_GAP: Final = re.compile(r"\\+[nr]|\s+")
# In an address, up to the end of the value.
_QUOTED: Final = re.compile(r"-----BEGIN(?:%20|\+)[A-Z0-9%+]{0,40}PRIVATE(?:%20|\+)KEY[\w%+/=.~-]*+")
# Letters of a key in a line with anything else, such as a log's time: a digest or a path has not both cases.
_RUN: Final = r"(?<![A-Za-z0-9+/])(?=[a-z0-9+/]*+[A-Z])(?=[A-Z0-9+/]*+[a-z])[A-Za-z0-9+/]{40,}+={0,2}"
_EDGE: Final = re.compile(
    rf"(?P<begin>{_BEGIN}|Private-Lines: \d+)|(?P<end>-{{4,5}} ?END {_KIND} ?-{{4,5}}|Private-MAC)"
    rf"|(?P<other>-----(?:BEGIN|END) [A-Z0-9 ]{{1,60}}-----|Public-Lines: \d+)|(?P<run>{_RUN})"
)
_NEAR: Final = 300
"""Characters that may stand between a mark and a key's letters, or two lines of them: what a log writes beside them."""


class _Text(NamedTuple):
    """One text in plain data, by what holds it."""

    holder: Any
    key: Any

    @property
    def value(self) -> str:
        return str(self.holder[self.key])


def masked(text: str, mask: str) -> str:
    """The text with every private key masked, also one that is cut, or is there as base64."""
    return _without(text, _spans(text), mask, 0) if MARK.search(text) else text


def mask_lines(data: Any, mask: str) -> Any:
    """Plain data with each key masked whose lines are texts of their own: items of a list, rows, outputs."""
    if not any(MARK.search(text.value) for text in _texts([data], ()).all()):
        return data
    copy = [_copied(data)]
    for texts in _texts(copy, ()).groups.values():
        _mask_group(texts, mask)
    return copy[0]


class _Groups:
    """The texts of plain data, those that stand under one name together."""

    def __init__(self) -> None:
        self.groups: dict[tuple[object, ...], list[_Text]] = {}

    def all(self) -> Iterator[_Text]:
        """Every text."""
        for texts in self.groups.values():
            yield from texts

    def gather(self, holder: Any, path: tuple[object, ...]) -> None:
        """Take in all texts below; the number in a list is no part of a name, but a cell is a place of its own."""
        entries = holder.items() if isinstance(holder, dict) else enumerate(holder)
        cells = bool(path) and path[-1] == "cells"
        for key, value in entries:
            numbered = not isinstance(holder, dict) or str(key).isdigit()  # as a table's rows in plain data
            part = (key,) if cells or not numbered else ()
            if isinstance(value, str):
                self.groups.setdefault((*path, *part), []).append(_Text(holder, key))
            elif isinstance(value, dict | list | tuple):
                self.gather(value, (*path, *part))


def _texts(holder: list[Any], path: tuple[object, ...]) -> _Groups:
    groups = _Groups()
    groups.gather(holder, path)
    return groups


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value


def _mask_group(texts: list[_Text], mask: str) -> None:
    """Cut out of each text what belongs to a key in all of them joined."""
    parts = [text.value if text.value.endswith("\n") else f"{text.value}\n" for text in texts]
    joined = "".join(parts)
    spans = _spans(joined) if MARK.search(joined) else []
    offset = 0
    for text, part in zip(texts, parts, strict=True):
        if spans:
            text.holder[text.key] = _without(text.value, spans, mask, offset)
        offset += len(part)


def _spans(text: str) -> list[tuple[int, int]]:
    """From where to where a key stands: whole ones, then what is left of those that are cut; none overlaps."""
    whole = [match.span() for match in _WHOLE.finditer(text)]
    rest = [
        match.span()
        for shape in (_CUT, _QUOTED, _CODED)
        for match in shape.finditer(text)
        if shape is not _CODED or _CODED_MARK.search(_CODED_GAP.sub("", match.group()))
    ]
    return _merged(sorted([*whole, *rest, *_beside_marks(text)]))


def _beside_marks(text: str) -> Iterator[tuple[int, int]]:
    """A key's letters after its first line and before its last, whatever stands between: the other may be cut off."""
    edges = [(edge.lastgroup, *edge.span()) for edge in _EDGE.finditer(text)]
    last = None
    for what, begin, end in edges:
        if what == "begin":
            last = end
        elif what == "run" and last is not None and begin - last <= _NEAR:
            yield last, end
            last = end
        else:
            last = None
    first = until = None
    for what, begin, end in reversed(edges):
        if what == "end":
            first, until = begin, end
        elif what == "run" and first is not None and until is not None and first - end <= _NEAR:
            yield begin, until
            first = until = begin
        else:
            first = None


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _without(text: str, spans: list[tuple[int, int]], mask: str, offset: int) -> str:
    """A text that begins at `offset` of where the spans are, masked; its last line end stays."""
    most = len(text) - text.endswith("\n")
    pieces, done = [], 0
    for begin, end in spans:
        first, last = max(begin - offset, done), min(end - offset, most)
        if first < last:
            pieces += [text[done:first], mask]
            done = last
    return "".join([*pieces, text[done:]])
