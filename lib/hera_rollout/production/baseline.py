"""The service by YAML, as production is held against it: out of the canary's record, or out of its own last hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Final, Self

from hera_rollout import canary, metrics
from hera_rollout.canary import judging, looking
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Durations, Errors, Moments, Stratum
from hera_rollout.gates.judging import plain, read
from hera_rollout.metrics import expressions
from hera_rollout.metrics.figures import FIGURES
from hera_rollout.target import Target

_METRICS: Final = {figure.name: figure.metric for figure in FIGURES}
MEMORY: Final = "process_resident_memory_bytes"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What there was before the deploy.

    Attributes:
        source: where the figures by YAML are from, in words.
        execution, answers: log seconds of YAML's workflows, and of answers to submissions by YAML.
        submissions, failed: by YAML, and how many made no workflow.
        log_entries, log_submissions: error entries in the service's logs, and submissions over the same time.
        requests, errors: of the service by whichever path, and how many were answered 5xx.
        memory: bytes a pod; None where Prometheus has none.
    """

    source: str
    execution: Moments = field(default_factory=Moments)
    answers: Moments = field(default_factory=Moments)
    submissions: int = 0
    failed: int = 0
    log_entries: int = 0
    log_submissions: int = 0
    requests: int = 0
    errors: int = 0
    memory: float | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Out of the rollout's state.

        Raises:
            Refused: it is not what this kit wrote.
        """
        return read(cls, data)

    def plain(self) -> dict[str, Any]:
        """As plain JSON data."""
        return plain(self)


def of_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """What YAML did beside Hera while the canary stood, out of the canary's record: its times, errors and log entries.

    Args:
        record: what record.json says of a canary that passed.

    Raises:
        Refused: its evidence is not what this kit wrote.
    """
    found = {check["name"]: check["evidence"]["seen"] for check in record["checks"] if check["name"] in canary.GATES}
    errors, logs = (read(Errors, found[name]) for name in (judging.ERRORS, judging.LOGS))
    return {
        "source": f"YAML's tasks beside Hera's, in {record['notebook']} that began {str(record['began'])[:16]} UTC",
        "execution": _yaml(read(Durations, found[judging.EXECUTION])),
        "answers": _yaml(read(Durations, found[judging.RESPONSE])),
        "submissions": errors.yaml, "failed": errors.totals[1],
        "log_entries": logs.totals[1], "log_submissions": logs.yaml,
    }  # fmt: skip


def _yaml(durations: Durations) -> Moments:
    """YAML's arm of every rung together."""
    return reduce(Moments.__add__, (stratum.yaml for stratum in durations.strata), Moments())


def of_history(look: looking.Look, now: datetime) -> dict[str, Any]:
    """What YAML did by itself until now, where there was no canary: as long as the pods have run, a day at most."""
    frame = look.frame((now - looking.LOOK_BACK).timestamp())
    ended = looking.counted(canary.Rung.begin(0, "", now), frame, now.timestamp(), look.deadline)
    before = look.before(now)
    made = {"source": "YAML's tasks of the last day, before the deploy: no canary stood beside them",
            "execution": ended.yaml.seconds,
            "log_entries": before.log_errors, "log_submissions": before.submissions}  # fmt: skip
    return made | _counted(look, now)


def _counted(look: looking.Look, now: datetime) -> dict[str, Any]:
    """What the pods have counted since they began."""
    if look.prometheus is None:
        return {}
    try:
        target = look.cluster.target
        queries = (looking.creations(target), looking.buckets(target))
        creations, buckets = (look.prometheus.instant(query, now) for query in queries)
    except RolloutError as error:
        look.missing.append(error.seen)
        return {}
    nothing = creations.iloc[:0]
    grown = looking.growth(nothing, creations, ["path", "outcome"])
    answers = looking.from_buckets(looking.growth(nothing, buckets, ["path", "le"]), "yaml")
    good, bad = (looking.made(grown, "yaml", bad=one) for one in (False, True))
    return {"answers": answers, "submissions": good + bad, "failed": bad}


def of_service(prometheus: metrics.Prometheus | None, target: Target, seconds: int, at: datetime) -> dict[str, Any]:
    """The service as a whole over the time before a moment: requests, those answered 5xx, and memory a pod.

    Raises:
        RolloutError: Prometheus does not answer.
    """
    if prometheus is None:
        return {}
    requests, errors = counts(prometheus, target, seconds, at)
    return {"requests": requests, "errors": errors,
            "memory": prometheus.value(memory(target, window(target)), at)}  # fmt: skip


def counts(prometheus: metrics.Prometheus, target: Target, seconds: int, at: datetime) -> tuple[int, int]:
    """Requests to the service's own routes over the time before a moment, and how many of them were answered 5xx."""
    of = expressions.pods(target)
    # Requests whose status is not told have no errors to be found: they are no good answers either.
    requests = expressions.series(_METRICS["requests"], 'status!=""', of)
    errors = expressions.series(requests, expressions.labels(_METRICS["errors"]))
    found = (prometheus.value(expressions.total(one, max(1, seconds)), at) for one in (requests, errors))
    asked, failed = (round(value or 0) for value in found)
    return max(asked, failed), failed


def memory(target: Target, seconds: int) -> str:
    """The PromQL of the least resident memory within so many seconds, mean over the pods."""
    return f"avg(min_over_time({MEMORY}{{{expressions.pods(target)}}}[{seconds}s]))"


def window(target: Target) -> int:
    """Seconds over which a level must hold before it is believed: five scrapes."""
    return 5 * target.limits.scrape_seconds


def gathered(look: looking.Look, target: Target, record: Mapping[str, Any] | None, back: int) -> Baseline:
    """The baseline as it is before the deploy.

    Args:
        look: what looks.
        target: where.
        record: of the canary that passed; None where it was skipped.
        back: seconds to look back for the service as a whole.

    Raises:
        RolloutError: the workflows cannot be listed, or Prometheus does not answer.
    """
    now = datetime.now(UTC)
    by_yaml = of_history(look, now) if record is None else of_record(record)
    return Baseline(**by_yaml, **of_service(look.prometheus, target, back, now))


def strata(baseline: Moments, seen: Moments) -> tuple[Stratum, ...]:
    """Hera's values against the baseline's, as the gates take them."""
    return (Stratum(percent=100.0, hera=seen, yaml=baseline),)
