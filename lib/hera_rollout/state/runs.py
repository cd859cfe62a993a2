"""One run of a phase, over all its attempts: what is done stays done when the notebook is killed and run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from hera_rollout.errors import Conflicting, Full
from hera_rollout.state.documents import MOST_RESULT_BYTES, Facts, RunState
from hera_rollout.state.store import State

RESUMABLE: Final = timedelta(hours=72)
"""Work that was left longer ago is no evidence about today: a new run begins."""
_T = TypeVar("_T")


class Run:
    """A run that is under way. `id` is a DNS label: names derived from it are adopted, never doubled."""

    def __init__(self, state: State, phase: str, *, resumed: bool) -> None:
        self.state = state
        self.phase = phase
        self.resumed = resumed
        self._unkept: dict[str, str] = {}
        self._last = state.facts.runs[phase]

    @property
    def facts(self) -> RunState:
        """What is known of it: what it last was, where another run or rollout has taken its place."""
        now = self.state.facts.runs.get(self.phase)
        if now is not None and self._is_mine(now):
            self._last = now
        return self._last

    @property
    def id(self) -> str:
        """The same over all attempts."""
        return self.facts.id

    @property
    def done(self) -> list[str]:
        """The keys of what is done, in order."""
        return list(self.facts.steps)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """The result kept under this key; if there is none, make it and keep it.

        Args:
            key: what is done, such as ``scenario simple hera``.
            make: does it; answers plain JSON data. A result above 16 KiB, or one that the state has no room for, is
                given back, in this attempt each time, but not kept: the next attempt makes it again.
        """
        if key in self.facts.steps:
            return self.facts.steps[key]
        if key in self._unkept:
            return json.loads(self._unkept[key])
        text = json.dumps(make())
        result = json.loads(text)
        try:
            if len(text.encode()) <= MOST_RESULT_BYTES:
                self._touch({"steps": lambda run: {**run.steps, key: result}}, f"{self.phase}: {key} is done")
                return result
        except Full:
            pass
        self._unkept[key] = text
        return result

    def keep(self, key: str, result: Any) -> None:
        """Keep a result under this key, in place of what is there: for work that grows, such as a rung's evidence.

        Raises:
            Full: The state has no room for it.
        """
        self._touch({"steps": lambda run: {**run.steps, key: result}}, f"{self.phase}: {key} goes on")

    def forget(self, *keys: str) -> None:
        """Have these done again by the next call (all, if none is named)."""
        self._unkept = {key: text for key, text in self._unkept.items() if keys and key not in keys}
        self._touch(
            {"steps": lambda run: {key: value for key, value in run.steps.items() if keys and key not in keys}},
            f"{self.phase}: {', '.join(keys) or 'everything'} is to be done again",
        )

    def conclude(self, verdict: str) -> None:
        """End it: the next run of this phase is a new one."""
        self._touch({"concluded": lambda _: verdict}, f"{self.phase} ended with {verdict}")

    def _touch(self, fields: dict[str, Callable[[RunState], Any]], what: str) -> None:
        def step(facts: Facts) -> dict[str, Any]:
            run = facts.runs.get(self.phase)
            if run is None or not self._is_mine(run):
                raise self._superseded(run)
            update = {name: work(run) for name, work in fields.items()} | {"touched": datetime.now(UTC)}
            return {"runs": {**facts.runs, self.phase: run.model_copy(update=update)}}

        self.state.change(step, by=self.facts.by, what=what)

    def _is_mine(self, run: RunState) -> bool:
        """Whether it is this very attempt."""
        return (run.id, run.attempts) == (self._last.id, self._last.attempts)

    def _superseded(self, run: RunState | None) -> Conflicting:
        now = f"it is at run {run.id}, attempt {run.attempts}, by {run.by}" if run else "it knows of no run of it"
        return Conflicting(
            f"The rollout's state goes on without this run of {self.phase} ({self._last.id}, attempt "
            f"{self._last.attempts}): {now}. Nothing was written.",
            expected="this attempt as the newest one.",
            why="Evidence of one run is none about another.",
            todo=f"Ask who did it, look at it ({self.state.command}), then run the notebook from its first cell.",
        )


def begin(state: State, phase: str, *, by: str, code_revision: str = "") -> Run:
    """Go on with this phase's run if it was never concluded, else begin one; written at once.

    Args:
        state: the rollout's state; `enter` it first.
        phase: the notebook's name, such as ``01_dev_testing``.
        by: who runs it.
        code_revision: the service's; work done about another revision is not gone on from. Empty: not compared.
    """
    now = datetime.now(UTC)
    found = state.facts.runs.get(phase)
    resumed = found is not None and resumable(found, now, code_revision)
    if found is not None and resumed:
        run = found.model_copy(update={"attempts": found.attempts + 1, "touched": now, "by": by})
    else:
        run = RunState(id=fresh_id(phase, now), began=now, touched=now, by=by, code_revision=code_revision)
    what = f"{phase}: run {run.id}, attempt {run.attempts}"
    state.change(lambda facts: {"runs": {**facts.runs, phase: run}}, by=by, what=what)
    return Run(state, phase, resumed=resumed)


def resumable(run: RunState, now: datetime, code_revision: str) -> bool:
    """Whether to go on with it: never concluded, not left too long ago, about the same code."""
    other_code = bool(code_revision and run.code_revision and code_revision != run.code_revision)
    return not run.concluded and not other_code and now - run.touched <= RESUMABLE


def fresh_id(phase: str, now: datetime) -> str:
    """A new id: the phase's number and the moment, `01-20261125-003321`."""
    return f"{phase.partition('_')[0].lower()}-{now:%Y%m%d-%H%M%S}"
