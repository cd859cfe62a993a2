"""Scenarios run: one, or all side by side. Misbehaviour is a row, never an exception."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from hera_rollout.backend.client import Backend
from hera_rollout.backend.provenance import How, Provenance
from hera_rollout.backend.scenarios import SCENARIOS, Scenario, ScenarioResult
from hera_rollout.backend.trial import Trial
from hera_rollout.errors import Refused
from hera_rollout.workflows import Workflows, WorkflowView

Update = Callable[[str, WorkflowView], None]
_NO_LABEL = "Give the service's workflows the label hera-rollout/path (README, “A backend of your own”)."
_OTHER_PATH = "See why the backend took the other path: its log, and heraImport of /api/v1/flag."
_WORST: tuple[How, ...] = ("contradicted", "unproven", "inferred", "proven")


def run(
    scenario: str | Scenario,
    backend: Backend,
    workflows: Workflows,
    *,
    deadline_seconds: float,
    expect_path: Literal["yaml", "hera"],
    on_update: Update | None = None,
    stop: threading.Event | None = None,
    token: str = "",
    resumed: bool = False,
) -> ScenarioResult:
    """Run one scenario to its end; `token` and `resumed` as in `run_all`."""
    chosen = _known(scenario) if isinstance(scenario, str) else scenario
    told = on_update or (lambda _name, _view: None)
    began = time.monotonic()
    trial = Trial(
        chosen,
        backend,
        workflows,
        deadline_seconds=deadline_seconds,
        on_update=lambda view: told(chosen.name, view),
        stop=stop or threading.Event(),
        token=token,
        resumed=resumed,
    )
    trial.play()
    return _result(trial, expect_path, time.monotonic() - began)


def run_all(
    backend: Backend,
    workflows: Workflows,
    *,
    deadline_seconds: float,
    expect_path: Literal["yaml", "hera"],
    names: Iterable[str] | None = None,
    parallel: bool = True,
    on_update: Update | None = None,
    on_result: Callable[[ScenarioResult], None] | None = None,
    stop: threading.Event | None = None,
    token: str = "",
    resumed: bool = False,
) -> list[ScenarioResult]:
    """Run scenarios, side by side if `parallel`; results in the order asked for.

    `token` is what a run marks its tasks by; where the run is `resumed`, the task that an attempt before made under the
    same token is gone on with, and not made a second time.

    Both callbacks are called here, in the caller's thread (a notebook's output belongs to it). Setting `stop` ends the
    waits within seconds; a scenario that was still waiting is then a failed row.
    """
    chosen = [_known(name) for name in (names or SCENARIOS)]
    news: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    stop = stop or threading.Event()
    done: dict[str, ScenarioResult] = {}

    def update(name: str, view: WorkflowView) -> None:
        if on_update:
            news.put(lambda: on_update(name, view))

    def one(scenario: Scenario) -> None:
        try:
            result = run(
                scenario, backend, workflows, deadline_seconds=deadline_seconds, expect_path=expect_path,
                on_update=update, stop=stop, token=token, resumed=resumed,
            )  # fmt: skip
        except BaseException as error:  # handed to the caller's thread, which raises it
            news.put(_raising(error))
            return
        news.put(lambda: _note(done, result, on_result))

    with ThreadPoolExecutor(max_workers=len(chosen) if parallel else 1) as pool:
        for scenario in chosen:
            pool.submit(one, scenario)
        try:
            while len(done) < len(chosen):
                news.get()()
        except BaseException:
            stop.set()  # an interrupt ends the waits too, within seconds
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [done[scenario.name] for scenario in chosen]


def _note(
    done: dict[str, ScenarioResult], result: ScenarioResult, on_result: Callable[[ScenarioResult], None] | None
) -> None:
    done[result.name] = result
    if on_result:
        on_result(result)


def _raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def _known(name: str) -> Scenario:
    if name not in SCENARIOS:
        raise Refused(f"There is no scenario {name!r}.", expected=f"one of {', '.join(SCENARIOS)}.")
    return SCENARIOS[name]


def _result(trial: Trial, expect_path: str, seconds: float) -> ScenarioResult:
    scenario, packages = trial.scenario, trial.backend.target.packages
    judged = _judged(trial.found)
    wrong = _wrong_path(judged, expect_path) if trial.found else ""
    problems = [*trial.problems, *([wrong] if wrong else [])]
    doubt = problems == [wrong] and judged.how == "unproven"
    return ScenarioResult(
        name=scenario.name,
        title=scenario.title,
        passed=not problems,
        seen="; ".join(problems) or _good(scenario, trial),
        expected=scenario.expected(packages, expect_path),
        todo=(trial.todo or (_NO_LABEL if doubt else _OTHER_PATH)) if problems else "",
        workflows=trial.names + trial.orphans,
        path=judged.path,
        provenance=judged.how,
        seconds=round(seconds, 3),
        timings=trial.timings,
        orphans=trial.orphans,
        provenance_reason=judged.reason,
        in_doubt=doubt,
    )


def _good(scenario: Scenario, trial: Trial) -> str:
    output = f": {scenario.line(trial.backend.target.packages)}" if scenario.then != "cancel" else ""
    return f"{scenario.phase}{output}" + (f"; {scenario.after}" if scenario.after else "")


def _judged(found: list[Provenance]) -> Provenance:
    """The least certain of several; two paths in one scenario contradict each other."""
    if not found:
        return Provenance("", "unproven", "no workflow was made")
    if len({one.path for one in found}) > 1:
        return Provenance("", "contradicted", "; ".join(f"path={one.path or 'none'}: {one.reason}" for one in found))
    return min(found, key=lambda one: _WORST.index(one.how))


def _wrong_path(judged: Provenance, expect_path: str) -> str:
    if judged.how in {"proven", "inferred"} and judged.path == expect_path:
        return ""
    return f"made by path={judged.path or 'none'} ({judged.how}): {judged.reason}"
