"""When a DAG's task starts: `dependencies` and `depends` brought to one form, as Argo's controller does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(r"\s*(?:(\()|(\))|(&&)|(\|\|)|(!)|([a-zA-Z0-9][-a-zA-Z0-9_]*(?:\.[A-Z][a-zA-Z]+)?))")

Form = Any
"""A task's result as text, or ("not", form), or ("and" / "or", frozenset of forms)."""


def form(task: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]) -> Form:
    """The condition of a task in one form, whatever the way it is written; None for no condition.

    A condition that cannot be read stays text.
    """
    text = task.get("depends")
    if text:
        try:
            return _Parser(str(text), tasks).whole()
        except (ValueError, RecursionError):
            return text
    names = task.get("dependencies") or []
    if not isinstance(names, list):
        return names
    return joined("and", [_expanded(str(name), tasks) for name in names]) if names else None


def joined(word: str, parts: list[Form]) -> Form:
    """Parts under one operator: nested ones of the same kind taken in, twins dropped, no order."""
    flat: set[Form] = set()
    for part in parts:
        flat |= part[1] if isinstance(part, tuple) and part[0] == word else {part}
    return next(iter(flat)) if len(flat) == 1 else (word, frozenset(flat))


def _expanded(name: str, tasks: Mapping[str, Mapping[str, Any]]) -> Form:
    results = ["Succeeded", "Skipped", "Daemoned"]
    goes_on = (tasks.get(name) or {}).get("continueOn") or {}
    results += [word for key, word in (("error", "Errored"), ("failed", "Failed")) if goes_on.get(key)]
    return joined("or", [f"{name}.{result}" for result in results])


class _Parser:
    """`||` binds least, then `&&`, then `!`."""

    def __init__(self, text: str, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        self._tasks = tasks
        self._tokens: list[str] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ValueError(text)
            self._tokens.append(match[0].strip())
            position = match.end()

    def whole(self) -> Form:
        made = self._either()
        if self._tokens:
            raise ValueError(self._tokens)
        return made

    def _either(self) -> Form:
        parts = [self._both()]
        while self._taken("||"):
            parts.append(self._both())
        return joined("or", parts)

    def _both(self) -> Form:
        parts = [self._one()]
        while self._taken("&&"):
            parts.append(self._one())
        return joined("and", parts)

    def _one(self) -> Form:
        if self._taken("!"):
            return ("not", self._one())
        if self._taken("("):
            made = self._either()
            if not self._taken(")"):
                raise ValueError("a bracket is not closed")
            return made
        if not self._tokens or self._tokens[0] in {")", "&&", "||"}:
            raise ValueError("a task is missing")
        word = self._tokens.pop(0)
        return word if "." in word else _expanded(word, self._tasks)

    def _taken(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False
