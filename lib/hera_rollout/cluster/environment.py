"""An environment variable of the target Deployment: read it, plan a change, apply exactly that change."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True)
class EnvChange:
    """A change of one variable, planned against one state of the Deployment."""

    name: str
    before: str | None
    after: str | None
    patch: dict[str, Any]
    command: str
    env_before: list[dict[str, Any]] = field(repr=False)
    env_after: list[dict[str, Any]] = field(repr=False)
    resource_version: str = ""

    @property
    def noop(self) -> bool:
        """Whether the variable already is what is wanted."""
        return self.before == self.after

    def diff(self) -> str:
        """The change as a unified diff of the container's env section; empty if there is none."""
        sides = [yaml.safe_dump(env, sort_keys=False).splitlines() for env in (self.env_before, self.env_after)]
        return "\n".join(difflib.unified_diff(sides[0], sides[1], "env (now)", "env (planned)", lineterm="", n=2))
