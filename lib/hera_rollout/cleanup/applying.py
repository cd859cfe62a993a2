"""Carrying out an approved plan: on a new branch, in a worktree of its own, between two runs of the service's tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hera_rollout.cleanup.checkouts import top, worktree
from hera_rollout.cleanup.planning import CleanupPlan, plan
from hera_rollout.cleanup.running import CommandRun
from hera_rollout.cleanup.suites import run_tests
from hera_rollout.cleanup.tree import git, is_git
from hera_rollout.errors import Conflicting, Refused, RolloutError

SHOWN = 5


@dataclass(frozen=True)
class Approval:
    """Who lets one plan be carried out, and why; `digest` is that plan's and no other's."""

    by: str
    reason: str
    digest: str


@dataclass(frozen=True)
class Applied:
    """What an applied plan left: a branch with one commit on it."""

    branch: str
    commit: str
    base: str
    before: CommandRun
    after: CommandRun


def apply(
    planned: CleanupPlan, approval: Approval, *, tests: str, branch: str | None = None, seconds: int = 900
) -> Applied:
    """Write a plan to a new branch of the service's repository; the branch that is checked out is never touched.

    Args:
        planned: The plan.
        approval: Approval of exactly this plan.
        tests: The service's own test command, run in the plan's folder; no shell in between.
        branch: The new branch; by default named after the flag.
        seconds: How long one run of the tests may take.

    Raises:
        Refused: no git repository, a dirty tree, a branch of that name, no approval, places left: nothing was changed.
        RolloutError: the tests fail: the branch is gone again.
    """
    branch = branch or branch_for(planned)
    _approved(planned, approval)
    root, base = ready(planned, branch)
    with _worktree(root, branch, base) as tree:
        folder = tree / planned.repository.resolve().relative_to(root)
        before = run_tests(tests, folder, seconds, planned.subject.flag)
        if not before.passed:
            raise Refused(f"The service's tests fail before anything was changed: {before}", todo="Mend them first.")
        _write(planned, folder)
        after = run_tests(tests, folder, seconds, planned.subject.flag)
        if not after.passed:
            raise RolloutError(f"The service's tests fail on the cleaned source: {after}", todo="Look at the diff.")
        _prove(planned, folder)
        commit = _committed(tree, planned, approval)
    return Applied(branch, commit, base, before, after)


def branch_for(planned: CleanupPlan) -> str:
    """The branch's name where none is given: after the flag."""
    return f"cleanup/{planned.subject.flag.lower().replace('_', '-')}"


def ready(planned: CleanupPlan, branch: str) -> tuple[Path, str]:
    """Whether a plan could be applied as it is; the repository's root and the commit that it would be applied to.

    Raises:
        Refused: no git repository, a dirty tree, a branch of that name, places left; nothing is changed in any case.
    """
    if not is_git(planned.repository):
        raise Refused(f"{planned.repository} is not in a git repository; nothing was changed.")
    root = top(planned.repository)
    if dirty := git(root, "status", "--porcelain").splitlines():
        more = f" and {len(dirty) - 1} more" if len(dirty) > 1 else ""
        raise Refused(f"The tree is dirty ({dirty[0].strip()}{more}); nothing was changed.", todo="Commit, then again.")
    if git(root, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", check=False):
        raise Conflicting(
            f"There is a branch {branch} already; nothing was changed.", todo="Name another, or delete it."
        )
    git(root, "check-ref-format", "--branch", branch)
    _fits(planned)
    return root, git(root, "rev-parse", "HEAD").strip()


def _approved(planned: CleanupPlan, approval: Approval) -> None:
    if approval.digest != planned.digest or not approval.by.strip() or not approval.reason.strip():
        raise Refused(
            f"There is no approval of plan {planned.digest}; nothing was changed.",
            expected="an approval with a name, a reason and this plan's digest",
            todo="Show the diff to whoever decides.",
        )


def _fits(planned: CleanupPlan) -> None:
    if left := planned.open_places:
        shown = "\n".join(f"  {place}" for place in left[:SHOWN])
        more = f"\n  and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        raise Refused(
            f"{len(left)} places are left to a person; nothing was changed.\n{shown}{more}",
            todo="Mend them by hand, state a fact, or allow them with a reason.",
        )
    if not planned.edits:
        raise Refused(f"There is nothing to change: {planned.subject.flag} is not in {planned.repository}.")
    for edit in planned.edits:
        path = planned.repository / edit.file
        if not path.is_file() or path.read_bytes() != edit.before.encode():
            raise Conflicting(f"{edit.file} changed since the plan was made; nothing was changed.", todo="Plan again.")


@contextmanager
def _worktree(root: Path, branch: str, base: str) -> Iterator[Path]:
    """A checkout beside the checkout; if anything goes wrong, it and the branch are gone again."""
    unkept = False
    try:
        with worktree(root, base, "-b", branch) as tree:
            unkept = True
            yield tree
            unkept = False
    finally:
        if unkept:
            git(root, "branch", "--quiet", "-D", branch)


def _write(planned: CleanupPlan, folder: Path) -> None:
    for edit in planned.edits:
        path = folder / edit.file
        if edit.after is None:
            path.unlink()
        else:
            path.write_bytes(edit.after.encode())


def _prove(planned: CleanupPlan, folder: Path) -> None:
    """Look again at what was written: nothing may be left to find."""
    subject = planned.subject
    again = plan(folder, subject.flag, subject.value, required=subject.required, allowed=planned.allowed)
    if again.open_places:
        raise RolloutError(f"The cleaned source still names {subject.flag}: {again.open_places[0]}")


def _committed(tree: Path, planned: CleanupPlan, approval: Approval) -> str:
    identity: list[str] = []
    if not git(tree, "config", "user.email", check=False).strip():
        identity = ["-c", f"user.name={approval.by}", "-c", "user.email=hera-rollout@localhost"]
    git(tree, "add", "--update")
    lines = [
        f"Remove {planned.subject.flag}: it is {str(planned.subject.value).lower()} for good", "",
        f"Approved by {approval.by}: {approval.reason}", f"Plan {planned.digest}",
    ]  # fmt: skip
    git(tree, *identity, "commit", "--quiet", "-m", "\n".join(lines))
    return git(tree, "rev-parse", "HEAD").strip()
