"""A workflow the notebook submits itself: two steps, one output parameter."""

from __future__ import annotations

from hera.workflows import Workflow

from hera_rollout.target import Target


def hello(target: Target) -> Workflow:
    """Build the Hera two-step DAG."""
    raise NotImplementedError
