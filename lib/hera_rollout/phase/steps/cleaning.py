"""The flag leaves the service's source: what would change, who approved it, and a branch with the tests' word."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from hera_rollout import cleanup, display
from hera_rollout.cleanup import CleanupPlan
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.gates import judge, rules
from hera_rollout.parameters import CleanupParameters
from hera_rollout.phase.spine import Phase

PLAN, APPLIED = "cleanup plan", "cleanup applied"
LEFT, SUITE, BRANCH, SIZE, DOCUMENTS = "places left", "tests of the service", "branch", "code size", "documentation"
LONGEST_DIFF: Final = 60_000
"""Characters of the diff that are shown; the branch has it all."""


def given(phase: Phase) -> CleanupParameters:
    """This notebook's parameters."""
    if not isinstance(phase.parameters, CleanupParameters):
        raise AssertionError("a step of notebook 05")
    return phase.parameters


def plan_cleanup(phase: Phase) -> None:
    """Find every place that names the flag, and show what would become of it. Nothing is written.

    Raises:
        PhaseOnHold: no repository was named, or places would be left that nothing allows.
        Refused: it is no git repository, or a file of it cannot be read.
    """
    made = _plan(phase)
    phase.memory[PLAN] = made
    display.table(cleanup.inventory(made), f"Where {made.subject.flag} is, and what becomes of it", command="")
    left = made.open_places
    phase.check(judge(
        name=LEFT, rule=rules.withheld if left else rules.holds,
        evidence={"holds": not left, "places": [asdict(one) for one in left], "digest": made.digest,
                  "edits": [edit.file for edit in made.edits], "allowed": dict(made.allowed)},
        seen=f"{len(made.edits)} files would change, {len(made.removals)} of them go; "
        + (f"{len(left)} places would still name {made.subject.flag}, the first: {left[0]}" if left
           else f"nothing would still name {made.subject.flag} but {len(made.left)} places that are allowed"),
        expected="no place left but those that the parameter `allowed` lets be, each with its reason",
        limit_source="kit", why="A flag that is half gone is worse than one that is there.",
        todo="Mend them by a patch (mends), state a fact (facts), or allow them with a reason." if left else "",
    ))  # fmt: skip
    phase.stop_on_hold("Places would be left; nothing was changed.")


def _plan(phase: Phase) -> CleanupPlan:
    asked = given(phase)
    if not asked.repository:
        raise Refused("No repository was named.", expected="the folder of the service's git repository",
                      todo="Set the parameter repository, then run again; nothing was touched.")  # fmt: skip
    mends = Path(asked.mends).read_text(encoding="utf-8") if asked.mends else ""
    return cleanup.plan(Path(asked.repository), phase.target.flag.env, facts=asked.facts, allowed=asked.allowed,
                        templates=asked.templates, mends=mends)  # fmt: skip


def preview(phase: Phase) -> None:
    """The whole change as a diff, the code's size before and after, and the documents a person has to change."""
    made: CleanupPlan = phase.memory[PLAN]
    text = made.diff()
    shown = text if len(text) <= LONGEST_DIFF else f"{text[:LONGEST_DIFF]}\n… the branch has the rest"
    display.diff(shown, f"The change, plan {made.digest}", command="git diff")
    sizes = cleanup.sizes(made)
    display.table(sizes, "Lines of code and cyclomatic complexity, before and after", command="radon raw; radon cc")
    total = {str(name): int(value) for name, value in sizes.iloc[-1].items() if name != "file"}
    phase.check(judge(
        name=SIZE, rule=rules.holds, evidence={"holds": total["lines after"] <= total["lines before"], **total},
        seen=f"{total['lines before']} → {total['lines after']} lines, complexity {total['complexity before']} → "
        f"{total['complexity after']}",
        expected="no more code than before", limit_source="guide", why="Cleanup removes code.",
    ))  # fmt: skip
    documents = cleanup.documentation(made)
    display.table(documents, "Documents that a person changes", command="")
    phase.check(judge(
        name=DOCUMENTS, rule=rules.holds, evidence={"holds": True, "documents": documents["file"].tolist()},
        seen=f"{len(documents)} places in documents name the flag; each is listed, and allowed with a reason",
        expected="every document that names the flag is listed", limit_source="guide",
    ))  # fmt: skip


async def remove_flag(phase: Phase) -> None:
    """With an approval of exactly this change: a branch of the repository, between two runs of the service's tests.

    Raises:
        PhaseFailed: the service's tests fail on the cleaned source: the branch is gone again.
        PhaseOnHold: nobody approved.
        Refused: the tree is dirty, the branch is there, or the tests fail before anything was changed.
    """
    made: CleanupPlan = phase.memory[PLAN]
    tests = given(phase).tests or phase.target.commands.tests
    if not tests:
        raise Refused("The service's tests are not known.", expected="a command that runs them",
                      todo="Set the parameter tests, or commands.tests of the target.")  # fmt: skip
    if phase.dry_run:
        display.note(
            f"Dry run: would ask for an approval of plan {made.digest}, make a branch, and run `{tests}` twice"
        )
        return
    kept = phase.once(APPLIED, dict) if phase.done(APPLIED) else await _applied(phase, made, tests)
    for name, run in (("before", kept["before"]), ("after", kept["after"])):
        display.note(f"Tests {name}: `{run['command']}` exit code {run['exit_code']} after {run['seconds']:.0f} s")
    phase.check(judge(
        name=SUITE, rule=rules.holds, evidence={"holds": kept["after"]["exit_code"] == 0, **kept},
        seen=f"passed before and after ({kept['after']['tail'].splitlines()[-1]})",
        expected="the service's own tests pass before and after", limit_source="guide",
    ))  # fmt: skip
    phase.check(judge(
        name=BRANCH, rule=rules.holds, evidence={"holds": True, "branch": kept["branch"], "commit": kept["commit"]},
        seen=f"branch {kept['branch']}, commit {kept['commit'][:12]} on {kept['base'][:12]}; what was checked out is "
        "as it was", expected="one commit on a branch of its own, and nothing left that names the flag",
        limit_source="kit",
    ))  # fmt: skip


async def _applied(phase: Phase, made: CleanupPlan, tests: str) -> dict[str, Any]:
    approval = await phase.approved(what=f"remove {made.subject.flag}, plan {made.digest}")
    yes = cleanup.Approval(approval.approver, approval.reason, made.digest)
    try:
        done = cleanup.apply(made, yes, tests=tests, branch=given(phase).branch or None)
    except Refused:
        raise
    except RolloutError as error:
        phase.check(judge(
            name=SUITE, rule=rules.holds, evidence={"holds": False, "error": error.seen}, seen=error.seen,
            expected="the service's own tests pass before and after", limit_source="guide",
            why="What the service's own tests do not let pass is not deployed.", todo=error.todo,
        ))  # fmt: skip
        phase.stop_on_fail("No branch was kept and nothing was deployed.")
        raise
    kept = asdict(done)
    phase.once(APPLIED, lambda: kept)
    return kept
