"""One workflow that was in flight at a rollback."""

from __future__ import annotations

from typing import TypedDict


class Row(TypedDict):
    """Its phase before and after, what was done, the workflow that takes its place, and what went wrong."""

    workflow: str
    before: str
    after: str
    done: str
    again: str
    problem: str
