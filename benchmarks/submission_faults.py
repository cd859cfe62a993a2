"""Submissions through a proxy that fails by a seeded die: none may be lost without a word, none made twice.

    python benchmarks/submission_faults.py [--count 1000] [--share 0.3] [--seed 1] [--target lab] [--json FILE]

The proxy (`rollout_lab.faulty_proxy`) stands in front of the real server and drops answers, delays, resets, or answers
409, 429, 500 and 503, before or after the real thing was done. Two ways are tried, one after the other:

- hera: `Workflows.submit` through the Argo Server, each under its own name; a refusal is tried again, as a notebook's
  cell that is run again does;
- backend: `backend.traffic` through the service. Its API has no name of the client's own, so that nothing is sent
  twice: an answer that was lost is looked up on the cluster.

The workflows are made suspended, so that none needs a pod. Aim: 0 lost, 0 duplicated, no answer left open.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hera.workflows import Container, Workflow

from hera_rollout.backend import Backend, traffic
from hera_rollout.backend.traffic import Row, Traffic
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Conflicting, RolloutError
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows
from rollout_lab.faulty_proxy import Die, FaultyProxy

ROOT: Final = Path(__file__).resolve().parents[1]
TRIES: Final = 12
WORKERS: Final = 8
LABEL: Final = "hera-rollout/faulty"


@dataclass(frozen=True)
class Outcome:
    """What came of all submissions by one way.

    Attributes:
        way: hera or backend.
        asked: submissions.
        there: of them those with a workflow.
        told_not_made: of which it was told that nothing was made, truly.
        lost: without a workflow, though none of that was told; or told as there, and not there.
        duplicated: workflows beyond one for a submission.
        open: submissions of which nothing is known in the end.
        resolved: answers that were lost, and known by a look-up.
        faults: what the die drew, by name.
        seconds: for all.
    """

    way: str
    asked: int
    there: int
    told_not_made: int
    lost: int
    duplicated: int
    open: int
    resolved: int
    faults: dict[str, int]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether the aim was met."""
        return not (self.lost or self.duplicated or self.open)

    def sentence(self) -> str:
        """In one line."""
        drawn = sum(count for fault, count in self.faults.items() if fault != "passed")
        return (
            f"{self.way}: {self.asked} submissions, {drawn} faults drawn: {self.there} there, "
            f"{self.told_not_made} told as not made, {self.resolved} looked up; lost {self.lost}, "
            f"duplicated {self.duplicated}, open {self.open}; {self.seconds:.0f} s"
        )


def by_hera(target: Target, cluster: Cluster, count: int, die: Die, token: str) -> Outcome:
    """So many workflows of their own through the Argo Server; all are deleted afterwards."""
    began = time.monotonic()
    with FaultyProxy(target.argo_url, die) as proxy:
        faulty = Workflows(target.model_copy(update={"argo_url": proxy.url}), cluster)
        names = [f"{token}-{number:04}" for number in range(count)]
        with ThreadPoolExecutor(WORKERS) as pool:
            answers = list(pool.map(lambda name: _submitted(faulty, target, name, token), names))
    workflows = Workflows(target, cluster)
    found = {item["metadata"]["name"]: item["metadata"]["uid"] for item in workflows.raw(f"{LABEL}={token}")}
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(workflows.delete, found))
    uids = {name: uid for name, uid, _ in answers if uid}
    return Outcome(
        way="hera", asked=count, there=len(found), told_not_made=0,
        lost=sum(found.get(name) != uid for name, uid in uids.items()) + len(set(names) - set(found)),
        duplicated=len(set(found) - set(names)), open=count - len(uids),
        resolved=sum(adopted for _, _, adopted in answers),
        faults=dict(die.drawn), seconds=time.monotonic() - began,
    )  # fmt: skip


def _submitted(faulty: Workflows, target: Target, name: str, token: str) -> tuple[str, str, bool]:
    """Its name, its uid (empty if it never came), and whether it was found by a look-up."""
    for _ in range(TRIES):
        try:
            done = faulty.submit(_suspended(target, token), name=name)
        except Conflicting:
            raise
        except RolloutError:
            time.sleep(0.2)
        else:
            return name, done.uid, done.adopted
    return name, "", False


def _suspended(target: Target, token: str) -> Workflow:
    with Workflow(
        generate_name="faulty-", namespace=target.namespace, entrypoint="main", suspend=True,
        service_account_name=target.workflow.service_account, labels={LABEL: token},
    ) as workflow:  # fmt: skip
        Container(name="main", image=target.workflow.image, command=["true"])
    return workflow


def by_backend(target: Target, cluster: Cluster, count: int, die: Die, token: str) -> Outcome:
    """So many tasks through the service, whose workflows must be made suspended; all are deleted afterwards."""
    began, since = time.monotonic(), datetime.now(UTC)
    per_second = 20.0
    with FaultyProxy(target.backend_url, die) as proxy:
        faulty = Backend(target.model_copy(update={"backend_url": proxy.url}))
        load = Traffic(faulty, traffic.steady(per_second, count / per_second, most=count), token=token, workers=WORKERS)
        load.run()
    workflows = Workflows(target, cluster)
    load.resolve(workflows)
    made = traffic.by_mark(load.rows, workflows.raw(since=since - timedelta(minutes=1)))
    backend = Backend(target)
    for row in load.rows:
        if row.task:
            with suppress(RolloutError):
                backend.delete(row.task)
    return counted(load.rows, made, asked=count - load.unsent, faults=dict(die.drawn), seconds=time.monotonic() - began)


def counted(rows: Sequence[Row], made: Counter[str], *, asked: int, faults: dict[str, int], seconds: float) -> Outcome:
    """What came of the rows, beside what is on the cluster. Pure.

    Args:
        rows: looked up.
        made: workflows by mark.
        asked: how many were sent.
        faults: what was drawn.
        seconds: for all.
    """
    there = [row for row in rows if row.outcome in {"accepted", "found"}]
    none = [row for row in rows if row.outcome in traffic.LOST]
    return Outcome(
        way="backend", asked=asked, there=sum(made[row.mark] > 0 for row in rows),
        told_not_made=sum(not made[row.mark] for row in none),
        lost=sum(not made[row.mark] for row in there) + sum(made[row.mark] > 0 for row in none),
        duplicated=sum(count - 1 for count in made.values() if count > 1),
        open=sum(row.outcome == "answer lost" for row in rows) + asked - len(rows),
        resolved=sum(row.outcome in {"found", "absent"} for row in rows), faults=faults, seconds=seconds,
    )  # fmt: skip


def main() -> None:
    """Both ways, and end in one line each; exit code 1 if the aim was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", default="lab")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    target = Target.load(chosen.target, search=ROOT)
    cluster, token = Cluster.connect(target), f"faulty{int(time.time())}"
    suspend = "WORKFLOW_SUSPEND"
    cluster.apply_env(cluster.plan_env(suspend, "true"))
    try:
        cluster.rollout_status(120)
        made = [way(target, cluster, chosen.count, Die(chosen.seed, chosen.share), token)
                for way in (by_hera, by_backend)]  # fmt: skip
    finally:
        cluster.apply_env(cluster.plan_env(suspend, None))
    for one in made:
        print("summary:", one.sentence(), "aim met" if one.clean else "aim missed")
    if chosen.json:
        figures: list[dict[str, Any]] = [asdict(one) for one in made]
        chosen.json.write_text(json.dumps(figures, indent=1))
    sys.exit(0 if all(one.clean for one in made) else 1)


if __name__ == "__main__":
    main()
