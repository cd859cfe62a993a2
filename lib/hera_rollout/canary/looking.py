"""One look at a rung: which workflows there are, what Prometheus counted, what the logs say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf, isfinite, log
from typing import Any, Final

import numpy as np
import pandas as pd

from hera_rollout import backend, logclasses, metrics
from hera_rollout.canary.evidence import MOST_NAMED, Arm, Before, Rung
from hera_rollout.cluster import Cluster
from hera_rollout.errors import RolloutError, in_words
from hera_rollout.gates import Errors, Moments, RungShare, Stratum, settle
from hera_rollout.gates.settling import Run
from hera_rollout.metrics import Prometheus, expressions
from hera_rollout.metrics.figures import SUBMITTING
from hera_rollout.metrics.frames import labelled
from hera_rollout.split import path_for
from hera_rollout.target import Target
from hera_rollout.workflow_phases import FINISHED
from hera_rollout.workflows import Workflows, documents

_CREATIONS: Final = "backend_workflow_creations_total"
_BUCKETS: Final = f"backend_http_request_duration_seconds_bucket{{{SUBMITTING}}}"
SLACK: Final = 2.0
"""Seconds around a flip in which it is not asked which path made a workflow: Kubernetes notes whole seconds, and its
clock is another one."""
SCRAPED_SECONDS: Final = 300
"""So old a pod's last count may be for Prometheus to give it."""
LOOK_BACK: Final = timedelta(hours=24)


def creations(target: Target, seconds: int = 0) -> str:
    """PromQL of submissions by path and by whether a workflow came of them; each pod apart, since counters begin anew.

    A request that is answered 500 has no path of its own, so that the service's 5xx are on the monitoring checklist.

    Args:
        target: whose Deployment's pods are asked for.
        seconds: so far back a pod's last count is looked for: one that is gone by then still counts. 0: pods of now.
    """
    return f"sum by (pod, path, outcome) ({_last(target, _CREATIONS, seconds)})"


def buckets(target: Target, seconds: int = 0) -> str:
    """PromQL of the histogram of answers to submissions by path; as `creations`."""
    return f"sum by (pod, path, le) ({_last(target, _BUCKETS, seconds)})"


def _last(target: Target, metric: str, seconds: int) -> str:
    chosen = expressions.series(metric, expressions.pods(target))
    return f"last_over_time({chosen}[{seconds}s])" if seconds else chosen


def counted_from(prometheus: Prometheus, target: Target, begin: datetime, now: datetime) -> float:
    """From when on the growth of the service's counters since a moment counts: a little before it.

    That is the last scrape by then, or the start of a pod that nobody had scraped by then, as after a deploy.

    Raises:
        RolloutError: Prometheus does not answer, or did not scrape a pod by then that had run for longer than since its
            last count is looked for: nobody knows how far it had counted.
    """
    pods, seconds = expressions.pods(target), max(1, round((now - begin).total_seconds()))
    starts = f"min by (pod) (last_over_time(process_start_time_seconds{{{pods}}}[{seconds}s]))"
    # A scrape that fails ends a pod's series, and is a sample of `up` all the same.
    scrapes = f"(timestamp(up{{{pods}}}) and up{{{pods}}} == 1)[{SCRAPED_SECONDS}s:5s]"
    scraped = _by_pod(prometheus.instant(f"min by (pod) (max_over_time({scrapes}))", begin))
    started = _by_pod(prometheus.instant(starts, now))
    unknown = {pod: at for pod, at in started.items() if pod not in scraped}
    if lost := sorted(pod for pod, at in unknown.items() if at < begin.timestamp() - SCRAPED_SECONDS):
        raise RolloutError(
            f"Prometheus had not scraped {', '.join(lost[:MOST_NAMED])} in the {SCRAPED_SECONDS} s before "
            f"{begin:%Y-%m-%d %H:%M:%S} UTC: what was counted since then is not known.",
            expected="every pod of the service scraped before its counters are compared",
            todo="See why Prometheus did not scrape it then; once it does, begin this phase anew.",
        )
    # A pod that was gone by then, such as one that a deploy replaced, counts nothing after it.
    here = [at for pod, at in scraped.items() if pod in started or not started]
    return min([begin.timestamp(), *here, *unknown.values()])


def path_of(document: Mapping[str, Any]) -> tuple[str, str]:
    """The path that made a workflow: proven by its manifest where it is there, else by its label."""
    spec = document.get("spec") or {}
    if not (spec.get("templates") or spec.get("workflowTemplateRef")):  # the archive's list has no manifest
        return labelled(document)
    known = backend.provenance(document)
    return known.path, known.how


@dataclass
class Look:
    """Looks at rungs. What was seen once is remembered: a workflow that is deleted between two looks still counts.

    Attributes:
        workflows, cluster: where.
        prometheus: None where the target names none; then there are no answers and no errors, and their gates hold.
        deadline: seconds after which a workflow has failed.
        missing: what could not be read at the newest look, in words.
    """

    workflows: Workflows
    cluster: Cluster
    prometheus: Prometheus | None
    deadline: float
    missing: list[str] = field(default_factory=list)
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def frame(self, since: float) -> pd.DataFrame:
        """Every workflow of a task created since then, those known before in their newest state."""
        found = metrics.workflow_frame(self.workflows, since=_moment(since), path_of=path_of)
        rows = documents_of(found)
        self._known |= {str(row["uid"]): row for row in rows if row["task"]}
        kept = [row for row in self._known.values() if row["created"].timestamp() >= since]
        return pd.DataFrame(kept, columns=found.columns)

    def at(self, rung: Rung, now: datetime, *, logs: bool = True) -> Rung:
        """The rung with what is there now. Logs are the dear part: they are read when they decide something.

        Raises:
            RolloutError: The workflows cannot be listed: then nothing is known. Prometheus or logs that do not answer
                are told in `missing`, and what they had counted stays.
        """
        self.missing = []
        since, unknown = self._counted_from(rung, now)
        frame = self.frame(since - SLACK)
        at = frame["created"].map(datetime.timestamp)
        mine, early = frame[(at >= rung.began) & (at < (rung.until or inf))], frame[at < rung.began]
        found = placed(counted(rung, mine, now.timestamp(), self.deadline), mine)
        end = rung.until or now.timestamp()
        late = mine[at[mine.index] > end - 2 * self.cluster.target.limits.scrape_seconds]
        found = replace(found, early=max(rung.early, _by_hera(early)), late=_by_hera(late))
        if unknown:
            self.missing.append(unknown)
        for read, asked in (
            (lambda one: self._served(one, now), not unknown), (self._logged, logs and not rung.ended)
        ):  # fmt: skip
            try:
                found = read(found) if asked else found
            except Exception as error:  # whatever came, the workflows that were seen still count
                self.missing.append(in_words(error))
        return found

    def _counted_from(self, rung: Rung, now: datetime) -> tuple[float, str]:
        """As `counted_from`; the rung's beginning, and why, where the growth of the counters is not known."""
        if self.prometheus is None:
            return rung.began, ""
        try:
            return counted_from(self.prometheus, self.cluster.target, _moment(rung.began), now), ""
        except Exception as error:  # whatever came, the workflows still count
            return rung.began, in_words(error)

    def before(self, now: datetime) -> Before:
        """The service over the time that its pods have run, a day at most."""
        since = max(now - LOOK_BACK, _began(self.cluster))
        entries, submitted = 0, 0
        try:
            entries = len(logclasses.read(self.cluster, since).of("error"))
            if self.prometheus:
                found = self.prometheus.instant(creations(self.cluster.target))
                submitted = int(found["value"].sum()) if len(found) else 0
        except RolloutError as error:
            self.missing.append(error.seen)
        return Before(log_errors=entries, submissions=max(submitted, entries))

    def _served(self, rung: Rung, now: datetime) -> Rung:
        if self.prometheus is None:
            return rung
        prometheus, target, begin = self.prometheus, self.cluster.target, _moment(rung.began)
        end, until = (_moment(at) if at else now for at in (rung.ended, rung.until))

        def grown(query: Callable[[Target, int], str], first: pd.DataFrame, last: datetime, by: str) -> pd.DataFrame:
            seconds = max(1, round((last - begin).total_seconds()))
            return growth(first, prometheus.instant(query(target, seconds), last), ["path", by])

        tried, timed = (prometheus.instant(query(target, SCRAPED_SECONDS), begin) for query in (creations, buckets))
        tries, answered = grown(creations, tried, end, "outcome"), grown(buckets, timed, end, "le")
        # A rung that was left makes workflows until the next one begins, and they are seen as its own.
        made_by_now = grown(creations, tried, until, "outcome") if rung.ended else tries
        # A container that began anew, or a series that is gone, takes nothing away that was counted.
        kept = dict(zip(("hera", "yaml"), zip((rung.errors.hera, rung.errors.yaml), rung.errors.totals, strict=True),
                        strict=True))  # fmt: skip
        failed = {path: max(made(tries, path, bad=True), bad) for path, (_, bad) in kept.items()}
        asked = {path: max(made(tries, path, bad=False) + failed[path], all_) for path, (all_, _) in kept.items()}
        errors = Errors.between(rung.code_revision, (asked["hera"], asked["yaml"]), (failed["hera"], failed["yaml"]))
        answers = Stratum(
            percent=rung.percent, hera=from_buckets(answered, "hera"), yaml=from_buckets(answered, "yaml")
        )
        counted = made(made_by_now, "hera", bad=False)
        created = max(counted, rung.created or 0) if len(made_by_now) else rung.created
        return replace(rung, errors=errors, answers=answers, submissions=sum(asked.values()), created=created)

    def _logged(self, rung: Rung) -> Rung:
        entries = len(logclasses.read(self.cluster, _moment(rung.began)).of("error"))
        return replace(rung, log_errors=max(entries, rung.log_errors))


def documents_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as plain mappings."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def counted(rung: Rung, frame: pd.DataFrame, now: float, deadline: float) -> Rung:
    """Both arms with the workflows that are new in this frame. Pure."""

    def arm(path: str, before: Arm) -> Arm:
        runs = [_run(row) for row in frame[frame["path"] == path].to_dict("records")]
        return before.after(
            settle(runs, code_revision=rung.code_revision, now=now, deadline=deadline, since=before.mark)
        )

    return replace(rung, hera=arm("hera", rung.hera), yaml=arm("yaml", rung.yaml))


def placed(rung: Rung, frame: pd.DataFrame) -> Rung:
    """Task keys by path, each once, and whatever the split would have put on the other path. Pure."""
    if frame.empty:
        return rung
    at = frame["created"].map(datetime.timestamp)
    mine = frame[(at >= rung.began + SLACK) & (at < (rung.ended or inf) - SLACK)]
    first = mine.drop_duplicates("task")
    wrong = mine[mine["path"] != mine["task"].map(lambda task: path_for(str(task), rung.percent))]
    # A task whose workflows were all deleted by now has been seen all the same. What a rung was left with stays: its
    # gate had decided, and stragglers could make it undecided again, with no more tasks to come.
    share = RungShare(percent=rung.percent, tasks=len(first), hera=int((first["path"] == "hera").sum()))
    best = share if share.tasks >= rung.share.tasks and not rung.ended else rung.share
    names = tuple(f"{row['name']} ({row['path'] or 'no path'})" for row in wrong.to_dict("records"))
    return replace(
        rung, share=best, misplaced=names[:MOST_NAMED] or rung.misplaced,
        misplaced_count=max(len(names), rung.misplaced_count),
    )  # fmt: skip


def growth(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """What counters grew by, summed over pods; one that fell, or was not there before, began at zero. Pure.

    Raises:
        RolloutError: a count is no number, which must not be taken for nothing new.
    """
    if not all(isfinite(value) for value in (*before["value"], *after["value"])):
        raise RolloutError("Prometheus counts what is no number (NaN or Inf).", expected="counters with finite values",
                           todo="See which pod exposes it: the service's own metrics page.")  # fmt: skip
    if after.empty or not {"pod", *keys} <= set(after.columns):
        return pd.DataFrame(columns=[*keys, "value"])
    at = ["pod", *keys]
    first = before.set_index(at)["value"] if set(at) <= set(before.columns) else pd.Series(dtype=float)
    last = after.set_index(at)["value"]
    start = first.reindex(last.index).fillna(0.0)
    grown = (last - start).where(last >= start, last)
    return grown.rename("value").groupby(level=keys).sum().reset_index()


def made(creations: pd.DataFrame, path: str, *, bad: bool) -> int:
    """Submissions of a path of which a workflow came, or did not. Pure."""
    if creations.empty:
        return 0
    chosen = (creations["path"] == path) & ((creations["outcome"] != "created") == bad)
    return round(creations[chosen]["value"].sum())


def from_buckets(buckets: pd.DataFrame, path: str) -> Moments:
    """Log seconds out of a histogram: each answer at the geometric middle of its bucket.

    Both paths have the same buckets, so their ratio is off by less than one bucket's width. Pure.
    """
    mine = buckets[buckets["path"] == path] if len(buckets) else buckets
    if mine.empty:
        return Moments()
    ordered = sorted((float(row["le"]), float(row["value"])) for row in mine.to_dict("records"))
    counts = np.diff([0.0, *(value for _, value in ordered)]).clip(min=0)
    edges = [edge for edge, _ in ordered]
    lows = [edges[0] / 2, *edges[:-1]]
    middles = [
        log((low * high) ** 0.5) if isfinite(high) else log(low * 1.5) for low, high in zip(lows, edges, strict=True)
    ]
    return _moments(np.asarray(middles), counts)


def _moments(values: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> Moments:
    n = round(float(counts.sum()))
    if not n:
        return Moments()
    mean = float((values * counts).sum() / n)
    return Moments(n=n, mean=mean, squares=float((counts * (values - mean) ** 2).sum()))


def _run(row: Mapping[Any, Any]) -> Run:
    """A workflow as the gates take it; one that ended without saying when ended when it was created."""
    over = row["phase"] in FINISHED
    end = row["finished"] if over and not pd.isna(row["finished"]) else row["created"]
    return Run(uid=str(row["uid"]), submitted=row["created"].timestamp(),
               ended=end.timestamp() if over else None, succeeded=row["phase"] == "Succeeded")  # fmt: skip


def _began(cluster: Cluster) -> datetime:
    """When the oldest of the service's pods was made; now, if there is none."""
    made = [documents.moment(pod["metadata"].get("creationTimestamp")) for pod in
            cluster.pod_documents(cluster.selector())]  # fmt: skip
    return min((one for one in made if one), default=datetime.now(UTC))


def _by_hera(frame: pd.DataFrame) -> int:
    return int((frame["path"] == "hera").sum())


def _by_pod(values: pd.DataFrame) -> dict[str, float]:
    return {str(row["pod"]): float(row["value"]) for row in values.to_dict("records") if "pod" in row}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
