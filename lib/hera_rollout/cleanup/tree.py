"""The files of a service: as git knows them, or by walking; bounded, and never through a link."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hera_rollout.errors import Missing, Refused

SKIPPED = frozenset(
    {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".mypy_cache", ".ruff_cache"}
)
SECONDS = 60


@dataclass(frozen=True)
class Limits:
    """How large a tree may be."""

    files: int = 20_000
    file_bytes: int = 2_000_000
    total_bytes: int = 400_000_000


def is_git(folder: Path) -> bool:
    """Whether the folder lies in a git repository."""
    return git(folder, "rev-parse", "--is-inside-work-tree", check=False).strip() == "true"


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Run git in a folder.

    Raises:
        Refused: git says no.
    """
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=SECONDS, check=False,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
    )  # fmt: skip
    if check and done.returncode:
        raise Refused(f"git {arguments[0]} in {folder}: {done.stderr.strip()[:300]}")
    return done.stdout if done.returncode == 0 else ""


def listed(folder: Path, limits: Limits | None = None) -> list[str]:
    """Every file's path in the folder: what git tracks or would track; outside git everything but known clutter.

    Raises:
        Missing: there is no such folder.
        Refused: there are more files than the limit.
    """
    limits = limits or Limits()
    if not folder.is_dir():
        raise Missing(f"There is no folder {folder}.", todo="Give the folder of a service's source.")
    found = sorted(set(_by_git(folder) if is_git(folder) else _by_walking(folder, limits.files)))
    if len(found) > limits.files:
        raise _huge(folder, f"more than {limits.files:,} files")
    return found


def _huge(folder: Path, seen: str) -> Refused:
    return Refused(
        f"{folder} has {seen}; nothing was changed.", expected="the source of one service", todo="Give its own folder."
    )


def _by_git(folder: Path) -> list[str]:
    names = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [name for name in names if name]


def _by_walking(folder: Path, most: int) -> Iterator[str]:
    count = 0
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in names:
            count += 1
            if count > most + 1:
                return
            yield (Path(root) / name).relative_to(folder).as_posix()


def contents(folder: Path, files: list[str], limits: Limits | None = None) -> Iterator[tuple[str, bytes]]:
    """Every file with what is in it; links and files above the limit are left out.

    Raises:
        Refused: all together are more than the limit.
    """
    limits, total, root = limits or Limits(), 0, str(folder)
    for name in files:
        path = os.path.join(root, name)  # noqa: PTH118 - thousands of files: this is the time it takes
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            continue  # a link, or gone meanwhile
        try:
            data = os.read(descriptor, limits.file_bytes + 1)
        except OSError:
            continue  # a folder: a submodule
        finally:
            os.close(descriptor)
        total += len(data)
        if total > limits.total_bytes:
            raise _huge(folder, f"more than {limits.total_bytes:,} bytes")
        if len(data) <= limits.file_bytes:
            yield name, data


def decoded(name: str, data: bytes) -> str:
    """A file's text.

    Raises:
        Refused: it is not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(
            f"{name}:{line}: not UTF-8 (byte 0x{data[error.start]:02x}); nothing was changed.",
            todo="Save the file as UTF-8 first.",
        ) from None
