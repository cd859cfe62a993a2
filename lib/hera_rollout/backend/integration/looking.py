"""What each line looks at: a function answers what is wrong, nothing if nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from hera_rollout.answers import plain
from hera_rollout.backend.integration import routes, sockets
from hera_rollout.backend.integration.routes import Bad, Route
from hera_rollout.backend.integration.subject import Subject
from hera_rollout.backend.provenance import provenance
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.workflows import documents

Look = Callable[[Subject], Iterator[str]]
_AT_ONCE = 4


def api(subject: Subject) -> Iterator[str]:
    """Statuses and shapes of every route, bad input first: that needs no workflow."""
    yield from _refused(subject, routes.bad_inputs(subject.code))
    task = subject.there().task
    yield from _refused(subject, routes.bad_of_task(task))
    subject.finished()
    # The first read after the end also stores the logs; the shapes are asked for once that is done.
    subject.settles(lambda: bool(subject.backend.logs(task)))
    for route in routes.READS:
        yield from _answered(subject, route)


def deletion(subject: Subject) -> Iterator[str]:
    """The one route that takes the task away, so it comes last."""
    yield from _answered(subject, routes.DELETION)


def _refused(subject: Subject, wrong: Iterable[Bad]) -> Iterator[str]:
    def ask(bad: Bad) -> str:
        try:
            status, answer = subject.backend.answer(bad.method, bad.path, body=bad.body, text=bad.text)
        except RolloutError as error:
            return f"{bad.says} was not answered: {error.seen}"
        if bad.path.endswith("/submit"):
            _take_back(subject, status, answer)
        return routes.refusal_fault(bad, status, answer)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from filter(None, pool.map(ask, wrong))


def _take_back(subject: Subject, status: int, answer: object) -> None:
    """Bad input that was taken made a task, which must not stay."""
    if status < 300 and isinstance(answer, dict) and answer.get("id"):  # noqa: PLR2004
        subject.backend.delete(str(answer["id"]))


def _answered(subject: Subject, route: Route) -> Iterator[str]:
    there = subject.there()
    path = route.path.format(task=there.task, run=there.run or 1)
    fault = routes.answer_fault(route, *subject.backend.answer(route.method, path))
    if fault:
        yield fault


def database(subject: Subject) -> Iterator[str]:
    """What was submitted is read back, its run row counts and matches."""
    there, outcome = subject.there(), subject.finished()
    subject.settles(lambda: _phase(subject) == outcome.phase)
    task = subject.backend.task(there.task)
    if task.get("pythonCode") != subject.code:
        yield f"pythonCode came back as {plain(str(task.get('pythonCode')), 80)!r}"
    yield from (
        f"{name} came back as {task[name]!r}" for name in ("dependencies", "requirementsFile") if task.get(name)
    )
    runs = task.get("runs") or []
    if len(runs) != 1:
        yield f"{len(runs)} run rows after one submission"
        return
    yield from _run_faults(runs[0], subject, outcome.phase)
    yield from _list_faults(subject, outcome.phase)


def _run_faults(run: dict[str, Any], subject: Subject, phase: str) -> Iterator[str]:
    there = subject.there()
    wanted = {"workflowId": there.workflow, "phase": phase, "runNumber": there.run or 1}
    for key, value in wanted.items():
        if run.get(key) != value:
            yield f"the run row says {key}={run.get(key)!r}, the answer and the cluster say {value!r}"
    began, ended = run.get("startedAt"), run.get("finishedAt")
    if not began or not ended:
        yield f"the run row lacks {'startedAt' if not began else 'finishedAt'} after the end"
    elif (documents.moment(str(began)) or 0) > (documents.moment(str(ended)) or 0):  # type: ignore[operator]
        yield f"the run row ends ({ended}) before it starts ({began})"


def _list_faults(subject: Subject, phase: str) -> Iterator[str]:
    task = subject.there().task
    rows = [row for row in subject.backend.tasks() if row.get("id") == task]
    if len(rows) != 1:
        yield f"the list of tasks has it {len(rows)} times"
        return
    seen = {key: rows[0].get(key) for key in ("phase", "runCount", "latestRunNumber")}
    wanted = {"phase": phase, "runCount": 1, "latestRunNumber": subject.there().run or 1}
    if seen != wanted:
        yield f"the list of tasks says {seen}, expected {wanted}"


def _phase(subject: Subject) -> str:
    there = subject.there()
    runs = subject.backend.task(there.task).get("runs") or []
    return next((str(run.get("phase")) for run in runs if run.get("workflowId") == there.workflow), "")


def kubernetes(subject: Subject, expect_path: Literal["yaml", "hera", ""] = "") -> Iterator[str]:
    """The workflow named by the answer exists, belongs to the task, and is the only one made for it."""
    there = subject.there()
    try:
        document = subject.workflows.live(there.workflow)
    except Missing:
        yield f"workflow {there.workflow}, as the answer called it, is not on the cluster"
        return
    labels = document["metadata"].get("labels") or {}
    label = labels.get(f"{documents.LABEL}task")
    if label not in {None, there.task}:
        yield f"the workflow is labelled as of task {label}, the answer said {there.task}"
    if subject.mark not in json.dumps(document["spec"]):
        yield "the workflow does not carry the code that was submitted"
    yield from _others(subject, there.task, there.workflow)
    yield from _path_fault(document, expect_path)
    outcome = subject.finished()
    if outcome.phase != "Succeeded":
        yield f"the workflow ended {outcome.phase}: {outcome.message}"


def _others(subject: Subject, task: str, named: str) -> Iterator[str]:
    found = subject.workflows.raw(f"{documents.LABEL}task={task}")
    others = [name for one in found if (name := one["metadata"]["name"]) != named]
    if others:
        yield f"beside it there are workflows for the same run: {', '.join(others)}"


def _path_fault(document: dict[str, Any], expect_path: str) -> Iterator[str]:
    judged = provenance(document)
    if expect_path and (judged.path != expect_path or judged.how not in {"proven", "inferred"}):
        yield f"made by path={judged.path or 'none'} ({judged.how}): {judged.reason}; expected {expect_path}"


def logs(subject: Subject) -> Iterator[str]:
    """The first line while it runs; each line once after its end; the same by both routes."""
    there = subject.there()

    def running() -> bool:
        return subject.first in _text(_tried(subject, there.task)) or subject.ended.is_set()

    subject.settles(running, subject.deadline)
    early = _text(_tried(subject, there.task))
    if subject.ended.is_set() and subject.last in early:
        yield "its first line was not given before its end"
    elif subject.last in early or subject.first not in early:
        yield f"while it ran the log route gave {plain(early, 80) or 'nothing'!r}"
    subject.finished()
    subject.settles(lambda: subject.last in _text(subject.backend.logs(there.task, there.run or None)))
    late = _text(subject.backend.logs(there.task, there.run or None))
    for line in (subject.first, subject.last):
        if late.count(line) != 1:
            yield f"after its end the log route gave the {line.split('] ')[1]!r} {late.count(line)} times"
    status, answer = subject.backend.answer("GET", f"/api/v1/tasks/{there.task}/runs/{there.run or 1}/logs")
    entries = answer.get("logs") if isinstance(answer, dict) else None
    if status != 200 or not isinstance(entries, list) or _text(entries) != late:  # noqa: PLR2004
        yield f"the route of the run itself answered {status} and not the same logs"


def _tried(subject: Subject, task: str) -> list[dict[str, Any]]:
    """Logs while the pod may not be there yet: a refusal then is no news."""
    try:
        return subject.backend.logs(task)
    except RolloutError:
        return []


def _text(entries: Iterable[dict[str, Any]]) -> str:
    return "\n".join(str(entry.get("logs", "")) for entry in entries)


def websocket(subject: Subject) -> Iterator[str]:
    """Frames until complete, then closed by the backend; an unknown task is an error and not a silence."""
    there, target = subject.there(), subject.backend.target
    heard = sockets.listen(target.backend_url, there.task, seconds=subject.deadline, stop=subject.stop)
    yield from sockets.faults(heard, subject.first, subject.last, subject.finished().phase)
    unknown = sockets.listen(target.backend_url, routes.UNKNOWN_TASK, seconds=10, stop=subject.stop)
    if not unknown.refused and "error" not in unknown.kinds:
        yield f"for an unknown task there was no error frame and no refusal, but {unknown.kinds or 'nothing'}"


LOOKS: dict[str, Look] = {
    "api": api, "database": database, "kubernetes": kubernetes, "logs": logs, "websocket": websocket,
}  # fmt: skip
