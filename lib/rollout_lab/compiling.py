"""Compiling a recipe into the cache, with progress; a finished build is never touched again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from rollout_lab import mends
from rollout_lab.commands import failure, run
from rollout_lab.paths import Paths
from rollout_lab.progress import Step
from rollout_lab.recipes import Recipe
from rollout_lab.toolchain import ENVIRONMENT, Go

DEADLINE = 3600.0
# The compiler collects its own garbage less often: 79 CPU seconds for etcd from an empty cache, not 100.
COMPILER = {"GOGC": "400"}


def inputs_hash(recipe: Recipe) -> str:
    """What goes into a recipe, mends included, compiler excluded."""
    return recipe.inputs_hash(mends.MENDS[recipe.mended].description if recipe.mended else "")


def destination(paths: Paths, recipe: Recipe, go: Go) -> Path:
    """Where this recipe's result belongs: a folder named after everything that decides it."""
    key = hashlib.sha256(f"{inputs_hash(recipe)} {go.version}".encode()).hexdigest()
    return paths.builds / f"{recipe.name}-{key[:16]}"


def compile_recipe(paths: Paths, recipe: Recipe, go: Go, step: Step) -> Path:
    """Compile unless it is there already; return the folder of the programs."""
    target = destination(paths, recipe, go)
    if target.is_dir():
        step.outcome = "unchanged"
        return target
    source = _prepare(paths, recipe, go, step)
    with new_folder(target) as unfinished:
        _build(recipe, go, source, unfinished, step)
        _check_programs(recipe, unfinished)
    return target


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder that gets its name only when the block ends well, so nothing half-made is ever taken for finished."""
    unfinished = target.with_name(f".unfinished-{target.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    unfinished.rename(target)


def _prepare(paths: Paths, recipe: Recipe, go: Go, step: Step) -> Path:
    source = paths.work / recipe.name
    source.mkdir(parents=True, exist_ok=True)
    for path in recipe.sources():
        shutil.copyfile(path, source / path.name)
    if recipe.mended:
        step.detail = "copying the module"
        mends.mended_copy(go, recipe.mended, source / "upstream")
    return source


def _build(recipe: Recipe, go: Go, source: Path, target: Path, step: Step) -> None:
    step.detail = "fetching modules"
    total = _count_packages(recipe, go, source)
    # A build that is killed takes its compiler with it: the next one must not find it still writing.
    dies_with_us = ["setpriv", "--pdeathsig", "TERM"]
    command = [*dies_with_us, go.command, "build", "-v", *recipe.flags, "-o", f"{target}/", *recipe.packages]
    process = subprocess.Popen(
        command,
        cwd=source,
        env={**COMPILER, **os.environ, **ENVIRONMENT},
        text=True,
        errors="replace",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        output = _follow(process, total, target, step)
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
    if process.wait(timeout=30):
        raise failure(command, process.returncode, output)
    for made, wanted in recipe.renames:
        (target / made).rename(target / wanted)


def _count_packages(recipe: Recipe, go: Go, source: Path) -> int:
    done = run([go.command, "list", "-deps", *recipe.packages], cwd=source, env=ENVIRONMENT, timeout=1200)
    return len(done.stdout.splitlines())


def _follow(process: subprocess.Popen[str], total: int, target: Path, step: Step) -> str:
    """Count the packages Go names as it compiles them; keep what is not a package name, for the error."""
    compiled: list[str] = []
    other: list[str] = []

    def detail() -> str:
        linked = ", ".join(sorted(path.name for path in target.iterdir()))
        return f"{len(compiled)} of {total} packages compiled" + (f", linked {linked}" if linked else "")

    step.detail = detail
    assert process.stderr is not None  # noqa: S101 - asked for above
    for line in process.stderr:
        is_package = " " not in line.strip() and not line.startswith("#")
        (compiled if is_package else other).append(line)
    return "".join(other[-20:])


def _check_programs(recipe: Recipe, folder: Path) -> None:
    missing = [name for name in recipe.programs if not (folder / name).is_file()]
    if missing:
        raise failure(["go", "build", recipe.name], 0, f"it left no {', '.join(missing)}")
