"""Alternating windows: the same load by one path, then by the other.

Neighbouring windows are compared with each other, so what changes over the day drops out. The order alternates (Hera
first, then YAML first), which also saves every second flip. Where the pods read the flag's file, that is what turns it
between windows: no pod restarts, so what a pod costs at its start is in nobody's figures.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import pandas as pd

from hera_rollout import display, flag
from hera_rollout.errors import Refused
from hera_rollout.gates import Check, judge, rules
from hera_rollout.phase.spine import Phase
from hera_rollout.phase.steps.borrowing import as_found
from hera_rollout.phase.steps.following import Path, Row, Stop, failed_already, flip, seen_through
from hera_rollout.phase.steps.switching import flipping

WINDOWS = "windows"
STOPPED = "windows run to their end"
_AT_ONCE = 16
_CODE = "# {mark}\nprint('[{mark}] sum is', sum(range(101)))"
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
    if failed_already(phase):
        return
    medium = _medium(phase)
    how = {"configmap": f"configmap/{phase.target.flag.configmap}: no pod restarts"}.get(medium, f"medium {medium}")
    display.note(f"Between windows the flag is turned by {how}")
    concurrent = int(given["concurrent"])
    work = partial(_all, phase, paths, concurrent, medium)
    windows = await flipping(phase, work, enabled=False) or []
    phase.memory[WINDOWS] = windows
    if windows:
        display.table(frame(windows), "Windows", command="")
    if len(windows) < len(paths) or STOPPED in phase.checks:
        phase.check(_ran_out(len(windows), len(paths)))


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
    """Each window once, over all attempts; in the end the flag is on, and its file as found, also if a flip failed."""
    own = phase.target.flag.medium
    done: list[Row] = []
    with as_found(phase, live) if medium != own else nullcontext():
        with suppress(Stop):
            for number, path in enumerate(paths):
                tasks = {row["shape"]: row["task"] for row in done[0]["shapes"] if row["task"]} if done else {}
                plan = _Plan(number, path, concurrent, medium, tasks)
                done.append(phase.once(f"window {number}", partial(_window, phase, plan, live)))
                live.frame(frame(done))
        live.stop.clear()  # the flag is put back whatever was stopped; that wait has a deadline of its own
    flip(phase, "hera", own, live)
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
    pods = flip(phase, plan.path, plan.medium, live)
    if plan.number == 0 or plan.medium == "env":  # what came before is counted, and every new pod has been scraped
        live.stop.wait(phase.target.limits.scrape_seconds)
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
        raise Stop
    return window


def _mark(phase: Phase, number: int) -> str:
    return f"hera-rollout-window-{phase.token}-{number}"


def _sweep(phase: Phase, number: int) -> None:
    """Take away the tasks of an attempt that was broken off in this window: its times are no evidence."""
    for task in phase.backend.marked(f"{_mark(phase, number)}-"):
        phase.backend.delete(task)


def _sent(phase: Phase, path: Path, mark: str, live: display.Live) -> Row:
    """Submit one task and see it through; what is wrong is in `problem`."""
    code = _CODE.format(mark=mark)
    return seen_through(phase, path, lambda: phase.backend.submit(code), live)


def _shapes(phase: Phase, plan: _Plan, live: display.Live) -> list[Row]:
    """Each shape as one more run of one task: the same task by both paths, so that nothing else differs."""

    def one(shape: str) -> Row:
        packages = phase.target.packages
        extra = {shape: getattr(packages, shape)} if shape != "simple" else {}
        code = _CODE.format(mark=f"{_mark(phase, 0)}-shape-{shape}")
        task = plan.tasks.get(shape)
        send = partial(phase.backend.rerun, task) if task else phase.backend.submit
        return {**seen_through(phase, plan.path, lambda: send(code, **extra), live), "shape": shape}

    with ThreadPoolExecutor(len(SHAPES)) as pool:
        return list(pool.map(one, SHAPES))


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
