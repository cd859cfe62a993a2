"""What the last build left: where each part is and what it was made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rollout_lab import compiling, recipes, rootfs
from rollout_lab.errors import NotBuilt
from rollout_lab.paths import Paths

AGAIN = "Run `rollout-lab build` (a build that was cut off goes on where it stopped)."


@dataclass
class Inventory:
    """Folders of the built parts.

    Attributes:
        programs: recipe name to the folder of its programs.
        images: image name to its archive.
        inputs: recipe name to the hash of what it was made from, to notice that the checkout has moved on.
        crds: folder of the converted CRDs.
        go: version of the compiler.
        times: seconds each step of the build took.
    """

    programs: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    crds: str = ""
    go: str = ""
    times: dict[str, float] = field(default_factory=dict)

    def program(self, name: str) -> Path:
        """The path of an executable."""
        for recipe in recipes.ALL:
            if name in recipe.programs:
                return Path(self.programs[recipe.name]) / name
        raise KeyError(name)

    def save(self, paths: Paths) -> None:
        """Write the inventory, whole or not at all."""
        paths.cache.mkdir(parents=True, exist_ok=True)
        unfinished = paths.cache / ".inventory.json"
        unfinished.write_text(json.dumps(asdict(self), indent=2))
        unfinished.replace(paths.cache / "inventory.json")


def current_inputs() -> dict[str, str]:
    """Hashes of what a build would be made from now."""
    return {recipe.name: compiling.inputs_hash(recipe) for recipe in recipes.ALL}


def read(paths: Paths) -> Inventory:
    """The last build's inventory as it was written."""
    try:
        return Inventory(**json.loads((paths.cache / "inventory.json").read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        raise NotBuilt(f"The lab is not built: no complete build under {paths.cache}. {AGAIN}") from None


def load(paths: Paths) -> Inventory:
    """The inventory of a complete and current build, or the reason why there is none."""
    inventory = read(paths)
    folders = [*inventory.programs.values(), *inventory.images.values(), inventory.crds]
    gone = [name for name in folders if not Path(name).exists()]
    if gone:
        raise NotBuilt(f"The lab is half built: {gone[0]} is not there. {AGAIN}")
    stale = [name for name, value in current_inputs().items() if inventory.inputs.get(name) != value]
    if stale or str(rootfs.destination(paths)) != inventory.programs.get("rootfs"):
        changed = ", ".join(stale) or "the Python image"
        raise NotBuilt(f"The last build was made from other inputs than this checkout's ({changed}). {AGAIN}")
    return inventory
