"""The guide's integration list as data, and what a row of its results is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType

from hera_rollout.gates import Check, judge, rules


@dataclass(frozen=True)
class Integration:
    """One line of the guide's integration list.

    Attributes:
        name: short name; the check is called ``integration <name>``.
        title: the guide's words.
        expected: what must be seen.
        hint: what to do where it is not; `{deployment}`, `{namespace}`, `{workflow}` are filled in.
    """

    name: str
    title: str
    expected: str
    hint: str


@dataclass(frozen=True)
class IntegrationResult:
    """What came of one line. Never an exception: misbehaviour is a row with `passed=False`.

    `seen` of a passed row names no workflow and no time, so that the rows of two paths can be compared.
    """

    name: str
    title: str
    passed: bool
    seen: str
    expected: str
    todo: str
    seconds: float
    workflows: list[str] = field(default_factory=list)


_CREATING = "guide, “Workflows not creating”: kubectl logs deployment/{deployment} -n {namespace}"
_FAILING = "guide, “Workflows failing”: argo get {workflow} -n {namespace}; kubectl logs deployment/{deployment}"
INTEGRATION: Mapping[str, Integration] = MappingProxyType(
    {
        line.name: line
        for line in (
            Integration(
                "api", "API endpoint responses",
                "every route answers with its status and fields; bad input is a 4xx with the reason, never a 500",
                f"Compare the answers named above with the API's description. {_CREATING}",
            ),
            Integration(
                "database", "Database operations",
                "what was submitted is read back as it was, with one run row that names its workflow and its end",
                f"Look at the tables tasks and task_runs, and at the backend's DATABASE_URL. {_CREATING}",
            ),
            Integration(
                "kubernetes", "Kubernetes workflow creation",
                "the workflow named by the answer is on the cluster, belongs to the task, and is the only one",
                _CREATING,
            ),
            Integration(
                "logs", "Log retrieval",
                "the first line while it runs, every line once after its end, the same by both log routes",
                f"May the backend read pods/log? kubectl auth can-i get pods/log -n {{namespace}}. {_FAILING}",
            ),
            Integration(
                "websocket", "WebSocket connections",
                "frames of logs up to the last line, then a frame `complete` with the final phase, then closed; an "
                "unknown task is answered with an error",
                f"See whether a proxy in between lets WebSockets through. {_FAILING}",
            ),
        )
    }
)  # fmt: skip


def judged(result: IntegrationResult) -> Check:
    """The check of one line, under the name that the checklist knows."""
    return judge(
        name=f"integration {result.name}",
        rule=rules.holds,
        evidence={"holds": result.passed, "result": asdict(result)},
        seen=result.seen,
        expected=result.expected,
        limit_source="guide",
        why="What the guide's integration list asks for does not work by this path.",
        todo=result.todo,
    )
