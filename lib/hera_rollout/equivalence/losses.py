"""What the CRD has but Hera drops when it reads a manifest: measured by a test over every field of the CRDs."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

VERSION: Final = "7.1"
_TEMPLATES: Final = frozenset({".templates", ".templateDefaults", ".inline"})


def dropped(path: list[str], kind: str) -> bool:
    """Whether Hera drops the field at this path."""
    keys = [part for part in path if part.startswith(".")]
    if kind == "CronWorkflow" and keys[:2] == [".spec", ".workflowMetadata"]:
        return True
    # A template's plugin is open by the schema; an artifact's has fields, and Hera knows them.
    return any(part == ".plugin" and before in _TEMPLATES for before, part in pairwise(keys[:-1]))
