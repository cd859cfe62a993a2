"""The flag leaves the service's source: what would change, who approved it, and a branch with the tests' word."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from hera_rollout import display
from hera_rollout.errors import Refused, RolloutError
from hera_rollout.gates import Check, judge, rules
from hera_rollout.parameters import CleanupParameters
from hera_rollout.phase.spine import Phase

if TYPE_CHECKING:
    from hera_rollout.cleanup import Applied, Approval, CleanupPlan

# The cleanup's own packages (LibCST and others) are imported where they are used: what watches in the cluster has none.

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
    from hera_rollout import cleanup

    if not given(phase).repository:
        phase.check(judge(
            name=LEFT, rule=rules.withheld, evidence={"repository": ""}, seen="no repository was named",
            expected="the folder of the service's git repository", limit_source="kit",
            todo="Give it as parameter repository, then run again.",
        ))  # fmt: skip
        phase.stop_on_hold("What there is to clean is not known; nothing was changed.")
    made = planned(given(phase), phase.target.flag.env)
    phase.memory[PLAN] = made
    display.table(cleanup.inventory(made), f"Where {made.subject.flag} is, and what becomes of it",
                  command=f"hera-rollout flag-scan {made.repository} --flag {made.subject.flag}")  # fmt: skip
    phase.check(left_check(made))
    phase.stop_on_hold("Places would be left; nothing was changed.")


def planned(asked: CleanupParameters, flag: str) -> CleanupPlan:
    """The plan that the parameters ask for; nothing is written.

    Raises:
        Missing: there is no such folder.
        Refused: it is no git repository, or one of the files named or of the repository cannot be read.
    """
    from hera_rollout import cleanup

    known = cleanup.known(Path(asked.known)) if asked.known else cleanup.Known()
    return cleanup.plan(Path(asked.repository), flag, facts=known.facts, allowed=known.allowed,
                        templates=asked.templates, mends=_patch(asked.mends))  # fmt: skip


def _patch(name: str) -> str:
    if not name:
        return ""
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The patch {name} cannot be read: {error}.", todo="Correct the parameter mends.") from None


def left_check(made: CleanupPlan) -> Check:
    """HOLD for a place that a person has to see to and that nothing allows."""
    left, flag = made.open_places, made.subject.flag
    allowed = [{"place": f"{one.file}:{one.line}", "reason": made.reason(one)} for one in made.left if one not in left]
    return judge(
        name=LEFT, rule=rules.withheld if left else rules.holds,
        evidence={"holds": not left, "places": [asdict(one) for one in left], "digest": made.digest,
                  "edits": [edit.file for edit in made.edits], "allowed": allowed},
        seen=f"plan {made.digest}: {len(made.edits)} files would change, {len(made.removals)} of them go; "
        + (f"{len(left)} places are left to a person, the first: {left[0]}" if left
           else f"nothing of {flag} would be left but {len(allowed)} places that are allowed, each with its reason"),
        expected="no place left but those that the file `known` allows, each with its reason", limit_source="kit",
        why="A flag that is half gone is worse than one that is there.",
        todo="Mend them by a patch (mends), state a fact ([facts] of known), or allow them with a reason ([allowed])."
        if left else "",
    )  # fmt: skip


def preview(phase: Phase) -> None:
    """The whole change as a diff, the code's size before and after, and the documents a person has to change."""
    from hera_rollout import cleanup

    made: CleanupPlan = phase.memory[PLAN]
    text = made.diff()
    shown = text if len(text) <= LONGEST_DIFF else f"{text[:LONGEST_DIFF]}\n… the branch has the rest"
    display.diff(shown, f"The change, plan {made.digest}", command="git diff")
    sizes = cleanup.sizes(made)
    display.table(sizes, "Lines of code and cyclomatic complexity, before and after", command="radon raw; radon cc")
    phase.check(size_check(sizes))
    documents = cleanup.documentation(made)
    display.table(documents, "Documents that a person changes", command=f"git grep -n {made.subject.flag}")
    phase.check(judge(
        name=DOCUMENTS, rule=rules.holds, evidence={"holds": True, "documents": documents["file"].tolist()},
        seen=f"{len(documents)} places in documents go on naming the flag; each is listed, with the reason that lets it"
        if len(documents) else "no document names the flag any more",
        expected="every document that names the flag is changed, or listed with a reason", limit_source="guide",
    ))  # fmt: skip


def size_check(sizes: pd.DataFrame) -> Check:
    """FAIL for a cleanup that leaves more code, or more complex code, than there was."""
    total = {str(name): int(value) for name, value in sizes.iloc[-1].items() if name != "file"}
    less = {what: total[f"{what} after"] <= total[f"{what} before"] for what in ("lines", "complexity")}
    return judge(
        name=SIZE, rule=rules.holds, evidence={"holds": all(less.values()), **total},
        seen=f"{total['lines before']} → {total['lines after']} lines of code in the files that change, complexity "
        f"{total['complexity before']} → {total['complexity after']}",
        expected="no more than before, of either", limit_source="guide", why="Cleanup removes code.",
        todo="" if all(less.values()) else "Look at the diff: what was added, and by whose patch?",
    )  # fmt: skip


async def remove_flag(phase: Phase) -> None:
    """With an approval of exactly this change: a branch of the repository, between two runs of the service's tests.

    Raises:
        PhaseFailed: the service's tests fail on the cleaned source: the branch is gone again.
        PhaseOnHold: nobody approved.
        Refused: the tree is dirty, the branch is there, or the tests fail before anything was changed.
    """
    from hera_rollout.cleanup import CommandRun

    made: CleanupPlan = phase.memory[PLAN]
    tests = given(phase).tests or phase.target.commands.tests or ""
    if phase.dry_run:
        display.note(_would(made, _branch(phase, made), tests))
        return
    kept = phase.once(APPLIED, dict) if phase.done(APPLIED) else await _applied(phase, made, tests)
    phase.memory[APPLIED] = kept
    for name in ("before", "after"):
        display.note(f"Tests {name}: {CommandRun(**kept[name])}")
    phase.check(judge(
        name=SUITE, rule=rules.holds, evidence={"holds": kept["after"]["exit_code"] == 0, **kept},
        seen=f"passed before and after ({_last(kept['after']['tail'])})",
        expected="the service's own tests pass before and after", limit_source="guide",
    ))  # fmt: skip
    phase.check(judge(
        name=BRANCH, rule=rules.holds, evidence={"holds": True, "branch": kept["branch"], "commit": kept["commit"]},
        seen=f"branch {kept['branch']}, commit {kept['commit'][:12]} on {kept['base'][:12]}; what was checked out is "
        "as it was", expected="one commit on a branch of its own, and nothing left in it that names the flag",
        limit_source="kit",
    ))  # fmt: skip


def _branch(phase: Phase, made: CleanupPlan) -> str:
    from hera_rollout import cleanup

    return given(phase).branch or cleanup.branch_for(made)


def _would(made: CleanupPlan, branch: str, tests: str) -> str:
    """What a live run would do, or why it would be refused."""
    from hera_rollout import cleanup

    try:
        cleanup.ready(made, branch)
        _refuse_untested(tests)
    except Refused as error:
        return f"Dry run: a live run would be refused. {error.seen} {error.todo}".rstrip()
    return f"Dry run: would ask for an approval of plan {made.digest}, make branch {branch}, and run `{tests}` twice"


def _refuse_untested(tests: str) -> None:
    if not tests:
        raise Refused("The service's tests are not known; nothing was changed.", expected="a command that runs them",
                      todo="Set the parameter tests, or commands.tests of the target.")  # fmt: skip


def _last(text: str) -> str:
    return (text.splitlines() or ["they said nothing"])[-1]


async def _applied(phase: Phase, made: CleanupPlan, tests: str) -> dict[str, Any]:
    """Ask, apply, and keep what came of it."""
    from hera_rollout import cleanup

    branch = _branch(phase, made)
    _refuse_untested(tests)
    cleanup.ready(made, branch)  # before anybody is asked
    approval = await phase.approved(what=f"remove {made.subject.flag}, plan {made.digest}")
    yes = cleanup.Approval(approval.approver, approval.reason, made.digest)
    try:
        done = await display.watched(lambda live: _apply(made, yes, tests, branch, live))
    except Refused:
        raise
    except RolloutError as error:
        phase.check(judge(
            name=SUITE, rule=rules.raised, evidence={"error": error.seen}, seen=error.seen,
            expected="the service's own tests pass before and after", limit_source="guide",
            why="What the service's own tests do not let pass is not deployed.", todo=error.todo,
        ))  # fmt: skip
        phase.stop_on_fail("No branch was kept and nothing was deployed.")
        raise
    kept = asdict(done)
    phase.once(APPLIED, lambda: kept)
    return kept


def _apply(made: CleanupPlan, approval: Approval, tests: str, branch: str, live: display.Live) -> Applied:
    from hera_rollout import cleanup

    live.line(f"`{tests}` on a checkout, then the change on branch {branch}, then `{tests}` again")
    return cleanup.apply(made, approval, tests=tests, branch=branch)
