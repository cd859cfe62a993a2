"""The integration list run: one task, five lines that look at it side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Literal

from hera_rollout.backend.client import Backend
from hera_rollout.backend.integration import looking
from hera_rollout.backend.integration.listing import INTEGRATION, Integration, IntegrationResult
from hera_rollout.backend.integration.subject import Subject
from hera_rollout.errors import Missing, Refused, RolloutError
from hera_rollout.workflows import Workflows

Path = Literal["yaml", "hera", ""]
MOST_FAULTS = 4


def run_integration(
    backend: Backend,
    workflows: Workflows,
    *,
    deadline_seconds: float,
    expect_path: Path = "",
    names: Iterable[str] | None = None,
    on_result: Callable[[IntegrationResult], None] | None = None,
    stop: threading.Event | None = None,
    token: str = "",
    resumed: bool = False,
) -> list[IntegrationResult]:
    """Run the list, or the lines named; results in the list's order. Never raises for what the backend does.

    `token` marks the task; where the run is `resumed`, the one that an attempt before left is taken away first.
    `on_result` is called in the caller's thread, as each line ends. Setting `stop` ends all waits within seconds. The
    task is deleted at the end where all went well (that route is a part of the line `api`); else it stays as evidence.
    """
    chosen = [_known(name) for name in (names or INTEGRATION)]
    subject = Subject(
        backend, workflows, deadline_seconds=deadline_seconds, stop=stop or threading.Event(), token=token,
        resumed=resumed,
    )  # fmt: skip
    done: dict[str, IntegrationResult] = {}
    with ThreadPoolExecutor(len(chosen) + 1) as pool:
        pool.submit(_made, subject)
        running = {pool.submit(_line, line, subject, expect_path): line for line in chosen}
        try:
            for future in as_completed(running):
                done[running[future].name] = future.result()
                if on_result and running[future].name != "api":  # its last part comes after all the others
                    on_result(future.result())
        except BaseException:
            subject.stop.set()
            raise
    if all(result.passed for result in done.values()) and "api" in done:
        done["api"] = _with_deletion(done["api"], subject, backend)
    if "api" in done and on_result:
        on_result(done["api"])
    return [done[line.name] for line in chosen]


def _known(name: str) -> Integration:
    if name not in INTEGRATION:
        raise Refused(f"There is no integration test {name!r}.", expected=f"one of {', '.join(INTEGRATION)}.")
    return INTEGRATION[name]


def _made(subject: Subject) -> None:
    subject.submit()
    subject.follow()


def _look(line: Integration, subject: Subject, expect_path: Path) -> Iterator[str]:
    return looking.kubernetes(subject, expect_path) if line.name == "kubernetes" else looking.LOOKS[line.name](subject)


def _line(line: Integration, subject: Subject, expect_path: Path) -> IntegrationResult:
    """One line; an error of the kit's own is what was seen."""
    began = time.monotonic()
    problems: list[str] = []
    todo = ""
    try:
        for problem in _look(line, subject, expect_path):
            problems.append(problem)  # one by one: what was found before an error stays
    except RolloutError as error:
        problems.append(error.seen)
        todo = error.todo
    return _result(line, subject, problems, todo, time.monotonic() - began)


def _result(line: Integration, subject: Subject, problems: list[str], todo: str, seconds: float) -> IntegrationResult:
    target, there = subject.backend.target, subject.submitted
    name = there.workflow if there else "NAME"
    hint = line.hint.format(deployment=target.deployment, namespace=target.namespace, workflow=name)
    shown = "; ".join(problems[:MOST_FAULTS])
    more = f"; and {len(problems) - MOST_FAULTS} more" if len(problems) > MOST_FAULTS else ""
    return IntegrationResult(
        name=line.name,
        title=line.title,
        passed=not problems,
        seen=f"{shown}{more}" if problems else line.expected,
        expected=line.expected,
        todo=f"{todo} {hint}".strip() if problems else "",
        seconds=round(seconds, 1),
        workflows=[there.workflow] if there else [],
    )


def _with_deletion(result: IntegrationResult, subject: Subject, backend: Backend) -> IntegrationResult:
    """The deletion's answer, and that the task is gone, as the last part of the line `api`."""
    began = time.monotonic()
    problems: list[str] = []
    try:
        problems.extend(looking.deletion(subject))
        if not problems and not subject.settles(lambda: _gone(backend, subject)):
            problems.append("the task is still answered after it was deleted")
    except RolloutError as error:
        problems.append(error.seen)
    seconds = result.seconds + time.monotonic() - began
    return _result(INTEGRATION["api"], subject, problems, "", seconds) if problems else result


def _gone(backend: Backend, subject: Subject) -> bool:
    try:
        backend.task(subject.there().task)
    except Missing:
        return True
    return False
