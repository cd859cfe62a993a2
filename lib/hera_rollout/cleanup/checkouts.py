"""A commit of a service's repository in a folder of its own, for as long as it is needed; nothing checked out moves."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hera_rollout.cleanup.tree import git


def top(repository: Path) -> Path:
    """The root of the repository that a folder lies in.

    Raises:
        Refused: it lies in none.
    """
    return Path(git(repository, "rev-parse", "--show-toplevel").strip()).resolve()


@contextmanager
def worktree(root: Path, commit: str, *how: str) -> Iterator[Path]:
    """A worktree of a repository at a commit, beside whatever is checked out; gone afterwards.

    Args:
        root: the repository's.
        commit: what is checked out in it.
        how: options of `git worktree add`: `--detach`, or `-b` and a branch.

    Raises:
        Refused: git says no, such as for a commit that is not there.
    """
    with tempfile.TemporaryDirectory(prefix="hera-rollout-checkout-") as folder:
        tree = Path(folder) / "tree"
        git(root, "worktree", "add", "--quiet", *how, str(tree), commit)
        try:
            yield tree.resolve()
        finally:
            git(root, "worktree", "remove", "--force", str(tree))


@contextmanager
def checkout(repository: Path, commit: str) -> Iterator[Path]:
    """The same folder of the repository as it is at a commit.

    Raises:
        Refused: git says no, such as for a commit that is not there.
    """
    root = top(repository)
    with worktree(root, commit, "--detach") as tree:
        yield tree / repository.resolve().relative_to(root)
