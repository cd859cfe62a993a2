"""What a watch of production says: each fault by its own check, nothing passed unseen, never 48 hours by seconds."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from math import log

import pytest

from hera_rollout.canary import Rung
from hera_rollout.canary.judging import ERRORS, EXECUTION, LOGS, PLACED, RESPONSE, SUCCESS
from hera_rollout.gates import Errors, Moments, Outcomes, Stratum, Verdict, rules
from hera_rollout.phase.criteria import STABLE_WORDS, planned, unjudged
from hera_rollout.production import Baseline, Deployed, Pods, Spells, Watch, checks, decided
from hera_rollout.production.judging import CREATIONS, DRIFT, MEMORY, PODS, SIGHT, STABLE, span
from hera_rollout.target import Limits

T0 = datetime(2026, 11, 28, 12, tzinfo=UTC)
NOW = T0.timestamp() + 200_000
LIMITS = Limits(burn_in=10)
UP = {"name": "backend-1", "ready": True, "blocked": "", "restarts": 0}


def moments(seconds, n=2_000):
    """So many values around one, with a spread of a tenth."""
    return Moments(n=n, mean=log(seconds), squares=n * 0.01)


def healthy(**changes):
    """Production that is as good as it was before."""
    rung = Rung.begin(100, "code-1", T0)
    rung = replace(
        rung,
        hera=replace(rung.hera, outcomes=Outcomes(code_revision="code-1", workflows=5_000, failures=2),
                     seconds=moments(20)),
        answers=Stratum(percent=100, hera=moments(0.05)),
        errors=Errors(code_revision="code-1", hera=5_000), submissions=5_000, created=5_000,
    )  # fmt: skip
    baseline = Baseline(source="a test", execution=moments(20), answers=moments(0.05), submissions=5_000,
                        log_submissions=5_000, requests=20_000, memory=100e6)  # fmt: skip
    watch = Watch(rung=rung, baseline=baseline, spells=Spells(((T0.timestamp(), NOW),)), requests=20_000,
                  pods=Pods(rows=(UP,)), memory=105e6)  # fmt: skip
    return replace(watch, **changes)


def by_name(watch, limits=LIMITS):
    return {check.name: check for check in checks(watch, limits, NOW)}


def test_healthy_production_passes_every_check_and_the_watch_is_over():
    found = by_name(healthy())
    assert {name: check.verdict for name, check in found.items() if check.verdict is not Verdict.PASS} == {}
    assert decided(found.values())
    assert unjudged(planned("04_production", LIMITS), {*found, "user-reported issues", "orphans"}) == []


def rung_with(**changes):
    return {"rung": replace(healthy().rung, **changes)}


def failing():
    hera = healthy().rung.hera
    bad = Outcomes(code_revision="code-1", workflows=5_000, failures=300)
    return {
        SUCCESS: rung_with(hera=replace(hera, outcomes=bad)),
        EXECUTION: rung_with(hera=replace(hera, seconds=moments(30))),
        RESPONSE: rung_with(answers=Stratum(percent=100, hera=moments(0.5))),
        ERRORS: {"errors": 2_000},
        CREATIONS: rung_with(errors=Errors.between("code-1", (5_000, 0), (500, 0))),
        LOGS: rung_with(log_errors=800),
        PLACED: rung_with(misplaced=("python-job-1 (yaml)",), misplaced_count=1),
        MEMORY: {"memory": 180e6},
        PODS: {"pods": Pods(rows=(UP | {"restarts": 2},))},
    }


@pytest.mark.parametrize("name", list(failing()))
def test_each_fault_fails_its_own_check_and_ends_the_watch(name):
    found = by_name(healthy(**failing()[name]))
    assert [one for one, check in found.items() if check.verdict is Verdict.FAIL] == [name]
    assert decided(found.values())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (SIGHT, {"missing": ("Prometheus does not answer",)}),
        (PODS, {"pods": Pods(rows=(UP | {"ready": False},))}),
        (MEMORY, {"memory": None}),
        (ERRORS, {"requests": 0}),
        (STABLE, {"spells": Spells(((NOW - 100, NOW),))}),
    ],
)
def test_what_was_not_seen_is_never_passed(name, changes):
    found = by_name(healthy(**changes))
    assert found[name].verdict is Verdict.HOLD
    assert found[name].todo
    assert not decided(found.values())


def test_a_crash_loop_says_so():
    blocked = "backend-1: CrashLoopBackOff: back-off 10s restarting failed container"
    check = by_name(healthy(pods=Pods(rows=(UP | {"blocked": blocked},))))[PODS]
    assert check.verdict is Verdict.FAIL
    assert "CrashLoopBackOff" in check.seen


def test_another_image_ends_the_watch_and_other_replicas_or_a_new_controller_are_noted():
    before = Deployed(image="backend:1", replicas=2, restarts={"a": 0}, controller={"wc": 0})
    other = Deployed(image="backend:2", replicas=3, restarts={"b": 0}, controller={"wc": 1})
    assert before.changes(before) == before.noted(before) == []
    found = by_name(healthy(changes=tuple(before.changes(other)), noted=tuple(before.noted(other))))
    assert found[DRIFT].verdict is Verdict.HOLD
    assert decided(found.values())
    for words in ("backend:1 and is now backend:2", "replicas were 2 and are now 3", "a gone", "controller began anew"):
        assert words in found[DRIFT].seen
    noted = by_name(healthy(noted=tuple(before.noted(replace(other, image="backend:1")))))
    assert noted[DRIFT].verdict is Verdict.PASS
    assert "replicas were 2" in noted[DRIFT].seen


@pytest.mark.parametrize("name", [None, *failing()])
def test_a_record_is_judged_again_as_the_watch_was(name):
    found = by_name(healthy(**(failing()[name] if name else {})))
    again = {one: rules.RULES[check.rule](json.loads(json.dumps(check.evidence))) for one, check in found.items()}
    assert again == dict.fromkeys(found, Verdict.PASS) | ({name: Verdict.FAIL} if name else {})


def test_seconds_are_never_called_48_hours():
    short = Limits.model_validate({"stable_seconds": 30})
    short._owner = "lab"
    watch = healthy(spells=Spells(((NOW - 31, NOW),)))
    assert by_name(watch)[STABLE].verdict is Verdict.HOLD
    found = by_name(watch, short)[STABLE]
    assert found.verdict is Verdict.PASS
    assert "watched for 31 s in 1 spell; the guide asks for 48+ hours: 30 s is a deviation of target lab" in found.seen
    plan = planned("04_production", short)
    assert "to be watched for 30 s (the guide asks for 48+ hours: 30 s is a deviation of target lab)" in plan.title
    words = [one.words for one in plan.criteria]
    assert STABLE_WORDS not in words
    assert any("deviation of target lab" in one for one in words)
    assert STABLE_WORDS in [one.words for one in planned("04_production", LIMITS).criteria]


def test_looks_an_hour_apart_are_one_spell_and_a_night_without_one_does_not_count():
    spells = Spells()
    for hour in (0, 1, 2, 3):
        spells = spells.looked(hour * 3_600.0, 7_200)
    assert (len(spells.spells), spells.seconds, spells.gaps()) == (1, 3 * 3_600, 0)
    spells = spells.looked(20 * 3_600.0, 7_200).looked(21 * 3_600.0, 7_200)
    assert (len(spells.spells), spells.seconds, spells.gaps()) == (2, 4 * 3_600, 17 * 3_600)
    assert Spells.read(json.loads(json.dumps(spells.plain()))) == spells


def test_spells_stay_few_and_lose_no_watched_time():
    spells = Spells()
    for number in range(200):
        spells = spells.looked(number * 1_000.0, 100).looked(number * 1_000.0 + 60, 100)
    assert len(spells.spells) <= 61
    assert spells.seconds == 200 * 60


def test_baseline_and_deployed_come_back_out_of_the_state_as_they_were_kept():
    watch = healthy()
    assert Baseline.read(json.loads(json.dumps(watch.baseline.plain()))) == watch.baseline
    deployed = Deployed(image="backend:1", replicas=2, restarts={"a": 0}, controller={"wc": 0})
    assert Deployed.read(json.loads(json.dumps(deployed.plain()))) == deployed


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(42, "42 s"), (720, "12 min"), (12_000, "3 h 20 min"), (176_400, "2 d 1 h"), (172_800, "2 d")],
)
def test_spans_as_people_say_them(seconds, words):
    assert span(seconds) == words
