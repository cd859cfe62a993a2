"""Alternating windows: the same load by one path, then by the other. And workflows in flight over a flip.

Neighbouring windows are compared with each other, so what changes over the day drops out. The order alternates (Hera
first, then YAML first), which also saves every second flip. Where the pods read the flag's file, that is what turns it
between windows: no pod restarts, so what a pod costs at its start is in nobody's figures.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic, sleep
from typing import Any, Literal, TypeVar

import pandas as pd

from hera_rollout import display, flag
from hera_rollout.backend import provenance
from hera_rollout.backend.client import Submitted
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.flag import NotDoneByHand
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.switching import applied, not_done, not_in_effect
from hera_rollout.workflows import documents

Path = Literal["yaml", "hera"]
Row = dict[str, Any]
T = TypeVar("T")
WINDOWS = "windows"
STOPPED = "windows run to their end"
FILE = "flag file before"
"""Under this key a run keeps what the flag's file said before its windows."""
FLYING_SECONDS = 15
"""How long a workflow that is to be in flight over a flip runs, beside the flip's own time."""
_AT_ONCE = 16
_CODE = "# {mark}\nprint('[{mark}] sum is', sum(range(101)))"
_FLYING = "# {mark}\nimport time\ntime.sleep({seconds})\nprint('[{mark}] landed')"
SHAPES = ("simple", "dependencies", "requirements")
"""What is submitted once by each path, as two runs of one task, to be compared."""


def order(rounds: int) -> list[Path]:
    """The windows' paths: each pair of neighbours has one of each, and every second pair begins with YAML."""
    pairs: tuple[tuple[Path, Path], tuple[Path, Path]] = (("hera", "yaml"), ("yaml", "hera"))
    return [path for number in range(rounds) for path in pairs[number % 2]]


async def alternate(phase: Phase) -> None:
    """Run the windows; they are left in ``phase.memory["windows"]``. The flag is on when it ends.

    Raises:
        PhaseFailed: a flip did not take effect.
        PhaseOnHold: medium `manual`, and nobody made the flip in time.
    """
    given = phase.parameters.model_dump()
    paths = order(int(given["rounds"]))
    if phase.dry_run:
        display.note(f"Dry run: would submit {given['concurrent']} tasks at once in each of {len(paths)} windows, with "
                     f"the flag {', '.join('on' if path == 'hera' else 'off' for path in paths)}")  # fmt: skip
        return
    if phase.failed:
        display.note(f"Not run, since this run has failed already: {', '.join(phase.failed)}")
        return
    medium = _medium(phase)
    how = {"configmap": f"configmap/{phase.target.flag.configmap}: no pod restarts"}.get(medium, f"medium {medium}")
    display.note(f"Between windows the flag is turned by {how}")
    windows = await _flipping(phase, lambda live: _all(phase, paths, int(given["concurrent"]), medium, live)) or []
    phase.memory[WINDOWS] = windows
    if windows:
        display.table(frame(windows), "Windows", command="")
    if len(windows) < len(paths) or STOPPED in phase.checks:
        phase.check(_ran_out(len(windows), len(paths)))


async def _flipping(phase: Phase, work: Callable[[display.Live], T]) -> T | None:
    """Work that turns the flag; a flip that does not come ends the run as in :func:`set_flag`."""
    try:
        return await display.watched(work)
    except NotDoneByHand as error:
        not_done(phase, error)
    except RolloutError as error:
        not_in_effect(phase, error, enabled=False)
    return None


class _Stop(Exception):  # noqa: N818
    """The operator ended the waits: what was under way is no evidence, and is not kept."""


def _ran_out(done: int, wanted: int) -> Check:
    """HOLD where the operator ended it; PASS once the cell was run again to its end."""
    return judge(name=STOPPED, rule=rules.holds if done == wanted else rules.withheld,
                 evidence={"holds": done == wanted, "done": done, "wanted": wanted},
                 seen=f"{done} of {wanted} windows were run", expected="all of them", limit_source="kit",
                 why="The operator stopped it, and what was cut short is no evidence.",
                 todo="" if done == wanted else "Run this cell again: it goes on where it stopped.")  # fmt: skip


def _medium(phase: Phase) -> flag.Medium:
    """The flag's file, where the pods mount it; else the target's own medium."""
    try:
        return flag.plan(phase.cluster, enabled=True, medium="configmap").medium
    except Refused:
        return phase.target.flag.medium


def frame(windows: list[Row]) -> pd.DataFrame:
    """One row a window: path, when, tasks, how many ended well, median seconds of answers and of workflows."""
    rows = []
    for window in windows:
        mine = pd.DataFrame(window["rows"])
        rows.append(
            {
                "window": window["number"] + 1,
                "flag": "on" if window["path"] == "hera" else "off",
                "path": window["path"],
                "began (UTC)": window["began"][11:19],
                "tasks": len(mine),
                "ended well": int((mine["problem"] == "").sum()),
                "answer, median": f"{mine['answer_seconds'].median():.2f} s",
                "workflow, median": f"{mine['seconds'].median():.1f} s",
            }
        )
    return pd.DataFrame(rows)


def _all(phase: Phase, paths: list[Path], concurrent: int, medium: flag.Medium, live: display.Live) -> list[Row]:
    """Each window once, over all attempts of this run; in the end the flag is on, and its file as it was found."""
    own = phase.target.flag.medium
    before = phase.once(FILE, lambda: flag.read_file(phase.cluster)) if medium != own else None
    done: list[Row] = []
    with suppress(_Stop):
        for number, path in enumerate(paths):
            tasks = {row["shape"]: row["task"] for row in done[0]["shapes"] if row["task"]} if done else {}
            plan = _Plan(number, path, concurrent, medium, tasks)
            done.append(phase.once(f"window {number}", partial(_window, phase, plan, live)))
            live.frame(frame(done))
    live.stop.clear()  # the flag is put back whatever was stopped; that wait has a deadline of its own
    if medium != own:
        flag.restore_file(phase.cluster, before)
    _flip(phase, "hera", own, live)
    return done


@dataclass(frozen=True)
class _Plan:
    """One window to be run: its place, its path, the load, how to turn the flag, each shape's task where it has one."""

    number: int
    path: Path
    concurrent: int
    medium: flag.Medium
    tasks: dict[str, str]


def _window(phase: Phase, plan: _Plan, live: display.Live) -> Row:
    """One window: the flag as the path needs it, then the load."""
    if phase.resumed:
        _sweep(phase, plan.number)
    pods = _flip(phase, plan.path, plan.medium, live)
    began = datetime.now(UTC)
    marks = [f"{_mark(phase, plan.number)}-{place}" for place in range(plan.concurrent)]
    with ThreadPoolExecutor(min(_AT_ONCE, plan.concurrent)) as pool:
        rows = list(pool.map(lambda mark: _sent(phase, plan.path, mark, live), marks))
    ended = datetime.now(UTC)
    window: Row = {"number": plan.number, "path": plan.path, "began": began.isoformat(), "ended": ended.isoformat(),
                   "pods": pods, "rows": rows}  # fmt: skip
    if plan.number <= 1:
        window["shapes"] = _shapes(phase, plan, live)
    if live.stop.is_set():
        raise _Stop
    return window


def _mark(phase: Phase, number: int) -> str:
    return f"hera-rollout-window-{phase.token}-{number}"


def _sweep(phase: Phase, number: int) -> None:
    """Take away the tasks of an attempt that was broken off in this window: its times are no evidence."""
    for task in phase.backend.tasks():
        if f"{_mark(phase, number)}-" in str(task.get("pythonCode")):
            phase.backend.delete(str(task["id"]))


def _flip(phase: Phase, path: Path, medium: flag.Medium, live: display.Live) -> list[str]:
    """Turn the flag as the path needs it; the pods that then report it."""
    return applied(phase, flag.plan(phase.cluster, path == "hera", medium=medium), live).pods


def _sent(phase: Phase, path: Path, mark: str, live: display.Live) -> Row:
    """Submit one task and see it through; what is wrong is in `problem`."""
    code = _CODE.format(mark=mark)
    return _seen_through(phase, path, lambda: phase.backend.submit(code), live)


def _seen_through(phase: Phase, path: Path, send: Callable[[], Submitted], live: display.Live) -> Row:
    row: Row = {"path": path, "task": "", "workflow": "", "run": 0, "answer_seconds": None, "seconds": None,
                "problem": ""}  # fmt: skip
    clock = monotonic()
    try:
        sent = send()
        row |= {
            "task": sent.task,
            "workflow": sent.workflow,
            "run": sent.run,
            "answer_seconds": round(monotonic() - clock, 4),
        }
        row |= _ended(phase, path, sent.workflow, live)
    except RolloutError as error:
        row["problem"] = error.seen
    return row


def _ended(phase: Phase, path: Path, name: str, live: display.Live) -> Row:
    """How a workflow ended, and whether by the path that it should."""
    deadline = phase.parameters.model_dump().get("workflow_deadline_seconds")
    outcome = phase.workflows.wait(name, deadline or phase.target.limits.workflow_deadline_seconds, stop=live.stop)
    status = outcome.document.get("status") or {}
    known = provenance(outcome.document) if outcome.document else None
    problem = (
        "" if outcome.succeeded else f"{outcome.phase or 'no phase'} ({outcome.reached}) {outcome.message}".strip()
    )
    if not problem and (known is None or known.path != path or known.how not in ("proven", "inferred")):
        problem = f"made by path={known.path if known else ''} ({known.how if known else 'unproven'})"
    return {"seconds": documents.seconds(status), "problem": problem, "finished": status.get("finishedAt")}


def _shapes(phase: Phase, plan: _Plan, live: display.Live) -> list[Row]:
    """Each shape as one more run of one task: the same task by both paths, so that nothing else differs."""

    def seen_through(shape: str) -> Row:
        packages = phase.target.packages
        extra = {shape: getattr(packages, shape)} if shape != "simple" else {}
        code = _CODE.format(mark=f"{_mark(phase, 0)}-shape-{shape}")
        task = plan.tasks.get(shape)
        send = partial(phase.backend.rerun, task) if task else phase.backend.submit
        return {**_seen_through(phase, plan.path, lambda: send(code, **extra), live), "shape": shape}

    with ThreadPoolExecutor(len(SHAPES)) as pool:
        return list(pool.map(seen_through, SHAPES))


async def fly_over(phase: Phase) -> None:
    """Turn the flag off and on again by the target's own medium, each time with a workflow in flight, and check both.

    Raises:
        PhaseFailed: a flip did not take effect.
        PhaseOnHold: medium `manual`, and nobody made the flip in time.
    """
    if phase.dry_run:
        display.note("Dry run: would turn the flag off and on again, each time with a workflow in flight")
        return
    if phase.failed:
        display.note(f"Not run, since this run has failed already: {', '.join(phase.failed)}")
        return
    rows = await _flipping(phase, lambda live: _both(phase, live))
    columns = ["path", "to", "workflow", "flipped", "finished", "problem"]
    shown = pd.DataFrame([_times(row) for row in rows or []], columns=columns).rename(columns={"to": "flag turned to"})
    display.table(shown, "In flight over a flip")
    phase.check(in_flight_check(rows or []))


def _both(phase: Phase, live: display.Live) -> list[Row]:
    """One flip each way; in the end the flag is on."""
    rows: list[Row] = []
    with suppress(_Stop):
        rows += (_flown(phase, path, live) for path in ("hera", "yaml"))
    live.stop.clear()
    _flip(phase, "hera", phase.target.flag.medium, live)
    return rows


def _times(row: Row) -> Row:
    """Its moments as times of day."""
    return {**row, **{name: str(row[name] or "")[11:19] for name in ("flipped", "finished")}}


def _flown(phase: Phase, path: Path, live: display.Live) -> Row:
    kept: Row = phase.once(f"flown {path}", partial(_flying, phase, path, live))
    return kept


def _flying(phase: Phase, path: Path, live: display.Live) -> Row:
    """Start a workflow, flip the flag while it runs, and see how it ends."""
    other: Path = "yaml" if path == "hera" else "hera"
    code = _FLYING.format(mark=f"hera-rollout-flying-{phase.token}-{path}", seconds=FLYING_SECONDS)
    row: Row = {"path": path, "to": other, "workflow": "", "problem": "", "flipped": None, "finished": None}
    _flip(phase, path, phase.target.flag.medium, live)
    try:
        row["workflow"] = phase.backend.submit(code).workflow
        _until_running(phase, row["workflow"], live)
    except RolloutError as error:
        return {**row, "problem": error.seen}
    _flip(phase, other, phase.target.flag.medium, live)
    row["flipped"] = datetime.now(UTC).isoformat()  # every pod has it by now
    row |= _ended(phase, path, row["workflow"], live)
    if live.stop.is_set():
        raise _Stop
    return row


def _until_running(phase: Phase, name: str, live: display.Live, seconds: float = 60) -> None:
    """Bounded: a workflow that does not start is told by how it ends."""
    ends = monotonic() + seconds
    while monotonic() < ends and not live.stop.is_set():
        nodes = documents.nodes(phase.workflows.live(name))
        if any(node.get("type") == "Pod" and node.get("phase") == "Running" for node in nodes.values()):
            return
        sleep(0.3)


def concurrent_submissions(phase: Phase) -> None:
    """Check that each task submitted at the same moment ended well, by one workflow of the path that was on."""
    rows = [row for window in phase.memory.get(WINDOWS, []) for row in (*window["rows"], *window.get("shapes", []))]
    if not rows:
        display.note("Concurrent submissions: none ran")
        return
    wrong = [row for row in rows if row["problem"]]
    if wrong:
        display.table(pd.DataFrame(wrong)[["path", "task", "workflow", "problem"]], "Submissions that went wrong")
    phase.check(submissions_check(rows, int(phase.parameters.model_dump()["concurrent"])))


def submissions_check(rows: list[Row], concurrent: int) -> Check:
    """FAIL for one that did not end well, by its own path, or whose workflow is another's."""
    wrong = [row for row in rows if row["problem"]]
    names = [row["workflow"] for row in rows if row["workflow"]]
    twins = len(names) - len(set(names))
    by = {path: sum(row["path"] == path for row in rows) for path in ("yaml", "hera")}
    first = (
        f"; first: {wrong[0]['workflow'] or wrong[0]['task'] or 'no workflow'}: {wrong[0]['problem']}" if wrong else ""
    )
    return judge(
        name="concurrent submissions",
        rule=rules.holds,
        evidence={"holds": not wrong and not twins, "rows": rows, "concurrent": concurrent},
        seen=f"{len(rows) - len(wrong)} of {len(rows)} ended well ({by['yaml']} by yaml, {by['hera']} by hera, "
        f"{concurrent} at once); {twins} workflows answered twice{first}",
        expected="each answered with a workflow of its own, Succeeded, made by the path that was on",
        limit_source="kit",
        why="Submitters that work one at a time may still share what they should not.",
        todo=f"argo get {wrong[0]['workflow'] or 'WORKFLOW'}; the backend's log then (guide: Workflows failing)."
        if wrong else "",
    )  # fmt: skip


def in_flight_check(rows: Iterable[Row]) -> Check:
    """FAIL for one that did not end well; HOLD if one had ended before the flip, or a direction was not flown."""
    flown = list(rows)
    wrong = [row for row in flown if row["problem"]]
    over = [row for row in flown if row["flipped"] and row["finished"] and _later(row["finished"], row["flipped"])]
    directions = {(row["path"], row["to"]) for row in over}
    shown = {("hera", "yaml"), ("yaml", "hera")} <= directions
    return judge(
        name="in flight",
        rule=rules.holds if wrong or shown else rules.withheld,
        evidence={"holds": not wrong and shown, "rows": flown},
        seen=f"{sum(not row['problem'] for row in over)} of {len(flown)} workflows that were running when the flag was "
        f"turned ended well, by the path that began them"
        + (f"; {wrong[0]['workflow']}: {wrong[0]['problem']}" if wrong else ""),
        expected="one in each direction, off to on and on to off: Succeeded, its path unchanged",
        limit_source="kit",
        why="A flip must not touch what is already running: that is what makes the rollback safe.",
        todo="argo get of the workflow: was its pod deleted, or did the backend stop it at its own restart?"
        if wrong else "Run it again: the workflow had ended before the flip.",
    )  # fmt: skip


def _later(one: str, other: str) -> bool:
    return datetime.fromisoformat(one) >= datetime.fromisoformat(other).replace(microsecond=0)
