"""A status on one screen, and as one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from hera_rollout.state.comparing import clock
from hera_rollout.status import wording
from hera_rollout.status.parts import Evidence, Known, Lease, PodFlag, Setting, Standing, Status

LABEL: Final = 11
NARROW: Final = 50
"""Below this width a part's name has a line of its own."""


@dataclass
class _Section:
    """A part on the screen; `least` lines of it stay where not all fit."""

    name: str
    lines: list[Text]
    least: int = 1


class Screen:
    """A status as a rich renderable: as high as the terminal at most, whatever its size is then."""

    def __init__(self, status: Status) -> None:
        self.status = status

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, wrapped to the width; in a terminal cut to its height."""
        width = options.max_width
        indent = LABEL if width >= NARROW else 2
        sections = _sections(self.status)
        for one in sections:
            one.lines = [part for text in one.lines for part in _wrapped(text, console, max(1, width - indent))]
        if console.is_terminal:
            _fit(sections, console.height - 1, width - indent)  # the last line is the prompt's
        for one in sections:
            yield from _labelled(one, indent)


def line(status: Status) -> str:
    """All of it in one line, without anything that changes by the mere passing of time."""
    told = (
        wording.short(status.rollout, _place, "rollout"),
        wording.short(status.evidence, _counts, "evidence"),
        wording.short(status.flag, _flag, "flag"),
        wording.short(status.in_flight, lambda found: f"{len(found)} in flight by Hera", "in flight"),
        wording.short(status.lease, _holder, "lease"),
        wording.short(status.drift, lambda found: "FLAG CHANGED BY HAND" if found else "no drift", "drift"),
        wording.short(status.records, lambda found: _last(found[0].phase, found[0].verdict) if found else "no record",
                      "records"),
    )  # fmt: skip
    return " · ".join(text for text in told if text)


def _sections(status: Status) -> list[_Section]:
    now, setting = status.at, _setting(status)
    version = wording.told(status.cluster, lambda found: [Text(f"Kubernetes {found} · {clock(now)}", "dim")])
    title = f"{status.target} ({status.title})" if status.title else status.target
    known = isinstance(status.rollout, Known)
    return [
        _Section("target", [Text(title, "bold"), *version], 2),
        _Section("rollout", wording.told(status.rollout, lambda found: wording.standing(found, now)), 2),
        _Section("flag", wording.told(status.flag, wording.pods), 2),
        *([_Section("last set", wording.last_set(setting, now))] if known else []),
        _Section("drift", wording.told(status.drift, lambda found: wording.drift(found, setting)), 2),
        _Section("lease", wording.told(status.lease, wording.lease)),
        _Section("evidence", wording.told(status.evidence, lambda found: wording.evidence(found, now)), 3),
        _Section("in flight", wording.told(status.in_flight, lambda found: wording.flying(found, now))),
        _Section("records", wording.told(status.records, wording.records)),
    ]


def _setting(status: Status) -> Setting | None:
    return status.rollout.value.last_set if isinstance(status.rollout, Known) else None


def _wrapped(text: Text, console: Console, width: int) -> list[Text]:
    """A table's row stays one line; all else is broken, words longer than a line too."""
    if text.no_wrap:
        whole = text.copy()
        whole.truncate(width, overflow="ellipsis")
        return [whole]
    return list(text.wrap(console, width, overflow="fold")) or [Text()]


def _fit(sections: list[_Section], height: int, width: int) -> None:
    """Take lines from the end of the longest part, until all is as high as the screen or nothing more can go."""
    cut: set[int] = set()
    while sum(len(one.lines) for one in sections) > height:
        longest = max(sections, key=lambda one: len(one.lines) - one.least)
        if len(longest.lines) <= longest.least:
            break
        longest.lines.pop()
        cut.add(id(longest))
    for one in sections:
        if id(one) in cut:
            one.lines[-1] = _cut_short(one.lines[-1], width)


def _cut_short(text: Text, width: int) -> Text:
    made = text.copy()
    made.rstrip()
    made.truncate(max(0, width - 2))
    return made.append(" …")


def _labelled(section: _Section, indent: int) -> Iterator[Text]:
    head = Text(section.name, "bold cyan")
    if indent == LABEL:
        head.pad_right(LABEL - len(section.name))
    else:
        yield head
        head = Text(" " * indent)
    for number, text in enumerate(section.lines):
        made = (head if number == 0 else Text(" " * indent)).copy()
        made.no_wrap, made.overflow = True, "crop"
        yield made.append_text(text)


def _place(at: Standing) -> str:
    if not at.id:
        return "nothing began yet"
    rung = f" rung {at.rung:g} %" if at.rung is not None else ""
    ended = f" {at.run.concluded}" if at.run and at.run.concluded else ""
    return f"{at.id} at {at.phase}{rung}{ended}"


def _counts(seen: Evidence) -> str:
    if seen.rungs:
        return "; ".join([wording.both(seen.rungs), *(text.plain for text in wording.watched(seen))])
    return f"{seen.pieces} pieces of work done" if seen.pieces else ""


def _flag(pods: tuple[PodFlag, ...]) -> str:
    said = sorted({wording.flag_word(pod) for pod in pods if not pod.problem})
    silent = sum(bool(pod.problem) for pod in pods)
    return f"flag {' and '.join(said) or 'not known'}" + (f" ({silent} of {len(pods)} pods silent)" if silent else "")


def _holder(found: Lease | None) -> str:
    return f"held by {found.holder} ({'alive' if found.alive else 'not alive'})" if found else "held by nobody"


def _last(phase: str, verdict: str) -> str:
    return f"last record {phase} {verdict}"
