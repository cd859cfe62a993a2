#!/usr/bin/env python3
"""The guide's test of the integration, with the guide's own command lines.

    python tests/test_hera_integration.py --hera-enabled --api-url http://localhost:8000
    python tests/test_hera_integration.py --compare --flip --api-url http://localhost:8000

Runs the kit's functional and integration lists against a backend, prints each line with what was seen, the path that
made its workflow and how that is known. Exit code 0 only if everything asked for ran and passed; 1 if a line failed or
did not run, or the flag is not as asked; 2 for bad input or a place that does not answer.

The flag is looked at and never changed, save by --compare --flip, which leaves it as it was found. By pytest
(`pytest tests/test_hera_integration.py`) the same commands run against the lab.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hera_rollout import equivalence, flag
from hera_rollout.backend import SCENARIOS, Backend, ScenarioResult, run_all
from hera_rollout.backend.integration import INTEGRATION, IntegrationResult, run_integration
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing, Refused, RolloutError
from hera_rollout.flag import file
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows

ROOT = Path(__file__).parents[1]
OK, FAILED, BAD_INPUT = 0, 1, 2
ALL = 100.0
Row = ScenarioResult | IntegrationResult


class Place:
    """The backend under test, its cluster and its Argo Server."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.cluster = Cluster.connect(target)
        self.backend = Backend.connect(target)
        self.workflows = Workflows(target, self.cluster)

    def flag_fault(self, wanted: bool) -> str:
        """Why the flag cannot be called as wanted; by every pod's own word, and by the service's."""
        rows = flag.report(self.cluster, self.backend).to_dict(orient="records")
        said = [(row["pod"], row["problem"] or row["enabled"]) for row in rows]
        said.append((self.target.backend_url, self.backend.flag().get("enabled")))
        wrong = [f"{who} says {told}" for who, told in said if told is not wanted]
        return "; ".join(wrong if rows else ["no pod of the backend is ready", *wrong])


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--hera-enabled", action="store_true", help="all tests; the flag must be on, the path hera")
    kind.add_argument("--hera-disabled", action="store_true", help="all tests; the flag must be off, the path yaml")
    kind.add_argument("--compare", action="store_true", help="all tests by both paths, and the two compared")
    parser.add_argument("--flip", action="store_true", help="with --compare: turn the flag off and on, then back")
    parser.add_argument("--api-url", metavar="URL", help="the backend (default: the target's backend_url)")
    parser.add_argument("--namespace", metavar="NAME", help="its namespace (default: the target's)")
    parser.add_argument("--target", default="lab", help="a file in targets/, without .toml (default: lab)")
    parser.add_argument("--only", metavar="NAMES", default="", help=f"some of {', '.join((*SCENARIOS, *INTEGRATION))}")
    chosen = parser.parse_args(words)
    chosen.only = [name.strip() for name in chosen.only.split(",") if name.strip()]
    unknown = [name for name in chosen.only if name not in {*SCENARIOS, *INTEGRATION}]
    if unknown:
        parser.error(f"--only: there is no {', '.join(unknown)}")
    if chosen.flip and not chosen.compare:
        parser.error("--flip goes with --compare")
    return chosen


def place(chosen: argparse.Namespace) -> Place:
    target = Target.load(chosen.target, search=ROOT)
    values = target.model_dump(exclude_unset=True)
    values |= {"backend_url": chosen.api_url} if chosen.api_url else {}
    values |= {"namespace": chosen.namespace} if chosen.namespace else {}
    try:
        changed = Target.model_validate(values)
    except ValidationError as error:
        (first, *_) = error.errors()
        said = first["msg"].removeprefix("Value error, ")
        raise Refused(f"--api-url or --namespace cannot be used: {first['input']!r} {said}") from None
    return Place(changed)


def run_path(there: Place, path: str, only: list[str]) -> list[Row]:
    """Everything asked for by one path; each row printed as it ends."""
    print(f"\n== path {path}: flag {'on' if path == 'hera' else 'off'} on every pod")
    seconds = float(there.target.limits.workflow_deadline_seconds)
    rows: list[Row] = []
    functional = [name for name in SCENARIOS if not only or name in only]
    integration = [name for name in INTEGRATION if not only or name in only]
    if functional:
        rows += run_all(there.backend, there.workflows, deadline_seconds=seconds, expect_path=path, names=functional,
                        on_result=show)  # fmt: skip
    if integration:
        rows += run_integration(there.backend, there.workflows, deadline_seconds=seconds, expect_path=path,
                                names=integration, on_result=show)  # fmt: skip
    return rows


def show(row: Row) -> None:
    print(f"{'✓ PASS' if row.passed else '✗ FAIL'}  {row.title} ({row.seconds:.1f} s): {row.seen}")
    if isinstance(row, ScenarioResult):
        print(f"        path={row.path or 'none'}, {row.provenance}: {row.provenance_reason}")
    print(f"        workflows: {', '.join(row.workflows) or 'none'}")
    if not row.passed:
        print(f"        expected: {row.expected}\n        what to do: {row.todo}")


def compared(there: Place, ours: list[Row], theirs: list[Row]) -> Iterator[tuple[str, bool]]:
    """Scenario by scenario: the same result, and manifests that mean the same."""
    for one, other in zip(ours, theirs, strict=True):
        same = (one.passed, one.seen) == (other.passed, other.seen)
        yield f"{one.title}: {'the same result by both paths' if same else 'the results differ'}", same
        if not isinstance(one, ScenarioResult):
            continue
        if len(one.workflows) != len(other.workflows) or not one.workflows:
            yield f"{one.title}: {len(one.workflows)} against {len(other.workflows)} workflows: not compared", False
        for left, right in zip(one.workflows, other.workflows, strict=False):
            yield manifests(there, one.title, left, right)


def manifests(there: Place, title: str, left: str, right: str) -> tuple[str, bool]:
    try:
        found = equivalence.compare(nameless(there.workflows.get(left)), nameless(there.workflows.get(right)))
    except RolloutError as error:
        return f"{title}: {left} and {right} could not be compared: {error.seen}", False
    matter = [one for one in found.differences if not one.harmless]
    told = "; ".join(f"{one.path} ({one.severity})" for one in matter[:5])
    return f"{title}: manifests of {left} and {right}: {told or 'mean the same'}", not matter


def nameless(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what names this one run: its task, its name, the mark in its code."""
    task = str((document["metadata"].get("labels") or {}).get("hera-rollout/task") or document["metadata"]["name"])
    text = json.dumps(document["spec"]).replace(task, "TASK")
    spec = json.loads(re.sub(r"hera-rollout-([a-z]+)-[0-9a-f]{8}", r"hera-rollout-\1-MARK", text))
    return {"apiVersion": document["apiVersion"], "kind": document["kind"], "metadata": {"name": "NAME"}, "spec": spec}


def compare(there: Place, only: list[str]) -> bool:
    """Both paths, the flag turned in between and turned back; true if all passed and all is the same."""
    found = Found.look(there)
    try:
        turn(there, on=False)
        ours = run_path(there, "yaml", only)
        turn(there, on=True)
        theirs = run_path(there, "hera", only)
    finally:
        found.put_back(there)
    print("\n== compared")
    verdicts = []
    for told, same in compared(there, ours, theirs):
        print(f"{'✓ PASS' if same else '✗ FAIL'}  {told}")
        verdicts.append(same)
    return ended([*ours, *theirs]) and all(verdicts)


def turn(there: Place, *, on: bool) -> None:
    change = flag.plan(there.cluster, on)
    flag.apply(there.cluster, there.backend, change)
    print(f"flag turned {'on' if on else 'off'}: {change.command}")


@dataclass(frozen=True)
class Found:
    """The flag as it was found: in effect or not, and its variable (None: unset)."""

    on: bool
    variable: str | None

    @classmethod
    def look(cls, there: Place) -> Found:
        said, settings = there.backend.flag(), there.target.flag
        if said.get("enabled") and float(said.get("percent") or ALL) < ALL:
            raise Refused(
                f"The flag is on for {said['percent']:g} %: a canary is under way there.",
                expected="the flag off, or on for everything.",
                why="Turning it off and on for everything is not what those users were promised.",
                todo="Compare somewhere else, or after the rollback.",
            )
        variable = there.cluster.env(settings.env) if settings.medium == "env" else None
        return cls(bool(said.get("enabled")), variable)

    def put_back(self, there: Place) -> None:
        """Turn it as it was, the very variable too: unset is not the same as false to a file that says on."""
        if there.target.flag.medium != "env":
            turn(there, on=self.on)
            return
        variable = there.cluster.plan_env(there.target.flag.env, self.variable)
        change = flag.FlagChange(self.on, variable, undo_command=variable.command)
        flag.apply(there.cluster, there.backend, change)
        print(f"flag put back {'on' if self.on else 'off'}: {change.command}")


def ended(rows: list[Row]) -> bool:
    passed = sum(row.passed for row in rows)
    print(f"\n{passed} of {len(rows)} lines ran and passed")
    return bool(rows) and passed == len(rows)


def one_path(there: Place, chosen: argparse.Namespace) -> bool:
    wanted = bool(chosen.hera_enabled)
    fault = there.flag_fault(wanted)
    if fault:
        words = f"deployment/{there.target.deployment} {there.target.flag.env}={str(wanted).lower()}"
        print(f"✗ FAIL  the flag is not {'on' if wanted else 'off'}, as asked: {fault}.\nNothing was run. "
              f"Turn it first (kubectl set env {words} -n {there.target.namespace}).")  # fmt: skip
        return False
    return ended(run_path(there, "hera" if wanted else "yaml", chosen.only))


def main(words: list[str] | None = None) -> int:
    chosen = arguments(words)
    try:
        there = place(chosen)
        print(f"backend {there.target.backend_url}, namespace {there.target.namespace}, target {there.target.name}")
        if chosen.compare and not chosen.flip:
            raise Refused(
                "--compare needs both states of the flag.",
                expected="--compare --flip, which turns it off, on, and back to how it was found.",
                todo="Say --flip where that is allowed; else run --hera-disabled, then --hera-enabled.",
            )
        good = compare(there, chosen.only) if chosen.compare else one_path(there, chosen)
    except RolloutError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT if isinstance(error, Refused) else FAILED
    print("PASS" if good else "FAIL")
    return OK if good else FAILED


# --- The same commands by pytest, against the lab ---------------------------------------------------------------------


@pytest.fixture
def lab() -> Iterator[Place]:
    """The lab with the flag in neither medium, before and after."""
    there = Place(Target.load("lab", search=ROOT))
    unset(there)
    yield there
    unset(there)


def unset(there: Place) -> None:
    settings = there.target.flag
    with suppress(Missing):
        there.cluster.connection.delete(f"/api/v1/namespaces/{there.target.namespace}/configmaps/{settings.configmap}")
        file.touch(there.cluster, print)
    Found(on=False, variable=None).put_back(there)
    ends = time.monotonic() + 30
    while set(flag.report(there.cluster, there.backend)["decided_by"]) != {"default"}:
        assert time.monotonic() < ends, "a pod still sees the flag somewhere"
        time.sleep(0.2)


def command(*words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, __file__, *words], cwd=ROOT, capture_output=True, text=True, timeout=590,
                          check=False)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_help_names_the_guides_options(guide: str) -> None:
    code, told = command("--help")
    assert code == OK
    for option in ("--hera-enabled", "--hera-disabled", "--compare", "--api-url", "--namespace"):
        assert option in told
    assert "python tests/test_hera_integration.py --hera-enabled --api-url http://localhost:8000" in guide
    assert "--hera-enabled --api-url http://localhost:8000" in told


@pytest.mark.parametrize(
    "words",
    [(), ("--hera-enabled", "--compare"), ("--hera-enabled", "--flip"), ("--hera-enabled", "--only", "nonsense"),
     ("--hera-enabled", "--target", "nowhere"), ("--hera-enabled", "--api-url", "no address")],
)  # fmt: skip
@pytest.mark.slow
def test_bad_input_is_2_without_a_traceback(words: tuple[str, ...]) -> None:
    code, told = command(*words)
    assert code == BAD_INPUT
    assert "Traceback" not in told


@pytest.mark.live
def test_a_flag_that_is_not_as_asked_fails_before_anything_runs(lab: Place) -> None:
    code, told = command("--hera-enabled", "--api-url", "http://localhost:8000")
    assert code == FAILED
    assert "the flag is not on, as asked" in told
    assert "Nothing was run" in told


@pytest.mark.live
def test_compare_without_flip_says_what_it_needs(lab: Place) -> None:
    code, told = command("--compare", "--api-url", "http://localhost:8000")
    assert code == BAD_INPUT
    assert "--compare --flip" in told


@pytest.mark.live
def test_compare_leaves_a_canary_alone(lab: Place) -> None:
    flag.apply(lab.cluster, lab.backend, flag.plan(lab.cluster, enabled=True, percent=10.0, medium="configmap"))
    code, told = command("--compare", "--flip", "--api-url", "http://localhost:8000")
    assert code == BAD_INPUT
    assert "The flag is on for 10 %: a canary is under way there" in told
    assert set(flag.report(lab.cluster, lab.backend)["percent"]) == {10.0}


@pytest.mark.live
def test_a_backend_that_is_not_there_is_2(lab: Place) -> None:
    code, told = command("--hera-disabled", "--api-url", "http://127.0.0.1:9")
    assert code == BAD_INPUT
    assert "Traceback" not in told


@pytest.mark.live
def test_all_by_yaml_with_the_flag_off(lab: Place) -> None:
    code, told = command("--hera-disabled", "--api-url", "http://localhost:8000", "--namespace", "argo")
    assert code == OK, told
    assert f"{len(SCENARIOS) + len(INTEGRATION)} of {len(SCENARIOS) + len(INTEGRATION)} lines ran and passed" in told
    assert told.count("path=yaml, proven") == len(SCENARIOS)


@pytest.mark.live
def test_the_two_paths_compared_with_the_flag_left_as_found(lab: Place) -> None:
    code, told = command("--compare", "--flip", "--api-url", "http://localhost:8000", "--only", "simple,dependencies")
    assert code == OK, told
    assert told.count("mean the same") == 2
    assert told.count("path=hera, proven") == 2
    assert not lab.flag_fault(wanted=False)
    assert lab.cluster.env("USE_HERA_SDK") is None


if __name__ == "__main__":
    sys.exit(main())
