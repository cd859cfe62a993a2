"""Which path made a workflow, and how we know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Path = Literal["yaml", "hera", ""]
How = Literal["proven", "inferred", "unproven", "contradicted"]


@dataclass(frozen=True)
class Provenance:
    """`path` is empty when nothing says which; `reason` carries what was seen."""

    path: Path
    how: How
    reason: str


def provenance(document: Mapping[str, Any]) -> Provenance:
    """Judge one workflow's raw document."""
    raise NotImplementedError
