"""A flip in effect: every ready pod says so itself, and so does whatever the service answers from."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pandas import DataFrame

from hera_rollout import clock
from hera_rollout.cluster import Cluster, EnvChange, environment, rollouts
from hera_rollout.errors import DeadlineExceeded, NotDoneByHand, Refused, Retryable, RolloutError
from hera_rollout.flag import file
from hera_rollout.flag.changes import FlagChange, ReportsFlag, Tell, word
from hera_rollout.flag.reporting import COLUMNS, FRESH_ANSWERS, NEVER, ROUTE, deployed, never_says, report
from hera_rollout.flag.variable import undo_command

PAUSE_SECONDS = 0.5
_TOUCH_AGAIN_SECONDS = 3.0
_SAME_SHARE = 1e-6
SURE_SECONDS = 2.0
"""So long an answer that no waiting mends is asked for again: a pod that just ended answers 404 too."""
_IMPORT_TODO = (
    "Fix what keeps Hera from being imported in the image (guide: Hera SDK is installed), then run this again."
)


@dataclass
class Wait:
    """One wait for a flip to take effect."""

    cluster: Cluster
    backend: ReportsFlag
    change: FlagChange
    seconds: float
    tell: Tell
    stop: threading.Event
    _never_since: float | None = field(default=None, init=False)

    def run(self) -> DataFrame:
        """What the pods report, once all report it.

        Raises:
            DeadlineExceeded: Some pod does not; the text says which one says what. `NotDoneByHand` if nobody did it. It
                comes within seconds where all that is missing is an answer that no waiting brings.
        """
        ends, touch_at = clock.monotonic() + self.seconds, clock.monotonic() + _TOUCH_AGAIN_SECONDS
        while True:
            seen, wrong, never = self._looked_at()
            if not wrong:
                self.tell(f"{len(seen)} of {len(seen)} report the flag {self._wanted()}")
                return seen
            self.tell("; ".join(wrong))
            over = clock.monotonic() >= ends or self.stop.is_set() or self._surely(never)
            if over or cannot_come(seen, self.change.enabled):
                raise self._not_in_effect(wrong, seen)
            if self.change.medium == "configmap" and clock.monotonic() >= touch_at:
                file.touch(self.cluster, self.tell)  # a pod may have been made between the patch and the first touch
                touch_at = clock.monotonic() + _TOUCH_AGAIN_SECONDS
            clock.wait(self.stop, PAUSE_SECONDS)

    def _looked_at(self) -> tuple[DataFrame, list[str], bool]:
        """What is reported, what is wrong with it, and whether that is only what no waiting mends."""
        try:
            seen = report(self.cluster, self.backend)
        except Retryable as error:
            return DataFrame(columns=COLUMNS), [f"the pods could not be asked: {error.seen}"], False
        wrong = wrong_pods(seen, self.change.enabled, self.change.percent)
        if wrong:
            if seen.empty:
                return seen, wrong, _scaled_to_nothing(self.cluster)
            says = seen[~seen["pod"].isin(seen.attrs.get(NEVER, set()))]
            waits = not says.empty and bool(wrong_pods(says, self.change.enabled, self.change.percent))
            return seen, wrong, not waits and len(says) < len(seen)
        if self.change.medium == "manual" and not deployed(self.cluster, self.backend):
            return seen, [], False
        try:
            return seen, _wrong_service(self.backend, seen, self.change.enabled), False
        except RolloutError as error:
            return seen, [f"the service did not answer: {error.seen}"], never_says(error)

    def _surely(self, never: bool) -> bool:
        """Whether that has been so for a while, without a look that said otherwise."""
        if not never:
            self._never_since = None
            return False
        self._never_since = self._never_since or clock.monotonic()
        return clock.monotonic() - self._never_since >= SURE_SECONDS

    def _wanted(self) -> str:
        return word(self.change.enabled, self.change.percent)

    def _not_in_effect(self, wrong: list[str], seen: DataFrame) -> DeadlineExceeded:
        undone = self.change.medium == "manual" and not any("cannot import Hera" in line for line in wrong)
        kind = NotDoneByHand if undone else DeadlineExceeded
        stopped = "The wait was stopped by the operator. " if self.stop.is_set() else ""
        return kind(
            f"{stopped}The flag is not in effect, though {self._set()}: {'; '.join(wrong)}.",
            seconds=self.seconds,
            expected=f"every ready pod, and the service, report the flag {self._wanted()}"
            + (" and Hera importable." if self.change.enabled else "."),
            why="What was set is not what runs: results from here would prove nothing.",
            todo=self._todo(wrong),
            evidence=seen.to_dict(orient="records"),
        )

    def _set(self) -> str:
        """What was set, in the medium's words."""
        settings, target = self.cluster.target.flag, self.cluster.target
        if self.change.medium == "env":
            return f"{settings.env}={self.cluster.env(settings.env)} on deployment/{target.deployment}"
        if self.change.medium == "configmap":
            return f"configmap/{settings.configmap} says {self._wanted()}"
        return f"{self.seconds:.0f} s were given to set {settings.env}={str(self.change.enabled).lower()} by hand"

    def _todo(self, wrong: list[str]) -> str:
        settings = self.cluster.target.flag
        if any("cannot import Hera" in line for line in wrong):
            return f"{_IMPORT_TODO} To go back: {self.change.undo_command}"
        if isinstance(self.change.change, EnvChange) and self.change.change.paused:
            return f"{rollouts.resume_command(self.cluster.target)} puts the variable in effect."
        if self.change.medium == "manual":
            return f"{self.change.command}. Then run this again: it goes on as soon as the backend reports it."
        other = settings.configmap if self.change.medium == "env" else settings.env
        return (
            f"See what else decides it there ({other}? another variable?): kubectl logs, /{ROUTE}. "
            f"To go back: {undo_command(self.cluster)}"
        )


def _scaled_to_nothing(cluster: Cluster) -> bool:
    """Whether the Deployment wants no pod: then no waiting brings one that could say anything."""
    try:
        return bool(environment.read(cluster.connection, cluster.target)["spec"].get("replicas", 1) == 0)
    except RolloutError:
        return False


def wrong_pods(seen: DataFrame, enabled: bool, percent: float = 100.0) -> list[str]:
    """What the pods say that is not what is wanted."""
    if seen.empty:
        return ["no pod is ready"]
    return [told for row in seen.to_dict(orient="records") if (told := _wrong_pod(row, enabled, percent))]


def _wrong_pod(row: Mapping[Hashable, Any], enabled: bool, percent: float) -> str:
    if row["problem"]:
        return f"pod {row['pod']} did not say: {row['problem']}"
    if row["enabled"] is not enabled:
        said = word(row["enabled"]) if isinstance(row["enabled"], bool) else repr(row["enabled"])
        return f"pod {row['pod']} reports the flag {said} (decided by {row['decided_by'] or 'unknown'})"
    if enabled and not _share(row.get("percent"), percent):
        return f"pod {row['pod']} reports the flag on for {row['percent']} %, not for {percent:g} %"
    if enabled and row["hera_import"] != "ok":
        return f"pod {row['pod']} reports the flag on, but cannot import Hera: {row['hera_import'] or 'no word'}"
    return ""


def _share(said: object, wanted: float) -> bool:
    """Whether the share is the one wanted; a backend that reports none knows only all."""
    try:
        number = 100.0 if said is None or said != said else float(str(said))  # noqa: PLR0124  (NaN: pandas' None)
    except ValueError:
        return False
    return abs(number - wanted) < _SAME_SHARE


def wrong_service(backend: ReportsFlag, seen: DataFrame, enabled: bool) -> list[str]:
    """Ready is not routable: an old pod may answer a little longer than it is listed."""
    try:
        return _wrong_service(backend, seen, enabled)
    except RolloutError as error:
        return [f"the service did not answer: {error.seen}"]


def _wrong_service(backend: ReportsFlag, seen: DataFrame, enabled: bool) -> list[str]:
    known = set(seen["pod"])
    for _ in range(FRESH_ANSWERS + 2 * len(known)):
        said = backend.flag()
        if not isinstance(said.get("enabled"), bool):
            raise Refused(f"its answer to /{ROUTE} says no flag: enabled is {said.get('enabled')!r}")
        if said["enabled"] is not enabled:
            return [f"the service still answers from pod {said.get('pod')} with the flag {word(not enabled)}"]
        if said.get("pod") and str(said["pod"]) not in known:
            return [f"the service still answers from pod {said['pod']}, which is not among the ready pods"]
    return []


def cannot_come(seen: DataFrame, enabled: bool) -> bool:
    """A Hera that cannot be imported will not be: waiting longer changes nothing."""
    broken = [row for row in seen.itertuples() if row.enabled is True and row.hera_import not in {"ok", ""}]
    return enabled and bool(broken) and len(broken) == len(seen)
