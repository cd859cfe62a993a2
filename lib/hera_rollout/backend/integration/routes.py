"""The API's routes as data: what each must answer, to good and to bad input. Pure.

Only what the API's description says is asked for: more fields than named are fine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hera_rollout.answers import plain

UNKNOWN_TASK = "task-0123456789ab"
FORBIDDEN = (";", "&&", "||", "`", "$(")
LONGEST_DEPENDENCIES = 10_000
LONGEST_REQUIREMENTS = 50_000
TASK = "/api/v1/tasks/{task}"
_LIST_KEYS = ("id", "phase", "startedAt", "finishedAt", "createdAt", "pythonCode", "dependencies", "runCount",
              "latestRunNumber")  # fmt: skip
_TASK_KEYS = ("id", "pythonCode", "dependencies", "requirementsFile", "createdAt", "updatedAt", "runs")
_RUN_KEYS = ("id", "runNumber", "workflowId", "phase", "startedAt", "finishedAt", "createdAt")
_LOG_KEYS = ("logs", "source", "runId", "runNumber")
_ENTRY_KEYS = ("node", "pod", "phase", "logs")


@dataclass(frozen=True)
class Route:
    """One request and what its answer must be.

    Attributes:
        method: the HTTP method.
        path: with `{task}` and `{run}` to be filled in.
        keys: fields that the answer must have.
        inside: a list in the answer, and the fields of each of its entries.
        later: only later versions have it: 404 is fine.
    """

    method: str
    path: str
    keys: tuple[str, ...]
    inside: tuple[str, tuple[str, ...]] | None = None
    later: bool = False


READS = (
    Route("GET", "/api/v1/tasks", ("tasks",), ("tasks", _LIST_KEYS)),
    Route("GET", TASK, _TASK_KEYS, ("runs", _RUN_KEYS)),
    Route("GET", f"{TASK}/logs", _LOG_KEYS, ("logs", _ENTRY_KEYS)),
    Route("GET", f"{TASK}/logs?run_number={{run}}", _LOG_KEYS, ("logs", _ENTRY_KEYS)),
    Route("GET", f"{TASK}/runs/{{run}}/logs", _LOG_KEYS, ("logs", _ENTRY_KEYS)),
    Route("GET", f"{TASK}/runs/{{run}}/template", ("workflowId", "yaml"), later=True),
)
"""Routes that only read."""

DELETION = Route("DELETE", f"{TASK}/delete", ("status", "id", "runs_deleted", "logs_deleted", "workflows_deleted"))


@dataclass(frozen=True)
class Bad:
    """Bad input, which must be refused by a 4xx; where `status` is given, by that one."""

    says: str
    method: str
    path: str
    body: object = None
    text: str | None = None
    status: int | None = None


def bad_inputs(code: str) -> Iterator[Bad]:
    """What must be refused before anything is touched; `code` is good code, in case one of them is not refused."""
    submit = "/api/v1/tasks/submit"
    yield Bad("a submission without code", "POST", submit, {})
    yield Bad("code that is a number", "POST", submit, {"pythonCode": 7})
    yield Bad("a body that is no JSON", "POST", submit, text='{"pythonCode": ')
    yield Bad("a body that is a list", "POST", submit, [])
    for sign in FORBIDDEN:
        yield Bad(f"dependencies with {sign}", "POST", submit, {"pythonCode": code, "dependencies": f"six{sign}id"})
    long = "a" * (LONGEST_DEPENDENCIES + 1)
    yield Bad("dependencies of 10,001 characters", "POST", submit, {"pythonCode": code, "dependencies": long})
    long = "a" * (LONGEST_REQUIREMENTS + 1)
    yield Bad("a requirements file of 50,001", "POST", submit, {"pythonCode": code, "requirementsFile": long})
    yield Bad("an unknown task to run again", "POST", submit, {"pythonCode": code, "taskId": UNKNOWN_TASK}, status=404)
    for method, path in (("GET", ""), ("GET", "/logs"), ("GET", "/runs/1/logs"), ("DELETE", ""), ("DELETE", "/delete"),
                         ("POST", "/run")):  # fmt: skip
        says = f"{method} {path or 'of'} an unknown task"
        yield Bad(says, method, f"/api/v1/tasks/{UNKNOWN_TASK}{path}", status=404)


def bad_of_task(task: str) -> Iterator[Bad]:
    """Bad input about a task that is there."""
    base = f"/api/v1/tasks/{task}"
    yield Bad("logs of a run that is no number", "GET", f"{base}/logs?run_number=x")
    yield Bad("logs of a run that is not there", "GET", f"{base}/logs?run_number=99999", status=404)
    yield Bad("the path of a run that is not there", "GET", f"{base}/runs/99999/logs", status=404)


def refusal_fault(bad: Bad, status: int, answer: object) -> str:
    """What is wrong with the answer to bad input; empty if nothing is."""
    if 400 <= status < 500 and bad.status in {None, status}:  # noqa: PLR2004
        return ""
    wanted = bad.status or "a 4xx"
    return f"{bad.says} was answered {status} instead of {wanted} (“{plain(str(answer), 90)}”)"


def answer_fault(route: Route, status: int, answer: object) -> str:
    """What is wrong with the answer to a good request; empty if nothing is."""
    says = f"{route.method} {route.path}"
    if route.later and status == 404:  # noqa: PLR2004
        return ""
    if status != 200:  # noqa: PLR2004
        return f"{says} was answered {status} instead of 200 (“{plain(str(answer), 90)}”)"
    if not isinstance(answer, dict):
        return f"{says} was not answered with a JSON object"
    missing = [key for key in route.keys if key not in answer]
    if missing:
        return f"the answer to {says} lacks {', '.join(missing)}"
    return _entries_fault(says, route, answer) if route.inside else ""


def _entries_fault(says: str, route: Route, answer: dict[str, object]) -> str:
    key, wanted = route.inside or ("", ())
    entries = answer[key]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return f"{key} in the answer to {says} is no list of objects"
    if not entries:
        return f"{key} in the answer to {says} is empty"
    missing = sorted({name for entry in entries for name in wanted if name not in entry})
    return f"an entry of {key} in the answer to {says} lacks {', '.join(missing)}" if missing else ""
