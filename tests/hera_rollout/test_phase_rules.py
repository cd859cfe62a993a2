"""The rules of a verdict that need no cluster: what is judged, what is missing, what a path proves."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from hera_rollout.backend import SCENARIOS, ScenarioResult
from hera_rollout.errors import DeadlineExceeded
from hera_rollout.gates import Verdict, rules
from hera_rollout.phase.criteria import PLANS, criterion_of, following, unjudged
from hera_rollout.phase.spine import error_evidence
from hera_rollout.phase.steps import proving, testing

NAMES = list(SCENARIOS)


def result(name: str, *, passed: bool = True, path: str = "hera", how: str = "proven") -> ScenarioResult:
    return ScenarioResult(
        name=name, title=name, passed=passed, seen="done" if passed else "broke", expected="done", todo="look",
        workflows=[f"python-job-{name}"], path=path, provenance=how, seconds=1.0, timings={},
    )  # fmt: skip


def test_a_scenario_whose_path_alone_cannot_be_told_is_hold_and_one_that_broke_is_not() -> None:
    good = [result(name) for name in NAMES]
    doubt = replace(good[0], passed=False, path="", provenance="unproven", in_doubt=True)
    assert testing.all_passed([doubt, *good[1:]], "scenarios", NAMES).verdict is Verdict.HOLD
    assert (
        testing.all_passed([doubt, result(NAMES[1], passed=False), *good[2:]], "scenarios", NAMES).verdict
        is Verdict.FAIL
    )
    assert testing.all_passed([doubt], "scenarios", NAMES).verdict is Verdict.FAIL, "the others did not run"


def test_the_criteria_are_the_guides_own_words(guide: str) -> None:
    assert "Have rollback plan ready" in guide
    for plan in (one for one in PLANS.values() if one.number):
        section = guide.split(f"### Phase {plan.number}:")[1].split("### Phase", maxsplit=1)[0]
        assert plan.goal in section
        listed = [line.removeprefix("- ✅ ") for line in section.splitlines() if line.startswith("- ✅ ")]
        if listed:
            assert [criterion.words for criterion in plan.criteria] == listed
            continue
        # Phase 5 has steps, and no criteria: each step is one, and what more there is stands elsewhere in the guide.
        steps = [found.rstrip(":") for found in re.findall(r"^\d\. (.+)$", section, re.MULTILINE)][:4]
        assert [one.words for one in plan.criteria if one.words in steps] == steps
        assert [one.words for one in plan.criteria if one.words not in guide] == []


def test_a_criterion_nothing_judged_is_named_with_the_checks_that_are_missing() -> None:
    plan = PLANS["01_dev_testing"]
    every = {check for criterion in plan.criteria for check in criterion.checks}
    assert unjudged(plan, every) == []
    ((criterion, missing),) = unjudged(plan, every - {"parity"})
    assert criterion.words == "Feature parity with current implementation"
    assert missing == ["parity"]
    assert criterion_of(plan, "provenance") == "Workflows execute successfully"


@pytest.mark.parametrize(
    ("notebook", "untrue"),
    [("02_staging", "commit the overlay"), ("03_canary", "stands at 100 %"), ("04_production", "runs by Hera")],
)
def test_what_comes_next_is_true_also_where_the_run_took_the_flag_back(notebook: str, untrue: str) -> None:
    plan = PLANS[notebook]
    assert following(plan, taken_back=False) == plan.then
    told = following(plan, taken_back=True)
    assert untrue in plan.then
    assert told.index("the flag is off again") < told.index("again without rollback") < told.index(untrue)


def test_phase_1_goes_on_with_the_flag_off_as_with_it_on() -> None:
    assert following(PLANS["01_dev_testing"], taken_back=True) == PLANS["01_dev_testing"].then


@pytest.mark.parametrize(
    ("names", "broken", "verdict"),
    [(NAMES, "", "PASS"), (NAMES, "cancel", "FAIL"), (["simple"], "", "HOLD"), (["simple"], "simple", "FAIL")],
)
def test_scenarios_pass_only_when_every_one_ran_and_passed(names: list[str], broken: str, verdict: str) -> None:
    results = [result(name, passed=name != broken) for name in names]
    check = testing.all_passed(results, "baseline", names)
    assert check.verdict == verdict
    assert not broken or f"{broken}: broke" in check.seen


def test_a_scenario_that_was_asked_for_and_did_not_run_fails() -> None:
    assert testing.all_passed([result("simple")], "baseline", NAMES).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("path", "how", "verdict"),
    [
        ("hera", "proven", "PASS"),
        ("yaml", "proven", "FAIL"),
        ("hera", "contradicted", "FAIL"),
        ("hera", "inferred", "HOLD"),
        ("", "unproven", "HOLD"),
    ],
)
def test_provenance_wants_hera_proven_on_every_workflow(path: str, how: str, verdict: str) -> None:
    frame = proving.provenance_frame([("yaml", result("a", path="yaml")), ("hera", result("b", path=path, how=how))])
    check = proving.provenance_check(frame, "")
    assert check.verdict == verdict
    if path == "yaml":
        assert "1 of 1 made with the flag on carry path=yaml" in check.seen
        assert "python-job-b" in check.seen


def test_provenance_without_a_workflow_is_not_pass() -> None:
    frame = proving.provenance_frame([("yaml", result("a", path="yaml"))])
    assert proving.provenance_check(frame, "").verdict is Verdict.HOLD
    assert isinstance(frame, pd.DataFrame)


def test_an_error_keeps_its_four_parts_for_the_record() -> None:
    error = DeadlineExceeded("seen", seconds=3, expected="wanted", why="because", todo="next")
    assert error_evidence(error) == {
        "error": "DeadlineExceeded", "seen": "seen", "expected": "wanted", "why": "because", "todo": "next",
    }  # fmt: skip
    assert error._render_traceback_() == [
        "DeadlineExceeded: seen\nExpected: wanted\nWhy it matters: because\nWhat to do: next"
    ]


def test_parity_wants_the_same_result_of_every_scenario() -> None:
    pairs = [(result(name), result(name)) for name in NAMES]
    assert proving.parity_check(pairs).verdict is Verdict.PASS
    assert proving.parity_check(pairs[:2]).verdict is Verdict.HOLD
    check = proving.parity_check([*pairs[1:], (result("simple"), result("simple", passed=False))])
    assert check.verdict is Verdict.FAIL
    assert "differing: simple" in check.seen


def test_every_rule_gives_the_verdict_again_from_plain_json() -> None:
    pairs = [(result(name), result(name)) for name in NAMES]
    made = [("yaml", result("a", path="yaml")), ("hera", result("b"))]
    checks = [
        proving.parity_check(pairs),
        proving.provenance_check(proving.provenance_frame(made), ""),
        testing.all_passed([result(name) for name in NAMES], "baseline", NAMES),
    ]
    for check in checks:
        kept = json.loads(json.dumps(check.as_dict()))
        assert rules.RULES[kept["rule"]](kept["evidence"]) == kept["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("pods", "verdict"),
    [
        ([], "HOLD"),
        ([{"enabled": "True", "hera_import": "ok"}], "PASS"),
        ([{"enabled": "True", "hera_import": "ok"}, {"enabled": "False", "hera_import": "ok"}], "FAIL"),
        ([{"enabled": "True", "hera_import": "cannot import name 'x'"}], "FAIL"),
    ],
)
def test_a_flag_is_in_effect_only_if_every_pod_says_so(pods: list[dict[str, str]], verdict: str) -> None:
    assert rules.flag_reported({"wanted": True, "pods": pods}) == verdict
