"""The phase's error budget over its gates: false FAILs add up to it, and a phase seldom concludes wrongly."""

import pytest

from hera_rollout.errors import Refused
from hera_rollout.gates import Alpha, Outcomes, SuccessRate
from hera_rollout.gates.alpha import split
from hera_rollout.gates.rehearsal import Boundary, Crossing

GATES = ["success", "durations", "errors", "resources", "split"]


def test_shares_of_false_fails_add_up_to_the_budget() -> None:
    even = split(GATES)
    assert sum(alpha.failing for alpha in even.values()) == pytest.approx(0.05)
    assert {alpha.passing for alpha in even.values()} == {0.05}
    weighed = split(GATES, total=0.1, weights={"success": 6})
    assert weighed["success"].failing == pytest.approx(0.06)
    assert weighed["split"].failing == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("gates", "weights"), [([], None), (["a", "a"], None), (["a"], {"b": 1.0}), (["a", "b"], {"a": 0.0})]
)
def test_a_budget_that_cannot_be_split_is_refused(gates: list[str], weights: dict[str, float] | None) -> None:
    with pytest.raises(Refused, match="cannot be split"):
        split(gates, weights=weights)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1])
def test_an_alpha_that_cannot_be_is_refused(value: float) -> None:
    with pytest.raises(Refused, match="alpha"):
        Alpha(failing=value)


def test_a_phase_of_five_gates_keeps_its_budget_for_both_mistakes() -> None:
    # Exact, with every gate at its limit, where mistakes are likeliest, over 3,000 looks; whatever the gates share.
    budget = split(GATES)["success"]
    crossing = Crossing.exact(Boundary.of(SuccessRate(alpha=budget), 3_000), 0.01)
    assert 5 * crossing.failed.sum() <= 0.05
    assert crossing.passed.sum() <= 0.05
    # Split over the gates as well, PASS would cost workflows and win nothing.
    strict = SuccessRate(alpha=Alpha(passing=0.01, failing=0.01))
    needed = [gate.assess(Outcomes(code_revision="r1")).needed for gate in (SuccessRate(alpha=budget), strict)]
    assert needed[1] > needed[0] * 1.3
