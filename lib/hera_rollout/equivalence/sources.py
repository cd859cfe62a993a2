"""Program texts that mean the same: Python by its syntax tree, shell without whole-line comments, the rest by text."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Any, Final, Literal

from hera_rollout.equivalence import shell

Language = Literal["python", "shell", ""]
_TAG: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash"})
_LAYOUT: Final = frozenset({tokenize.COMMENT, tokenize.NL, tokenize.ENCODING})
_LINE_NUMBERS: Final = re.compile(r"__file__|inspect|traceback|linecache|f_lineno|co_firstlineno")


def language(command: Any) -> Language:
    """What interprets a text under this command; only a command that names the interpreter counts, never an image."""
    words = [word for word in command if isinstance(word, str)] if isinstance(command, list) else []
    if words and words[0].rpartition("/")[2] == "env":
        words = words[1:]
    program = words[0].rpartition("/")[2] if words else ""
    if re.fullmatch(r"python[0-9.]*", program):
        return "python"
    return "shell" if program in _SHELLS else ""


def same(one: str, other: str, spoken: Language) -> str:
    """The rule by which two texts mean the same; empty if none says so."""
    if spoken == "python" and _same_python(one, other):
        return "python-source"
    if spoken == "shell":
        plain = shell.stripped(one)
        if plain is not None and plain == shell.stripped(other):
            return "shell-comments"
    return ""


def _same_python(one: str, other: str) -> bool:
    if _LINE_NUMBERS.search(one) or _LINE_NUMBERS.search(other):
        return False
    try:
        if "{{" in one or "{{" in other:
            return _tokens(one) == _tokens(other)
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return False


def _tokens(text: str) -> list[tuple[int, str]]:
    """The text's tokens without layout.

    Argo puts text in the place of a {{tag}} before Python reads it, so quotes and indentation around one matter: here
    tokens must be the same to the letter, and a tag in a comment is taken for code.
    """
    tagged = _TAG.sub(lambda match: f"tag_{match[0].encode().hex()}", text)
    ast.parse(tagged)
    kept = []
    for token in tokenize.generate_tokens(io.StringIO(tagged).readline):
        if token.type not in _LAYOUT or (token.type == tokenize.COMMENT and "tag_" in token.string):
            kept.append((token.type, "" if token.type == tokenize.NEWLINE else token.string))
    return kept
