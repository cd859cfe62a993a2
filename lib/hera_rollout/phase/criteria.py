"""The success criteria of each phase, in the guide's own words, and the checks each one needs."""

from dataclasses import dataclass, replace
from typing import Final

from hera_rollout.production.judging import beside_the_guide, span
from hera_rollout.target import GUIDE_SETTLED_SECONDS, GUIDE_STABLE_SECONDS, Limits


@dataclass(frozen=True)
class Criterion:
    """One line of the guide's success criteria.

    Attributes:
        words: the guide's words.
        checks: names of the checks that must all have been made before the criterion may be called met.
    """

    words: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What a phase is, as the guide states it.

    Attributes:
        number: 1 to 5; 0 for the drill.
        title: the guide's title of the phase.
        goal: the guide's goal, one sentence.
        criteria: the guide's success criteria.
        then: what comes next once the phase has passed.
        also: what it changes beside the flag's own medium and its test workflows.
        goes_on: whether a HOLD leaves the run open, so that the next one goes on with what it has.
        flag_stays: whether there is a flag at the end that somebody may have changed by hand.
    """

    number: int
    title: str
    goal: str
    criteria: tuple[Criterion, ...]
    then: str
    also: str = ""
    goes_on: bool = False
    flag_stays: bool = True

    @property
    def name(self) -> str:
        """What it is called."""
        return f"Phase {self.number}" if self.number else "Drill"


_INTEGRATION: Final = (
    "integration api",
    "integration database",
    "integration kubernetes",
    "integration logs",
    "integration websocket",
)
_LOGS: Final = ("startup logs", "creation logs", "warning logs", "error logs")

STABLE_WORDS: Final = "Stable for 48+ hours"
SETTLED_WORDS: Final = "Wait for stable period (2-4 weeks)"

PLANS: Final[dict[str, Plan]] = {
    "01_dev_testing": Plan(
        number=1,
        title="Development environment testing",
        goal="Verify Hera SDK works correctly in a controlled environment",
        criteria=(
            Criterion(
                "All tests pass",
                ("flag in effect", *_INTEGRATION, "scenarios with the flag on"),
            ),
            Criterion("No errors in application logs", _LOGS),
            Criterion("Workflows execute successfully", ("workflow from the notebook", "orphans", "provenance")),
            Criterion("Feature parity with current implementation", ("baseline", "parity")),
        ),
        then="Tell the team that phase 1 passed, then take this record to phase 2, staging.",
    ),
    "02_staging": Plan(
        number=2,
        title="Staging environment testing",
        goal="Test in a production-like environment",
        criteria=(
            Criterion(
                "All tests pass in staging",
                (
                    "baseline",
                    "flag in effect",
                    *_INTEGRATION,
                    "scenarios with the flag on",
                    "concurrent submissions",
                    "in flight",
                ),
            ),
            Criterion(
                "No increase in error rates",
                ("error rate", "creation success", "orphans", *_LOGS),
            ),
            Criterion("Performance is equivalent or better", ("execution times", "response times", "cpu", "memory")),
            Criterion(
                "Workflows are functionally equivalent",
                ("provenance", "parity", "manifests", "runs", "evidence after cancel"),
            ),
        ),
        then="Tell the team that phase 2 passed; commit the overlay shown above; then take this record to phase 3.",
        also="turns the flag by its file between windows, if the pods mount it, and puts the file back",
    ),
    "03_canary": Plan(
        number=3,
        title="Canary deployment",
        goal="Test with a small percentage of production traffic",
        criteria=(
            Criterion(
                "Error rates remain stable",
                ("success rate", "error rate", "log errors", "as the split says", "sample ratio"),
            ),
            Criterion("No performance degradation", ("execution times", "response times", "ladder")),
            Criterion("No user-reported issues", ("user-reported issues",)),
        ),
        then="Tell the team that the canary stands at 100 %; then take this record to phase 4, production.",
        also="turns the flag on for a share of the tasks by its file, and off again if a gate says FAIL",
        goes_on=True,
    ),
    "04_production": Plan(
        number=4,
        title="Full production rollout",
        goal="Enable Hera SDK for all production traffic",
        criteria=(
            Criterion(
                STABLE_WORDS, ("stable", "pods stay up", "nothing else changed", "sight", "user-reported issues")
            ),
            Criterion("No increase in errors", ("error rate", "creation success", "log errors")),
            Criterion("Performance maintained", ("execution times", "response times", "memory")),
            Criterion("All workflows executing correctly", ("success rate", "as the split says", "orphans")),
        ),
        then="Tell the team that production runs by Hera; watch on by the alerts; after 2 to 4 weeks phase 5, cleanup.",
        also="turns the flag on for all tasks, and off again if the watch says FAIL and on_fail says rollback",
        goes_on=True,
    ),
    "05_cleanup": Plan(
        number=5,
        title="Cleanup",
        goal="Remove old implementation and feature flag",
        criteria=(
            Criterion(SETTLED_WORDS, ("entry gate", "settled", "old path unused")),
            Criterion("Remove feature flag logic", ("places left", "branch", "no pod with the variable")),
            Criterion("Update documentation", ("documentation",)),
            Criterion("Remove unused imports and code", ("code size",)),
            Criterion(
                "All tests pass",
                ("tests of the service", "deployed", "scenarios with the flag on", "same manifest", "orphans"),
            ),
            Criterion("Faster development cycles", ("developer experience",)),
            Criterion("Document results", ("final report",)),
        ),
        then="Merge the branch; keep the records: they are the rollout's history.",
        also="makes a branch in the service's repository, builds it, and deploys it by the target's commands",
        goes_on=True,
        flag_stays=False,
    ),
    "drill": Plan(
        number=0,
        title="The way back, walked before it is needed",
        goal="Have rollback plan ready",
        criteria=(Criterion("Have rollback plan ready", ("drill",)),),
        then="Take this record to phase 3: its entry gate asks for it.",
        also="turns the flag on and off again under traffic of its own",
    ),
}
"""Every phase by its notebook's name."""


def planned(notebook: str, limits: Limits) -> Plan:
    """A phase as this target walks it: a time shorter than the guide's is in its title and its criterion's words."""
    plan = PLANS[notebook]
    if limits.stable_seconds < GUIDE_STABLE_SECONDS:
        words = f"Stable for {span(limits.stable_seconds)} ({beside_the_guide(limits)})"
        plan = _said(plan, STABLE_WORDS, words, f"to be watched for {words.removeprefix('Stable for ')}")
    if limits.settled_seconds < GUIDE_SETTLED_SECONDS:
        short = f"{span(limits.settled_seconds)} (the guide asks for 2-4 weeks: a deviation of "
        short += f"{limits.source('settled_seconds')})"
        plan = _said(plan, SETTLED_WORDS, f"Wait for stable period of {short}", f"after a stable period of {short}")
    return plan


def _said(plan: Plan, guide: str, words: str, title: str) -> Plan:
    """The plan with other words for one criterion of the guide's; as it is, where it has no such criterion."""
    if all(one.words != guide for one in plan.criteria):
        return plan
    criteria = tuple(replace(one, words=words) if one.words == guide else one for one in plan.criteria)
    return replace(plan, title=f"{plan.title}, {title}", criteria=criteria)


def unjudged(plan: Plan, made: set[str]) -> list[tuple[Criterion, list[str]]]:
    """Criteria that lack a check, with the checks that were never made: a cell that did not run proves nothing."""
    lacking = ((criterion, [name for name in criterion.checks if name not in made]) for criterion in plan.criteria)
    return [(criterion, missing) for criterion, missing in lacking if missing]


def criterion_of(plan: Plan, check: str) -> str:
    """The guide's words that a check stands for; empty for a check of the kit's own."""
    return next((criterion.words for criterion in plan.criteria if check in criterion.checks), "")


def following(plan: Plan, *, taken_back: bool) -> str:
    """What comes next after PASS; from phase 2 on it is another thing where the run turned the flag off again."""
    if not taken_back or plan.number <= 1:
        return plan.then
    return (
        "Tell the team that the flag is off again: this run took it back itself (rollback=True). Run this notebook "
        f"again without rollback before anything else; then: {plan.then}"
    )
