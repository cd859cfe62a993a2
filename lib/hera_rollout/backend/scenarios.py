"""The guide's functional list, as data, and one runner for all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hera_rollout.backend.client import Backend
from hera_rollout.backend.provenance import How
from hera_rollout.workflows import Workflows, WorkflowView


@dataclass(frozen=True)
class Scenario:
    """One line of the guide's functional list."""

    name: str
    title: str


@dataclass(frozen=True)
class ScenarioResult:
    """What came of one scenario. Never an exception: misbehaviour is a row with `passed=False`."""

    name: str
    title: str
    passed: bool
    seen: str
    expected: str
    todo: str
    workflows: list[str]
    path: str
    provenance: How
    seconds: float
    timings: dict[str, float] = field(default_factory=dict)


SCENARIOS: Mapping[str, Scenario] = {}


def run(
    scenario: str | Scenario,
    backend: Backend,
    workflows: Workflows,
    *,
    deadline_seconds: float,
    expect_path: Literal["yaml", "hera"],
    on_update: Callable[[str, WorkflowView], None] | None = None,
) -> ScenarioResult:
    """Run one scenario to its end."""
    raise NotImplementedError


def run_all(
    backend: Backend,
    workflows: Workflows,
    *,
    deadline_seconds: float,
    expect_path: Literal["yaml", "hera"],
    names: Iterable[str] | None = None,
    parallel: bool = True,
    on_update: Callable[[str, WorkflowView], None] | None = None,
    on_result: Callable[[ScenarioResult], None] | None = None,
) -> list[ScenarioResult]:
    """Run scenarios, side by side if `parallel`; results come back in the order asked for."""
    raise NotImplementedError
