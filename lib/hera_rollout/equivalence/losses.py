"""What the CRD has but Hera drops when it reads a manifest: measured by a test over every field of the CRDs."""

from __future__ import annotations

from typing import Final

VERSION: Final = "7.1"


def dropped(path: list[str], kind: str) -> bool:
    """Whether Hera drops the field at this path."""
    keys = [part for part in path if part.startswith(".")]
    if kind == "CronWorkflow" and keys[:2] == [".spec", ".workflowMetadata"]:
        return True
    return ".plugin" in keys[:-1]
