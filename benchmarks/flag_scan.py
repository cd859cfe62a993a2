"""Files a second of `flag-scan`, beside `git grep` on the same tree.

Both answer where the flag is; `flag-scan` also says in which shapes, and what a cleanup would leave. Run:

    python benchmarks/flag_scan.py [FILES]
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hera_rollout.cleanup.scanning import scan

FLAG = "USE_HERA_SDK"
REPEATS = 5
PLAIN = """\
import os

NAME_{n} = os.getenv("NAME_{n}", "x")


def work_{n}(task):
    if task.ready:
        return NAME_{n}
    return None
"""
FLAGGED = """\
from config import USE_HERA_SDK


def build_{n}(task):
    if USE_HERA_SDK:
        return hera(task)
    return yaml(task)
"""
CONFIG = 'import os\n\nUSE_HERA_SDK = os.getenv("USE_HERA_SDK", "false").lower() == "true"\n'
EVERY = 200  # one file in so many has the flag


def make_tree(folder: Path, files: int) -> None:
    """A service of so many files, in git."""
    (folder / "config.py").write_text(CONFIG)
    for n in range(files - 1):
        where = folder / f"part_{n % 50}"
        where.mkdir(exist_ok=True)
        if n % 10 == 9:
            (where / f"m{n}.yaml").write_text(f"kind: ConfigMap\nmetadata: {{name: m{n}}}\n")
        else:
            (where / f"m{n}.py").write_text((FLAGGED if n % EVERY == 0 else PLAIN * 20).replace("{n}", str(n)))
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)


def grep(folder: Path) -> int:
    """What git grep finds."""
    command = ["git", "grep", "--untracked", "-l", FLAG]
    return len(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split())


def seconds(work: Callable[[], object]) -> float:
    """The median time of several runs."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Make the tree, run both, print the summary last."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_tree(folder, files)
        found, named = scan(folder, FLAG), grep(folder)
        assert len(found.named_files) == named, (len(found.named_files), named)
        ours, theirs = seconds(lambda: scan(folder, FLAG)), seconds(lambda: grep(folder))
    print(f"tree: {files} files, {named} with the flag; {len(found.places)} places, {len(found.left)} left by hand")
    first = f"flag_scan: {files / ours:,.0f} files/s ({ours:.2f} s)"
    second = f"git grep: {files / theirs:,.0f} files/s ({theirs:.3f} s)"
    print(f"{first}; {second}; {ours / theirs:.1f} times as long, for shapes and what would be left besides")


if __name__ == "__main__":
    main()
