"""Scalars that mean the same in another notation. Pure arithmetic and text."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

_SUFFIXES: Final = {
    "": Decimal(1),
    **{name: Decimal(1024) ** (power + 1) for power, name in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
    **{name: Decimal(10) ** power for name, power in (("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9))},
    **{name: Decimal(10) ** power for name, power in (("T", 12), ("P", 15), ("E", 18))},
}
_QUANTITY: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+)?([numkMGTPE]|[KMGTPE]i)?")


def any_string(value: Any) -> Any:
    """What Argo makes of a value in an AnyString field; null stays null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format_float(float(value))
    return ""  # Argo's reader has no case for lists and maps, and leaves the text empty


def format_float(value: float) -> str:
    """Go's strconv.FormatFloat(value, 'f', -1, 64)."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole_number(value: Any) -> Any:
    """A whole number written as text, as the number; anything else as it is."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value) else value


def quantity(value: Any) -> Any:
    """An amount as a number; anything that is no amount as it is."""
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if match is None or isinstance(value, bool) or (match[2] and match[3]):
        return value
    try:
        return Decimal(match[1] + (match[2] or "")) * _SUFFIXES[match[3] or ""]
    except InvalidOperation:
        return value


def identical(one: Any, other: Any) -> bool:
    """Equal as JSON: unlike Python's ==, true is not 1, and 1.0 is not 1; the order of keys says nothing."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(identical(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return bool(one == other)
