"""What a person mends beside the codemod: a patch, part of the plan, its diff and its approval."""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hera_rollout.errors import Refused

SECONDS = 60
SAFE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def mended(texts: Mapping[str, str], patch: str) -> dict[str, str]:
    """Texts after a unified diff; what the diff deletes is missing.

    Raises:
        Refused: the diff does not fit these texts; nothing was changed.
    """
    named = [name for name in texts if f"a/{name}" in patch or f"b/{name}" in patch]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in named:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(texts[file].encode())
        # A ceiling: git must not take a repository around the temporary folder for its own.
        environment = {**os.environ, **SAFE, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
        done = subprocess.run(
            ["git", "apply", "-"], input=patch, text=True, cwd=folder, capture_output=True, timeout=SECONDS,
            env=environment, check=False,
        )  # fmt: skip
        if done.returncode:
            why = " ".join(done.stderr.split())[:300]
            raise Refused(f"The patch of what a person mends does not fit: {why}; nothing was changed.")
        rest = {file: text for file, text in texts.items() if file not in named}
        return rest | {file: (folder / file).read_bytes().decode() for file in named if (folder / file).is_file()}
