"""Differences side by side, for people."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hera_rollout.equivalence import ABSENT, RULES, Difference

STYLES: Final = {"none": "dim", "cosmetic": "cyan", "behavioural": "yellow", "loss": "red", "illegal": "bold red"}
_SIDES: Final = ("red", "green")
_MOST_LINES: Final = 14
_MOST_SIGNS: Final = 600


def table(differences: Iterable[Difference]) -> Table:
    """One row a difference, both sides beside each other."""
    made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold", expand=False)
    made.add_column("SEVERITY", no_wrap=True)
    made.add_column("WHERE", overflow="fold", ratio=3)
    made.add_column("YAML", overflow="fold", ratio=4)
    made.add_column("HERA", overflow="fold", ratio=4)
    made.add_column("WHY", overflow="fold", ratio=3)
    for one in differences:
        style = STYLES[one.severity]
        yaml, hera = cells(one.yaml, one.hera)
        made.add_row(Text(one.severity, style), Text(one.path), yaml, hera, Text(one.rule, "dim"))
    return made


def cells(one: Any, other: Any) -> tuple[Text, Text]:
    """Two values as text; of long texts only the lines that differ, each with the line before."""
    texts = written(one), written(other)
    if all("\n" in text for text in texts):
        return _lines(*texts)
    return tuple(Text(_cut(text), style) for text, style in zip(texts, _SIDES, strict=True))  # type: ignore[return-value]


def written(value: Any) -> str:
    """A value as people read it."""
    if value is ABSENT:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def rules(console: Console, differences: Iterable[Difference]) -> None:
    """Say which rules were used, how often, and why they hold."""
    used = Counter(one.rule for one in differences if one.severity in {"none", "cosmetic"} and one.rule in RULES)
    for name, times in used.items():
        console.print(Text(f"  rule {name} × {times}: {RULES[name].reason} ({RULES[name].source})", "dim"))


def _lines(one: str, other: str) -> tuple[Text, Text]:
    ours, theirs = one.splitlines(), other.splitlines()
    made = Text(), Text()
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for text, lines, (start, end), style in zip(made, (ours, theirs), ((i1, i2), (j1, j2)), _SIDES, strict=True):
            if tag == "equal":
                text.append(f"  {_cut(lines[end - 1])}\n" if end > start else "", "dim")
            else:
                text.append("".join(f"│ {_cut(line)}\n" for line in lines[start:end]), style)
    return _first(made[0]), _first(made[1])


def _first(text: Text) -> Text:
    lines = text.split("\n")
    if len(lines) <= _MOST_LINES:
        return text
    return Text("\n").join([*lines[:_MOST_LINES], Text(f"… {len(lines) - _MOST_LINES} more lines", "dim")])


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SIGNS else f"{text[:_MOST_SIGNS]}…"
