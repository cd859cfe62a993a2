"""A rung is left on no FAIL plus the minimum; the phase concluded on every PASS; the comparison is carried to 100 %."""

from typing import Any

import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import Errors, Outcomes, rules, rung

MINIMUM = {"workflows": 50, "seconds": 600}
ENOUGH = {"workflows": 50, "seconds": 600, "anything": 0}


def leaving(verdicts: dict[str, str], seen: dict[str, float] = ENOUGH, minimum: dict[str, float] = MINIMUM) -> str:
    return rules.RULES["leave_rung"]({"verdicts": verdicts, "seen": seen, "minimum": minimum})


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [({"a": "PASS", "b": "PASS"}, "PASS"), ({"a": "HOLD", "b": "PASS"}, "PASS"), ({"a": "HOLD"}, "PASS"),
     ({"a": "PASS", "b": "FAIL"}, "FAIL"), ({}, "HOLD")],
)  # fmt: skip
def test_a_rung_with_its_minimum_is_left_on_no_fail(verdicts: dict[str, str], verdict: str) -> None:
    assert leaving(verdicts) == verdict


def test_a_rung_without_its_minimum_is_kept_also_if_every_gate_passes() -> None:
    for seen in ({}, {"workflows": 49, "seconds": 9_999}, {"workflows": 9_999, "seconds": 599}):
        assert leaving({"a": "PASS"}, seen) == "HOLD"
        assert leaving({"a": "FAIL"}, seen) == "FAIL"
    assert leaving({"a": "PASS"}, ENOUGH, {}) == "HOLD"  # a minimum has to be stated
    assert rung.missing(MINIMUM, {"workflows": 20, "seconds": 700}) == {"workflows": 30}


def concluding(verdicts: dict[str, str], percent: float = 100, asked: tuple[str, ...] = ("a", "b")) -> str:
    return rules.RULES["conclude_ladder"]({"verdicts": verdicts, "asked": list(asked), "percent": percent})


@pytest.mark.parametrize(
    ("given", "verdict"),
    [({"verdicts": {"a": "PASS", "b": "PASS"}}, "PASS"),
     ({"verdicts": {"a": "PASS", "b": "HOLD"}}, "HOLD"),
     ({"verdicts": {"a": "PASS"}}, "HOLD"),
     ({"verdicts": {"a": "PASS", "b": "PASS"}, "percent": 75}, "HOLD"),
     ({"verdicts": {"a": "PASS", "b": "FAIL"}, "percent": 10}, "FAIL"),
     ({"verdicts": {"a": "PASS", "b": "PASS", "extra": "FAIL"}}, "FAIL"),
     ({"verdicts": {}, "asked": ()}, "HOLD")],
)  # fmt: skip
def test_the_phase_is_concluded_only_on_every_pass_at_the_last_rung(given: dict[str, Any], verdict: str) -> None:
    assert concluding(**given) == verdict


def test_the_comparison_at_one_hundred_percent_is_that_of_the_rungs_before() -> None:
    by_percent = {
        percent: Errors.between("r1", (percent, 100 - percent), (1, 2)) for percent in (0, 10, 25, 50, 75, 100)
    }
    found = rung.comparison(by_percent)
    assert (found.hera, found.yaml) == (160, 240)
    assert found.totals == (4, 8)
    assert rung.comparison({100: by_percent[100]}) is None
    assert rung.comparison({25: Outcomes(code_revision="r1", workflows=3)}).workflows == 3


def test_the_ladder_is_the_guides(guide: str) -> None:
    assert all(f"Day {day}: {percent}%" in guide for day, percent in enumerate(rung.LADDER, start=1))
    assert [rung.next_percent(percent) for percent in (0, 10, 30, 75, 100)] == [10, 25, 50, 100, None]


def test_a_minimum_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="minimum"):
        rung.Minimum(workflows=0)
