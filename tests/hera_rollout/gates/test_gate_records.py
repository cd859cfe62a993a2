"""A verdict can be computed again from a record's JSON alone; what does not belong there is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hera_rollout.errors import Refused
from hera_rollout.gates import (
    Alpha,
    Durations,
    Errors,
    Moments,
    NoIncrease,
    NotMore,
    NotSlower,
    Outcomes,
    RungShare,
    SampleRatio,
    Shares,
    Stratum,
    SuccessRate,
    Verdict,
    Windows,
    assess,
    evidence_of,
    look,
    plain,
    rules,
    statistics,
)
from hera_rollout.gates.judging import KINDS, settings

ALPHA = Alpha(passing=0.05, failing=0.0125)
STRATUM = Stratum(percent=10, hera=Moments.of_logs([3.1, 4.7] * 40), yaml=Moments.of_logs([3.0, 4.9] * 300))
CASES: list[tuple[str, Any, Any]] = [
    ("success_rate", SuccessRate(alpha=ALPHA), Outcomes(code_revision="r1", workflows=700, failures=2, ahead=3)),
    ("success_rate", SuccessRate(pass_points=((0.001, 0.3), (0.1 / 30, 0.7))), Outcomes(code_revision="r1")),
    ("not_slower", NotSlower(alpha=ALPHA), Durations(code_revision="r1", strata=(STRATUM,))),
    ("not_more", NotMore(increase=0.2), Windows.of("r1", [(1.0, 1.1), (1.2, 1.0), (0.7, 0.9)] * 5)),
    ("no_increase", NoIncrease(), Errors.between("r1", (103, 897), (3, 7)) + Errors.between("r1", (10, 10), (1, 0))),
    ("sample_ratio", SampleRatio(), Shares(code_revision="r1", rungs=(RungShare(percent=10, tasks=90, hera=7),))),
]


@pytest.mark.parametrize(
    ("kind", "gate", "seen"), CASES, ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)]
)
def test_json_and_back_gives_the_same_objects_and_the_same_assessment(kind: str, gate: Any, seen: Any) -> None:
    evidence = evidence_of(gate, seen, per_second=0.37)
    again = json.loads(json.dumps(evidence, allow_nan=False))
    assert again == evidence
    assert settings(kind, again["gate"]) == gate
    assert statistics(kind, again["seen"]) == seen
    assert assess(kind, again) == gate.assess(seen, 0.37)
    json.dumps(assess(kind, again).as_dict(), allow_nan=False)
    check = look(name="x", gate=gate, seen=seen, per_second=0.37)
    assert check.rule == kind
    verdict = Verdict.PASS if kind == "not_slower" else Verdict.HOLD  # the one case with enough evidence
    assert (check.verdict, rules.RULES[kind](json.loads(json.dumps(check.as_dict()))["evidence"])) == (verdict, verdict)


def test_every_gate_has_its_rule_by_name() -> None:
    assert set(KINDS) | {"leave_rung", "conclude_ladder"} <= set(rules.RULES)
    assert all(rules.RULES[name].__name__ == name and rules.RULES[name].__doc__ for name in rules.RULES)


def test_what_was_tampered_with_or_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="bonus: there is no such field"):
        statistics("success_rate", {"code_revision": "r1", "bonus": 1})
    with pytest.raises(Refused, match="workflows: Input should be a valid integer"):
        statistics("success_rate", {"code_revision": "r1", "workflows": "many"})
    with pytest.raises(Refused, match="code_revision: Field required"):
        statistics("no_increase", {"hera": 1})
    with pytest.raises(Refused, match="More failures"):
        statistics("success_rate", {"code_revision": "r1", "workflows": 1, "failures": 2})


def test_an_impossible_split_is_still_json() -> None:
    seen = Shares(code_revision="r1", rungs=(RungShare(percent=100, tasks=5, hera=4),))
    found = SampleRatio().assess(seen)
    json.dumps(found.as_dict() | plain(seen), allow_nan=False)


COUNT = st.one_of(st.integers(0, 5), st.integers(0, 10**7))
MOMENTS = st.builds(
    lambda n, mean, squares: Moments(n=n, mean=mean, squares=squares) if n else Moments(),
    COUNT, st.floats(-9, 9), st.sampled_from([0.0, 1.0, 1e6]),
)  # fmt: skip
PERCENT = st.sampled_from([0, 0.01, 10, 50, 99.99, 100])
ANYTHING = st.one_of(
    st.tuples(
        st.builds(SuccessRate, limit=st.sampled_from([1e-4, 0.01, 0.3, 0.9])),
        st.builds(lambda k, n: Outcomes(code_revision="r1", workflows=n + k, failures=k), COUNT, COUNT),
    ),
    st.tuples(
        st.just(NotSlower()),
        st.builds(
            lambda hera, yaml: Durations(code_revision="r1", strata=(Stratum(percent=10, hera=hera, yaml=yaml),)),
            MOMENTS, MOMENTS,
        ),
    ),
    st.tuples(st.just(NotMore()), st.builds(lambda moments: Windows(code_revision="r1", log_ratios=moments), MOMENTS)),
    st.tuples(
        st.just(NoIncrease()),
        st.builds(lambda a, b, c, d: Errors.between("r1", (a, b), (c, d)), COUNT, COUNT, COUNT, COUNT),
    ),
    st.tuples(
        st.just(SampleRatio()),
        st.builds(
            lambda percent, hera, others: Shares(
                code_revision="r1", rungs=(RungShare(percent=percent, tasks=hera + others, hera=hera),)
            ),
            PERCENT, COUNT, COUNT,
        ),
    ),
)  # fmt: skip


@given(ANYTHING, st.sampled_from([0.0, 1e-6, 5.0]))
@pytest.mark.filterwarnings("error")
def test_whatever_was_counted_the_answer_is_plain_json_and_hangs_together(case: tuple[Any, Any], pace: float) -> None:
    gate, seen = case
    found = gate.assess(seen, pace)
    json.dumps(found.as_dict(), allow_nan=False)
    assert found.low is None or found.low <= found.estimate <= found.high
    assert found.needed is None or found.needed >= found.have
    assert found.seconds is None or found.seconds >= 0
    if found.verdict is not Verdict.HOLD:
        assert (found.needed, found.seconds) == (found.have, 0)
        assert found.have > 0
    if pace == 0.0 and found.verdict is Verdict.HOLD:
        assert found.seconds is None
