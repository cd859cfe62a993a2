"""A shell text without its whole-line comments and blank lines, or nothing where that might not be sound."""

from __future__ import annotations

import re
from typing import Final

_SAFE_TAG: Final = re.compile(
    r"\{\{\s*(?:workflow\.(?:name|namespace|uid|serviceAccountName)|pod\.name|retries)\s*\}\}"
)
# Here-documents, quoting within quoting, and texts that read themselves or count their lines: never touched.
_REFUSED: Final = re.compile(r"<<|\$'|`|LINENO|BASH_SOURCE|\$0|\$\{0|\{\{")
_NESTED: Final = re.compile(r"\$\(|\$\{(?![^}]*\})|\$\{[^}]*(?:[\"'\\]|\s#)")
_SINGLE, _DOUBLE = "'", '"'


def stripped(text: str) -> str | None:
    """The text's lines that do something; None where quotes or substitutions make it too hard to tell."""
    if _REFUSED.search(_SAFE_TAG.sub("tag", text)):
        return None
    kept, quote, joined = [], "", False
    for line in text.split("\n"):
        if not quote and not joined and (not line.strip() or line.lstrip().startswith("#")):
            continue
        state = _scan(line, quote)
        if state is None:
            return None
        opened, (quote, joined) = quote or joined, state
        plain = line if opened else line.lstrip(" \t")
        kept.append(plain if quote or joined or plain.endswith("\\ ") else plain.rstrip(" \t"))
    return None if quote else "\n".join(kept)


def _scan(line: str, quote: str) -> tuple[str, bool] | None:
    """Which quote is open after the line, and whether the next line belongs to it; None if it cannot be told."""
    position = 0
    while position < len(line):
        sign = line[position]
        if quote == _SINGLE:
            quote = "" if sign == _SINGLE else quote
        elif sign == "\\":
            position += 1
            if position == len(line):
                return quote, True
        elif quote == _DOUBLE:
            if _NESTED.match(line, position):
                return None
            quote = "" if sign == _DOUBLE else quote
        elif sign in {_SINGLE, _DOUBLE}:
            quote = sign
        elif _hard(line, position):
            return None
        elif sign == "#" and (position == 0 or line[position - 1] in " \t;&|()"):
            break
        position += 1
    return quote, False


def _hard(line: str, position: int) -> bool:
    return line.startswith("${", position) and _NESTED.match(line, position) is not None
