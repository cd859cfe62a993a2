"""Paths as people read them: names in the place of numbers where there are names."""

from __future__ import annotations

from typing import Any


def joined(parts: list[str]) -> str:
    """`spec.templates[main].container`, from parts that carry their own dots and brackets."""
    return "".join(parts).removeprefix(".")


def entry(item: Any, number: int) -> str:
    """One entry of a list, by its name where it has one."""
    name = item.get("name") if type(item) is dict else None
    return f"[{name}]" if type(name) is str and name else f"[{number}]"


def shared(one: Any, other: Any, number: int) -> str:
    """The same of two entries at one place: by name only if both have it."""
    name = entry(one, number)
    return name if name == entry(other, number) else f"[{number}]"
