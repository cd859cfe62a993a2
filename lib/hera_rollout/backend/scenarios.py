"""The guide's functional list, as data: what is submitted, what is done then, what must come of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from hera_rollout.backend.provenance import How
from hera_rollout.target import PackageSettings

_SUM = 'print("{mark} sum is", sum(range(101)))'
_USES = 'from importlib.metadata import version\nprint("{mark} installed", *[n for n in {names!r} if version(n)])'
_SLEEP = 'import time\nprint("{mark} sleeping", flush=True)\ntime.sleep(600)'


@dataclass(frozen=True)
class Scenario:
    """One line of the guide's functional list. In `code`, `{mark}` marks its lines and `{names!r}` lists packages."""

    name: str
    title: str
    code: str = _SUM
    output: str = "sum is 5050"
    phase: str = "Succeeded"
    packages: Literal["", "dependencies", "requirements"] = ""
    then: Literal["", "rerun", "cancel", "delete"] = ""
    after: str = ""

    def script(self, mark: str, packages: PackageSettings) -> str:
        """The code to submit. The mark makes its output and its workflow recognisable."""
        return self.code.format(mark=f"[{mark}]", names=self.names(packages))

    def line(self, packages: PackageSettings) -> str:
        """What the code must print, after the mark."""
        return " ".join([self.output, *self.names(packages)])

    def names(self, packages: PackageSettings) -> list[str]:
        """The distributions that must be installed."""
        text = {"": "", "dependencies": packages.dependencies, "requirements": packages.requirements}[self.packages]
        pattern = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
        parts = text.splitlines() if self.packages == "requirements" else re.split(r"[,\s]+", text)
        return [match[0] for part in parts if (match := pattern.match(part.strip()))]

    def expected(self, packages: PackageSettings, path: str) -> str:
        """What must come of it, in words."""
        output = f", output “{self.line(packages)}”" if self.then != "cancel" else ""
        return f"{self.phase}{output}" + (f", {self.after}" if self.after else "") + f", path={path}"


@dataclass(frozen=True)
class ScenarioResult:
    """What came of one scenario. Never an exception: misbehaviour is a row with `passed=False`.

    `seen` of a passed row names no workflow and no time, so that the rows of two paths can be compared. `in_doubt`: all
    else is as it should be, and which path made it cannot be told.
    """

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
    orphans: list[str] = field(default_factory=list)
    provenance_reason: str = ""
    in_doubt: bool = False


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario("simple", "Simple workflow (no dependencies)"),
            Scenario("dependencies", "Workflow with dependencies", _USES, "installed", packages="dependencies"),
            Scenario("requirements", "Workflow with requirements file", _USES, "installed", packages="requirements"),
            Scenario("rerun", "Workflow rerun", then="rerun", after="the same again as run 2 of the same task"),
            Scenario(
                "cancel", "Workflow cancellation", _SLEEP, "sleeping", "Failed", then="cancel",
                after="stopped by the cancellation, its record kept",
            ),
            Scenario("delete", "Workflow deletion", then="delete", after="then gone, task and workflow"),
        )
    }
)  # fmt: skip
