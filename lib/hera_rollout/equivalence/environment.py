"""A container's env as the kubelet reads it: later entries win, $(VAR) sees only earlier ones."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

_REFERENCE: Final = re.compile(r"\$\$|\$\(([^)]*)\)")


def effective(entries: Sequence[Any]) -> dict[str, str]:
    """What each variable holds in the end; a value from elsewhere is known by where it comes from."""
    known: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        return match[0] if match[1] is None else known.get(match[1], match[0])

    for entry in entries:
        if entry.get("valueFrom"):
            known[entry["name"]] = f"\0{json.dumps(entry['valueFrom'], sort_keys=True, default=str)}\0"
        else:
            known[entry["name"]] = _REFERENCE.sub(replaced, str(entry.get("value") or ""))
    return known
