"""What became unused, found and mended by ruff: only what this cleanup made so, by the service's own ruff settings."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ruff  # type: ignore[import-untyped]

from hera_rollout.errors import RolloutError

RULES = "F401,F841,I001"
SECONDS = 60
ROUNDS = 5


@dataclass(frozen=True, order=True)
class Edit:
    """Replace what stands between two places of a text; lines and columns count from one."""

    start: tuple[int, int]
    end: tuple[int, int]
    content: str


def mend(file: str, before: str, after: str, folder: Path | None = None) -> str:
    """The text without imports and locals that only the old text used, its imports in order.

    Args:
        file: The file's path in its repository.
        before: The text before the codemod: what was amiss then stays.
        after: The text to mend.
        folder: The repository, for the service's own ruff settings; None for ruff's defaults.
    """
    old = {_identity(found) for found in _findings(file, before, folder)}
    for _ in range(ROUNDS):
        fresh = [found for found in _findings(file, after, folder) if _identity(found) not in old and found.get("fix")]
        imports = [found for found in fresh if found["code"] == "I001"]
        chosen = [found for found in fresh if found["code"] != "I001"] or imports
        if not chosen:
            return after
        after = applied(after, (edit for found in chosen for edit in _edits(found)))
    return after


def _identity(found: Mapping[str, Any]) -> tuple[str, str]:
    return found["code"], found["message"]


def _edits(found: Mapping[str, Any]) -> Iterable[Edit]:
    for edit in found["fix"]["edits"]:
        start, end = edit["location"], edit["end_location"]
        yield Edit((start["row"], start["column"]), (end["row"], end["column"]), edit["content"])


def _findings(file: str, text: str, folder: Path | None) -> list[dict[str, Any]]:
    command = [ruff.find_ruff_bin(), "check", "--no-cache", "--unsafe-fixes", "--output-format", "json", "--quiet"]
    command += ["--select", RULES, "--exit-zero", "--stdin-filename", file, "-"]
    for isolated in (["--isolated"],) if folder is None else ([], ["--isolated"]):
        done = subprocess.run(
            [*command, *isolated], input=text, capture_output=True, text=True, cwd=folder, timeout=SECONDS, check=False
        )
        if done.returncode == 0:
            found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
            return [item for item in found if item["code"]]
    raise RolloutError(f"ruff could not read {file}: {done.stderr.strip()[:300]}")


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits; of two that overlap the first counts, the other comes in the next round."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    spans = sorted({(_offset(starts, edit.start), _offset(starts, edit.end), edit.content) for edit in edits})
    found, position = [], 0
    for start, end, content in spans:
        if start < position:
            continue
        found += [text[position:start], content]
        position = end
    return "".join([*found, text[position:]])


def _offset(starts: list[int], place: tuple[int, int]) -> int:
    row, column = place
    return starts[min(row, len(starts)) - 1] + column - 1
