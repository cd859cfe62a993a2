"""The guide's four "Logs to Watch": startup, creation, error and warning, told apart line by line. Pure but for `read`.

An entry is what was logged at once: a traceback, however long, is one. Its level decides where it says one (plain or
JSON), else its words. An error is an error also where it speaks of a creation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from pandas import DataFrame

from hera_rollout.answers import plain
from hera_rollout.cluster import Cluster
from hera_rollout.gates import Check, judge, rules
from hera_rollout.redaction import REDACTOR
from hera_rollout.troubleshooting import Entry

LogClass = Literal["startup", "creation", "error", "warning", "other"]
CLASSES: Final[tuple[LogClass, ...]] = ("startup", "creation", "error", "warning")
COLUMNS: Final = ["pod", "class", "count", "example"]
EXAMPLE_LENGTH: Final = 300
MOST_KEPT: Final = 50
TAIL: Final = 20_000
MOST_BYTES: Final = 8 * 1024 * 1024

_LEVELS: Final[dict[str, LogClass]] = {
    "error": "error", "err": "error", "critical": "error", "crit": "error", "fatal": "error", "alert": "error",
    "emergency": "error", "exception": "error", "panic": "error", "severe": "error",
    "warning": "warning", "warn": "warning",
    "info": "other", "information": "other", "notice": "other", "debug": "other", "trace": "other",
}  # fmt: skip
_WORD: Final = "|".join(sorted(_LEVELS, key=len, reverse=True))
_STAMP: Final = re.compile(r"^\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d\S*|\d\d:\d\d:\d\d\S*)\]?")
_LEVEL: Final = re.compile(rf"\blevel=\"?({_WORD})\b|(?:^|[\s\[|])({_WORD})(?:[\]:|\s]|$)", re.IGNORECASE)
_UPPER: Final = re.compile(rf"^({_WORD.upper()})$")
_KLOG: Final = re.compile(r"^([IWEF])\d{4} \d\d:\d\d:\d\d")
_KLOG_LEVELS: Final[dict[str, LogClass]] = {"I": "other", "W": "warning", "E": "error", "F": "error"}
_PYTHON_WARNING: Final = re.compile(r":\d+: \w*Warning: ")
_TRACEBACK: Final = "Traceback (most recent call last)"
_CHAINED: Final = ("During handling of the above exception", "The above exception was the direct cause")
_RAISED: Final = re.compile(r"^\w[\w.]*(Error|Exception|Interrupt|Exit|Warning|Failed)\b")
_BAD_WORDS: Final = re.compile(r"\b(error|exception|fatal|panic|failed|failure)\b", re.IGNORECASE)
_WARN_WORDS: Final = re.compile(r"\bwarn(ing)?\b", re.IGNORECASE)
_STARTUP: Final = re.compile(
    r"startup|started server|starting|started (?:the )?(?:application|service|worker)|listening on|running on|ready to|"
    r"code revision|booting|migrations? (?:applied|done)|\bfeature flag\b|USE_HERA_SDK",
    re.IGNORECASE,
)
_CREATION: Final = re.compile(
    r"\b(creat(?:e|ed|es|ing)|submit(?:ted|s|ting)?)\b.*\b(workflow|python-job-|task-)|"
    r"\b(workflow|python-job-\S+|task-\S+)\b.*\b(created|submitted)\b",
    re.IGNORECASE,
)
_ANNOUNCED: Final = re.compile(
    r"fall(?:s|ing)?[ -]?back|fell back|using yaml|cannot import|could not import|ImportError|ModuleNotFoundError|"
    r"\b(?:hera|sdk)\b.{0,40}\b(?:not available|unavailable|not installed|does not import|failed)",
    re.IGNORECASE,
)


@dataclass
class LogEntry:
    """What was logged at once."""

    kind: LogClass
    text: str
    lines: int = 1

    @property
    def falls_back(self) -> bool:
        """Whether it announces that Hera was not used: the warning that was overlooked in real rollouts."""
        return self.kind in {"error", "warning"} and bool(_ANNOUNCED.search(self.text))


@dataclass(frozen=True)
class LogClasses:
    """The entries of each pod since a moment."""

    entries: Mapping[str, tuple[LogEntry, ...]] = field(repr=False)

    def of(self, kind: LogClass) -> list[tuple[str, LogEntry]]:
        """Entries of one class, with their pods."""
        return [(pod, entry) for pod, entries in self.entries.items() for entry in entries if entry.kind == kind]

    @property
    def lines(self) -> int:
        """How many lines were read in all."""
        return sum(entry.lines for entries in self.entries.values() for entry in entries)

    @property
    def frame(self) -> DataFrame:
        """One row a pod and class, also where there was none: pod, class, count, example (the last one)."""
        rows = [
            (pod, kind, len(chosen), _example(chosen[-1]) if chosen else "")
            for pod, entries in self.entries.items()
            for kind in CLASSES
            for chosen in [[entry for entry in entries if entry.kind == kind]]
        ]
        return DataFrame(rows, columns=COLUMNS)

    def table(self, kind: LogClass) -> DataFrame:
        """Every entry of one class: pod, entry."""
        return DataFrame([(pod, _example(entry)) for pod, entry in self.of(kind)], columns=["pod", "entry"])


def classify(text: str) -> tuple[LogEntry, ...]:
    """A log's entries in order."""
    return tuple(_classified(lines) for lines in _grouped(text.splitlines()))


def read(cluster: Cluster, since: datetime) -> LogClasses:
    """The logs of the target Deployment's pods since a moment, classified; bounded.

    Raises:
        RolloutError: the cluster does not answer, or a pod's log may not be read.
    """
    names = sorted(cluster.pods(cluster.selector())["name"])
    container = cluster.target.container
    found = {pod: cluster.logs(pod, container, since=since, tail=TAIL, max_bytes=MOST_BYTES) for pod in names}
    return LogClasses({pod: classify(log) for pod, log in found.items()})


def judged(found: LogClasses, *, restarted: bool) -> list[Check]:
    """The checks `startup logs`, `creation logs`, `error logs`, `warning logs`.

    Args:
        found: the logs since the flag was changed.
        restarted: whether the change replaced the pods: then each must have logged its start.
    """
    counts = {kind: len(found.of(kind)) for kind in CLASSES}
    errors, warnings = found.of("error"), found.of("warning")
    silent = [pod for pod, entries in found.entries.items() if not any(one.kind == "startup" for one in entries)]
    told = [f"{pod}: {_example(entry)}" for pod, entry in [*warnings, *errors] if entry.falls_back]
    return [
        _check("startup logs", f"{counts['startup']} startup entries of {len(found.entries)} pods",
               "each pod that was started has logged it", {"silent": silent, "restarted": restarted},
               None if not restarted else bool(found.entries) and not silent),
        _check("creation logs", f"{counts['creation']} creation entries", "at least one, for workflows were made",
               {"count": counts["creation"]}, bool(counts["creation"]) or None),
        _check("error logs", f"{len(errors)} errors among {found.lines} lines{_such_as(errors)}", "none",
               {"errors": [f"{pod}: {_example(entry)}" for pod, entry in errors[:MOST_KEPT]], "lines": found.lines},
               not errors if found.lines else None),
        _check("warning logs", f"{len(warnings)} warnings{_such_as(warnings)}",
               "none that says Hera was not used; the others are for a person to read",
               {"fallbacks": told[:MOST_KEPT], "warnings": len(warnings)}, not told if found.lines else None),
    ]  # fmt: skip


def _check(name: str, seen: str, expected: str, evidence: dict[str, Any], good: bool | None) -> Check:
    """PASS or FAIL as said; HOLD where there was nothing to judge by (None)."""
    return judge(
        name=name, rule=rules.withheld if good is None else rules.holds, evidence={"holds": good, **evidence},
        seen=seen, expected=expected, limit_source="kit",
        why="A service may answer 200 and write into its log why it did not do what was asked.",
        todo=f"kubectl logs of the pod named above ({Entry.LOGS.reference}).",
    )  # fmt: skip


def _such_as(entries: list[tuple[str, LogEntry]]) -> str:
    return f", such as: {plain(_example(entries[0][1]), 200)}" if entries else ""


def _example(entry: LogEntry) -> str:
    """The entry's head, and of a traceback the exception it ends with."""
    lines = [line for line in entry.text.splitlines() if line.strip()]
    shown = lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1].strip()}"
    return plain(REDACTOR.text(shown), EXAMPLE_LENGTH)


def _grouped(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines that belong together."""
    group: list[str] = []
    tracing = False
    for line in filter(str.strip, lines):
        if group and _goes_on(line, tracing):
            group.append(line)
        else:
            if group:
                yield group
            group = [line]
            tracing = False
        tracing = _tracing(line, tracing)
    if group:
        yield group


def _goes_on(line: str, tracing: bool) -> bool:
    if line[0] in " \t" or line.startswith((_TRACEBACK, *_CHAINED)):
        return True
    return tracing and not _head(line)


def _tracing(line: str, tracing: bool) -> bool:
    """Whether the next line without an indent may still be of a traceback: until the exception has been named."""
    if line.startswith((_TRACEBACK, *_CHAINED)):
        return True
    return tracing and not _RAISED.match(line)


def _head(line: str) -> bool:
    """Whether the line says itself that it is the beginning of an entry."""
    return bool(_STAMP.match(line) or _KLOG.match(line) or _structured(line) is not None)


def _classified(lines: list[str]) -> LogEntry:
    head, text = lines[0], "\n".join(lines)
    document = _structured(head)
    said = _message(document) if document is not None else head
    level = _json_level(document) if document is not None else _level(head)
    traced = any(line.startswith(_TRACEBACK) for line in lines) or _TRACEBACK in said
    if level == "error" or (traced and level != "warning"):
        return LogEntry("error", text, len(lines))
    if level == "warning":
        return LogEntry("warning", text, len(lines))
    return LogEntry(_by_words(said, leveled=level is not None), text, len(lines))


def _by_words(said: str, *, leveled: bool) -> LogClass:
    if not leveled:
        if _PYTHON_WARNING.search(said) or _WARN_WORDS.search(said):
            return "warning"
        if _BAD_WORDS.search(said) or _RAISED.match(said):
            return "error"
    if _CREATION.search(said):
        return "creation"
    return "startup" if _STARTUP.search(said) else "other"


def _level(head: str) -> LogClass | None:
    """The level a plain line says: klog's letter, or the first level word near its beginning."""
    if klog := _KLOG.match(head):
        return _KLOG_LEVELS[klog[1]]
    found = _LEVEL.search(head[:120])
    if found is None:
        return None
    word = found[1] or found[2]
    # Past the head of a line a lower-case word is prose: "no error was seen" is not at level error.
    sure = bool(found[1]) or bool(_UPPER.match(word)) or found.start(2) <= 1 or head[: found.start(2)].endswith("[")
    return _LEVELS[word.lower()] if sure or _STAMP.sub("", head[: found.start(2)]).strip(" -|,") == "" else None


def _structured(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _message(document: Mapping[str, Any]) -> str:
    parts = (document.get(key) for key in ("message", "msg", "event", "text", "exc_info", "exception", "stack_trace"))
    return " ".join(str(part) for part in parts if part)


def _json_level(document: Mapping[str, Any]) -> LogClass | None:
    for key in ("level", "levelname", "severity", "lvl", "log.level", "loglevel"):
        said = document.get(key)
        if isinstance(said, str) and said.lower() in _LEVELS:
            return _LEVELS[said.lower()]
        if isinstance(said, int) and not isinstance(said, bool):  # the numbers of Python's logging
            return "error" if said >= 40 else "warning" if said >= 30 else "other"  # noqa: PLR2004
    return None
