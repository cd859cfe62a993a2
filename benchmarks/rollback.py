"""How long the way back takes under traffic: the kit's quick rollback, by file and by variable, beside plain kubectl.

    python benchmarks/rollback.py [--rounds 20] [--per-second 5] [--target lab] [--only env,kubectl] [--json FILE]

A round turns the flag on, sends tasks at a steady rate, decides, and goes back; the ways take turns. Measured by this
machine's clock, from the decision on:

- last Hera: when the last submission was sent that Hera made a workflow of. Users wait for this;
- reported: until every pod said that the flag is off (kit), or until `kubectl rollout status` ended (kubectl);
- lost: submissions that came to nothing; duplicates: workflows beyond one for a submission.

Plain kubectl is what the guide says: `kubectl set env deployment/backend USE_HERA_SDK=false`, then `rollout status`.
Its restart is what a way by the variable cannot be quicker than. Workflows are made suspended (the lab's backend has a
switch for it), so that pods of workflows do not take the processor from what is measured.

Aims: by file at most 1 s in the worst round; by variable within 1 s of kubectl's own median; none lost, no duplicate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from hera_rollout import flag, rollback
from hera_rollout.backend import Backend, traffic
from hera_rollout.backend.traffic import Row, Traffic
from hera_rollout.cluster import Cluster
from hera_rollout.errors import RolloutError
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows

ROOT: Final = Path(__file__).resolve().parents[1]
FILE_AIM, VARIABLE_AIM = 1.0, 1.0
WAYS: Final = ("configmap", "env", "kubectl")
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 2.0
LONGEST: Final = 60.0
SUSPEND: Final = "WORKFLOW_SUSPEND"


@dataclass(frozen=True)
class Round:
    """One way back.

    Attributes:
        way: configmap, env or kubectl.
        last_hera: seconds from the decision to the last submission that Hera made a workflow of; 0 if none came after.
        reported: seconds from the decision until it was seen to be in effect; None if that was not seen.
        sent, hera, lost, duplicates: submissions; of them by Hera; come to nothing; workflows too many.
    """

    way: str
    last_hera: float
    reported: float | None
    sent: int
    hera: int
    lost: int
    duplicates: int


def measured(
    way: str, rows: Sequence[Row], decided: datetime, reported: float | None, made: Mapping[str, int]
) -> Round:
    """A round's figures out of what was sent. Pure.

    Args:
        way: its name.
        rows: what was sent, looked up.
        decided: when it was decided to go back.
        reported: seconds until it was seen in effect.
        made: workflows by the mark of the submission that they are of.
    """
    hera = [row for row in rows if row.path == "hera" and row.sent]
    after = [(row.sent - decided).total_seconds() for row in hera if row.sent and row.sent > decided]
    twice = sum(count - 1 for count in made.values() if count > 1)
    return Round(way, max(after, default=0.0), reported, len(rows), len(hera), len(traffic.lost(rows)), twice)


def summary(rounds: Sequence[Round]) -> dict[str, dict[str, float]]:
    """Median and worst of each way, and what was lost or doubled in all its rounds. Pure."""
    found: dict[str, dict[str, float]] = {}
    for way in dict.fromkeys(one.way for one in rounds):
        mine = [one for one in rounds if one.way == way]
        last, reported = [one.last_hera for one in mine], [one.reported for one in mine if one.reported is not None]
        found[way] = {
            "rounds": len(mine),
            "last Hera, median": statistics.median(last),
            "last Hera, worst": max(last),
            "reported, median": statistics.median(reported) if reported else float("nan"),
            "reported, worst": max(reported, default=float("nan")),
            "sent": sum(one.sent for one in mine),
            "lost": sum(one.lost for one in mine),
            "duplicates": sum(one.duplicates for one in mine),
        }
    return found


def verdicts(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Each aim and whether it was met. Pure."""
    told = []
    if "configmap" in found:
        worst = found["configmap"]["last Hera, worst"]
        told.append(f"by file, worst {worst:.2f} s: aim {FILE_AIM:g} s {_met(worst <= FILE_AIM)}")
    if {"env", "kubectl"} <= set(found):
        over = found["env"]["last Hera, worst"] - found["kubectl"]["last Hera, median"]
        told.append(f"by variable, worst {over:+.2f} s beside kubectl's median: aim {VARIABLE_AIM:+g} s "
                    f"{_met(over <= VARIABLE_AIM)}")  # fmt: skip
    kit = [one for way, one in found.items() if way != "kubectl"]
    bad = sum(one["lost"] + one["duplicates"] for one in kit)
    return [*told, f"lost and duplicates by the kit's ways: {bad:.0f}: aim 0 {_met(not bad)}"]


def _met(yes: bool) -> str:
    return "met" if yes else "missed"


@dataclass
class Bench:
    """One benchmark at one place."""

    target: Target
    per_second: float
    token: str

    def by(self, medium: flag.Medium) -> Cluster:
        """The cluster with the flag turned by this medium."""
        return Cluster.connect(self.target.by(medium))

    def kubectl(self, *words: str) -> None:
        """What an operator types."""
        place = self.target
        command = ["kubectl", "--kubeconfig", str(place.kubeconfig), "--context", str(place.context), "-n",
                   place.namespace, *words]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    def round(self, way: str, number: int) -> Round:
        """One way back under traffic."""
        cluster = self.by("configmap" if way == "configmap" else "env")
        backend, workflows = Backend(self.target), Workflows(self.target, cluster)
        if way == "configmap":
            self.kubectl("set", "env", f"deployment/{self.target.deployment}", f"{self.target.flag.env}-")
            cluster.rollout_status(LONGEST)
        else:  # the file is stronger than the variable; the pods that the variable makes anew start without it
            self.kubectl("delete", "configmap", self.target.flag.configmap, "--ignore-not-found")
        flag.apply(cluster, backend, flag.plan(cluster, enabled=True))
        began = datetime.now(UTC)
        plan = traffic.steady(self.per_second, LONGEST)
        with Traffic(backend, plan, token=f"{self.token}-{way}-{number}") as load:
            time.sleep(BEFORE_SECONDS)
            decided = datetime.now(UTC)
            reported = self._back(way, cluster, backend, workflows, decided)
            time.sleep(AFTER_SECONDS)
        load.resolve(workflows)
        made = traffic.by_mark(load.rows, workflows.raw(since=began - timedelta(minutes=1)))
        _tidied(backend, [row.task for row in load.rows if row.task])
        return measured(way, load.rows, decided, reported, made)

    def _back(
        self, way: str, cluster: Cluster, backend: Backend, workflows: Workflows, decided: datetime
    ) -> float | None:
        name = f"deployment/{self.target.deployment}"
        if way == "kubectl":
            self.kubectl("set", "env", name, f"{self.target.flag.env}=false")
            self.kubectl("rollout", "status", name, f"--timeout={LONGEST:.0f}s")
            return (datetime.now(UTC) - decided).total_seconds()
        result = rollback.quick(cluster, backend, workflows, by="benchmark", why="benchmark", observe_seconds=0)
        return (result.effective - decided).total_seconds() if result.effective else None


def _tidied(backend: Backend, tasks: Sequence[str]) -> None:
    for task in tasks:
        with suppress(RolloutError):
            backend.delete(task)


def run(bench: Bench, ways: Sequence[str], rounds: int, tell: Callable[[str], None]) -> list[Round]:
    """All rounds, the ways in turn."""
    made: list[Round] = []
    deployment = f"deployment/{bench.target.deployment}"
    bench.kubectl("set", "env", deployment, f"{SUSPEND}=true")
    try:
        for number in range(rounds):
            for way in ways:
                made.append(bench.round(way, number))
                tell(json.dumps(asdict(made[-1])))
    finally:
        bench.kubectl("set", "env", deployment, f"{SUSPEND}-", f"{bench.target.flag.env}-")
        bench.kubectl("delete", "configmap", bench.target.flag.configmap, "--ignore-not-found")
    return made


def main() -> None:
    """Run, show, and end in one line an aim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="lab")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--per-second", type=float, default=5.0)
    parser.add_argument("--only", default=",".join(WAYS), help="which ways, with commas")
    parser.add_argument("--json", type=Path, help="write every round here too")
    chosen = parser.parse_args()
    ways = [way for way in chosen.only.split(",") if way]
    if not set(ways) <= set(WAYS) or not ways:
        parser.error(f"--only takes some of {', '.join(WAYS)}")
    bench = Bench(Target.load(chosen.target, search=ROOT), chosen.per_second, f"bench{int(time.time())}")
    rounds = run(bench, ways, chosen.rounds, lambda line: print(line, file=sys.stderr, flush=True))
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in rounds], indent=1))
    found = summary(rounds)
    for way, figures in found.items():
        print(f"{way:10}", "  ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    for line in verdicts(found):
        print("summary:", line)


if __name__ == "__main__":
    main()
