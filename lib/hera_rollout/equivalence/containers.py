"""What a container runs: command, args and source, where another text may do the same."""

from __future__ import annotations

import re
from typing import Any, Final

from hera_rollout.equivalence import sources
from hera_rollout.equivalence.values import identical

_CODE: Final = re.compile(r"-[A-Za-z]*c")
_VARIABLE: Final = re.compile(r"\$\([A-Za-z_][-.\w]*\)")


def source_rule(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The rule by which two scripts' sources mean the same; empty if none says so."""
    texts = one.get("source"), other.get("source")
    spoken = sources.language(one.get("command"))
    if spoken != sources.language(other.get("command")) or not all(isinstance(text, str) for text in texts):
        return ""
    return sources.same(str(texts[0]), str(texts[1]), spoken)


def command_rule(one: dict[str, Any], other: dict[str, Any]) -> str:
    """The rule by which two command lines mean the same; empty if none says so."""
    ours, theirs = _line(one), _line(other)
    if ours is None or theirs is None or len(ours) != len(theirs):
        return ""
    apart = [number for number, words in enumerate(zip(ours, theirs, strict=True)) if not identical(*words)]
    if not apart:
        return "command-and-args"
    if len(apart) > 1 or apart[0] == 0 or not _CODE.fullmatch(str(ours[apart[0] - 1])):
        return ""
    if any(not _CODE.fullmatch(str(word)) and not str(word).startswith("-") for word in ours[1 : apart[0]]):
        return ""  # something else is run before that -c
    texts = ours[apart[0]], theirs[apart[0]]
    if any(not isinstance(text, str) or _VARIABLE.search(text) for text in texts):
        return ""  # the kubelet puts text of its own in there
    return sources.same(texts[0], texts[1], sources.language(ours))


def _line(container: dict[str, Any]) -> list[Any] | None:
    command, args = container.get("command"), container.get("args") or []
    if not isinstance(command, list) or not command or not isinstance(args, list):
        return None  # without a command the image's own runs
    return [*command, *args]
