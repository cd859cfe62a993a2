"""Where a private key stands in a text, or in many texts that are its lines.

A notebook on disk splits a text into a list of lines, a table has a line a row, and a loop prints a line an output. So
texts that stand under one name are looked at as one, and what belongs to a key is cut out of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

MARK: Final = re.compile(r"PRIVATE KEY|LS0tLS1CRUdJTi")
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
# `PRIVATE KEY` in base64, by where it begins in a group of three bytes.
_CODED: Final = re.compile(
    r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,30}(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)[A-Za-z0-9+/]*={0,2}"
    r"(?:(?:\\+[nr]|\s)+[A-Za-z0-9+/]{40,}={0,2})*(?:(?:\\+[nr]|\s)+[A-Za-z0-9+/]+={1,2})?"
)


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
            part = (key,) if isinstance(holder, dict) or cells else ()
            if isinstance(value, str):
                self.groups.setdefault((*path, *part), []).append(_Text(holder, key))
            elif isinstance(value, dict | list):
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
    """From where to where a key stands: whole ones, then what is left of those that are cut."""
    whole = [match.span() for match in _WHOLE.finditer(text)]
    rest = [
        match.span()
        for shape in (_CUT, _CODED)
        for match in shape.finditer(text)
        if not any(begin <= match.start() < end for begin, end in whole)
    ]
    return sorted(whole + rest)


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
