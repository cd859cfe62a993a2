"""The success rate against a limit: failures of workflows, each counted once, in the order they were submitted."""

from dataclasses import dataclass, field
from functools import cached_property
from math import log

from scipy.special import expit, logit

from hera_rollout.errors import Refused
from hera_rollout.gates.accumulating import counted, same_revision
from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.assessments import Assessment, decided, first_true, wait
from hera_rollout.gates.checks import Verdict
from hera_rollout.gates.mixtures import FAIL_POINTS, PASS_POINTS, Mixture, at_limit, log_evidence


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Sufficient statistics of workflow outcomes (:mod:`hera_rollout.gates.settling` makes them).

    Attributes:
        code_revision: what code the workflows ran on.
        workflows: settled ones: every one submitted before them is settled too.
        failures: how many of those failed or passed their deadline.
        ahead: submitted after the first unsettled one, settled or not.
        ahead_failures: how many of those have failed already.
    """

    code_revision: str
    workflows: int = 0
    failures: int = 0
    ahead: int = 0
    ahead_failures: int = 0

    def __post_init__(self) -> None:
        counted(workflows=self.workflows, failures=self.failures, ahead=self.ahead, ahead_failures=self.ahead_failures)
        if self.failures > self.workflows or self.ahead_failures > self.ahead:
            raise Refused(f"More failures than workflows: {self}.")

    def __add__(self, other: "Outcomes") -> "Outcomes":
        return Outcomes(
            code_revision=same_revision(self, other),
            workflows=self.workflows + other.workflows,
            failures=self.failures + other.failures,
            ahead=self.ahead + other.ahead,
            ahead_failures=self.ahead_failures + other.ahead_failures,
        )

    @property
    def settled(self) -> "Outcomes":
        """Without what is ahead: what a state keeps, for the next look counts what is ahead again."""
        return Outcomes(code_revision=self.code_revision, workflows=self.workflows, failures=self.failures)


@dataclass(frozen=True, kw_only=True)
class SuccessRate:
    """The gate "failures stay below the limit" (the guide: workflow success above 99 %, so a limit of 1 %).

    Attributes:
        limit: the highest failure rate that is still good.
        alpha: this gate's budget.
        pass_points: alternatives below the limit and their weights; design B moved to this limit if empty.
        fail_points: alternatives above the limit and their weights; likewise.
    """

    limit: float = 0.01
    alpha: Alpha = field(default_factory=Alpha)
    pass_points: Mixture = ()
    fail_points: Mixture = ()

    def __post_init__(self) -> None:
        if not 0 < self.limit < 1:
            raise Refused(f"A failure limit of {self.limit!r} cannot be tested.", expected="above 0 and below 1.")
        below = all(0 < point < self.limit for point, _ in self.pass_points)
        above = all(self.limit < point < 1 for point, _ in self.fail_points)
        if not (below and above and all(weight > 0 for _, weight in (*self.pass_points, *self.fail_points))):
            raise Refused(
                f"The gate's alternatives do not fit its limit {self.limit}.",
                expected="pass_points between 0 and the limit, fail_points between the limit and 1, weights above 0.",
                why="A point on the wrong side of the limit makes the test invalid.",
            )

    @cached_property
    def passing(self) -> Mixture:
        """The alternatives that PASS bets on."""
        return self.pass_points or at_limit(PASS_POINTS, self.limit)

    @cached_property
    def failing(self) -> Mixture:
        """The alternatives that FAIL bets on."""
        return self.fail_points or at_limit(FAIL_POINTS, self.limit)

    def log_for(self, workflows: float, failures: float) -> float:
        """Log e-value for PASS: against every rate at or above the limit."""
        return float(log_evidence(self.passing, self.limit, workflows, failures))

    def log_against(self, workflows: float, failures: float) -> float:
        """Log e-value for FAIL: against every rate at or below the limit."""
        return float(log_evidence(self.failing, self.limit, workflows, failures))

    def assess(self, seen: Outcomes, per_second: float = 0.0) -> Assessment:
        """Judge what was seen. PASS rests on settled workflows; FAIL may count unsettled ones as successes.

        The e-process for FAIL rises with each failure, so with unsettled ones as successes it is never above its true
        value in submission order: reading it there cannot raise a false alarm, and it need not wait for a straggler.
        """
        n, k = seen.workflows, seen.failures
        pro, contra = self.log_for(n, k), self.log_against(n, k)
        contra = max(contra, self.log_against(n + seen.ahead, k + seen.ahead_failures))
        verdict = decided(pro, contra, self.alpha)
        more = self._more(n, k) if verdict is Verdict.HOLD else 0.0
        low, high = self.interval(n, k) if n else (None, None)
        return Assessment(
            verdict=verdict, unit="workflows", have=n, needed=None if more is None else n + more,
            seconds=0.0 if verdict is not Verdict.HOLD else wait(more, per_second), log_for=pro, log_against=contra,
            alpha=self.alpha, estimate=k / n if n else None, low=low, high=high, limit=self.limit,
        )  # fmt: skip

    def interval(self, workflows: int, failures: int) -> tuple[float, float]:
        """A confidence sequence for the failure rate: the limits that these very tests would not reject.

        Its upper end covers the true rate at every look at once at ``1 - alpha.passing``, its lower end at
        ``1 - alpha.failing``; the gate says PASS when the upper end is below the limit, FAIL when the lower is above
        (duality of tests and confidence sequences: Darling and Robbins, PNAS 58, 1967).
        """
        from scipy.optimize import brentq

        def rejected(odds: float, points: Mixture, alpha: float) -> float:
            limit = float(expit(odds))
            moved = at_limit(points, limit, made_for=self.limit)
            return float(log_evidence(moved, limit, workflows, failures)) + log(alpha)

        middle = float(logit(min(max(failures / workflows, 1e-9), 1 - 1e-9)))
        ends = ((-30.0, self.failing, self.alpha.failing), (30.0, self.passing, self.alpha.passing))
        found = [
            float(expit(brentq(rejected, middle, end[0], args=end[1:]))) if rejected(*end) > 0 else float(end[0] > 0)
            for end in ends
        ]
        return found[0], found[1]

    def _more(self, n: int, k: int) -> float | None:
        """How many more decide, if they fail at the share seen so far (none, if there is nothing yet)."""
        share = k / n if n else 0.0

        def decides(more: float) -> bool:
            counts = n + more, k + share * more
            return decided(self.log_for(*counts), self.log_against(*counts), self.alpha) is not Verdict.HOLD

        return first_true(decides)
