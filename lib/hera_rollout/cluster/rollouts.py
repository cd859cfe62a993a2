"""The Deployment's rollout: wait for it as `kubectl rollout status` does, or undo it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RolloutStatus:
    """A rollout that has ended well."""

    revision: str
    replicas: int
    seconds: float
    pods: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
