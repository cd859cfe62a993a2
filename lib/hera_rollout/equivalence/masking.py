"""What must differ between two runs of one workflow, out of texts: names, ids, times, the executor's own lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_CLOCK: Final = re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b")
_TOOK: Final = re.compile(r"\b(in|after) \d+(?:\.\d+)? ?(?:ns|us|µs|ms|s|sec|seconds)\b")
# Argo's executor writes beside the program, and what it says depends on which of its threads ends first.
_EXECUTOR: Final = re.compile(r"^time=\S+ level=\w+ msg=.* argo=true\b.*\n?", re.MULTILINE)
_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]{6,16}\b")


class Mask:
    """Takes one run's own names out of a text, and the times of day out of any."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        meta = document.get("metadata") or {}
        name, uid = str(meta.get("name") or ""), str(meta.get("uid") or "")
        self._replacements: list[tuple[re.Pattern[str], str]] = [(_EXECUTOR, "")]
        if uid:
            self._replacements.append((re.compile(re.escape(uid)), "<uid>"))
        if name:
            own = re.escape(name)
            self._replacements.append((re.compile(rf"\b{own}(?:-[a-z0-9.-]+)?-\d{{6,10}}\b"), "<pod>"))
            self._replacements.append((re.compile(rf"(?<![\w-]){own}(?![\w]|-\w)"), "<workflow>"))
            self._replacements.append((re.compile(rf"(?<=[-_/]){own}(?![\w]|-\w)"), "<workflow>"))
        self._replacements += [(_TIME, "<time>"), (_CLOCK, "<time>"), (_TOOK, r"\1 <time>"), (_ADDRESS, "<address>")]

    def __call__(self, text: str) -> str:
        """The text without what must differ."""
        for pattern, sign in self._replacements:
            text = pattern.sub(sign, text)
        return text
