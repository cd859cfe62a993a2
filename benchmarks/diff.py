"""How fast two manifests are compared: beside parsing them, and beside a general differ, in one run.

    python benchmarks/diff.py [FOLDER ...] [--rounds N]

The manifests are those of the pinned Argo module (examples and end-to-end tests), each paired with what Hera makes of
it, as in a rollout. Three things are timed on the same pairs, in CPU seconds of one process:

- parse: PyYAML's CSafeLoader over the two texts of a pair, the least anybody pays to have documents at all;
- compare: this kit's comparison of the parsed pair, both sides checked with the CRD's full schema;
- deepdiff: DeepDiff over the parsed pair. It knows no schema and no rules, and calls most pairs different.

Aim: compare takes no longer than parse, in one process. The last line is the summary.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from deepdiff import DeepDiff

from hera_rollout import equivalence, roundtrip
from hera_rollout.errors import Refused

MODULE = Path(__file__).parents[1] / "lib" / "rollout_lab" / "modules" / "argo"
ARGO = "github.com/argoproj/argo-workflows/v4"
Pair = tuple[str, str, dict[str, Any], dict[str, Any]]


def folders() -> list[Path]:
    """The pinned module's manifests in Go's module cache; `rollout-lab build` puts it there."""
    words = ["go", "list", "-m", "-f", "{{.Version}}", ARGO]
    # A copy that is mended for the build replaces the module; the manifests are in the module itself.
    version = subprocess.run(words, cwd=MODULE, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True, timeout=60).stdout
    module = Path(cache.strip()) / f"{ARGO}@{version}"
    if not module.is_dir():
        sys.exit(f"The pinned module {ARGO}@{version} is not in Go's module cache: run `rollout-lab build` first.")
    return [module / "examples", module / "test" / "e2e"]


def pairs(sources: list[Path]) -> list[Pair]:
    """Each workflow with what Hera makes of it, as texts and as documents."""
    found: list[Pair] = []
    for folder in sources:
        for path in sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"}):
            try:
                documents = equivalence.documents(path.read_text("utf-8"), path.name)
            except Refused:
                continue
            found += [pair for document in documents if (pair := paired(document))]
    return found


def paired(document: Any) -> Pair | None:
    """One document with its counterpart; None for other kinds, and for what Hera refuses."""
    if not isinstance(document, dict) or document.get("kind") not in roundtrip.KINDS:
        return None
    try:
        made = roundtrip.through_hera(document)
    except Refused:
        return None
    one, other = (yaml.dump(side, Dumper=yaml.CSafeDumper, sort_keys=False) for side in (document, made))
    return one, other, document, made


def parse(pair: Pair) -> object:
    """Parse both texts."""
    return yaml.load(pair[0], Loader=yaml.CSafeLoader), yaml.load(pair[1], Loader=yaml.CSafeLoader)


def compare(pair: Pair) -> object:
    """Compare both documents, and both with the schema."""
    return equivalence.compare(pair[2], pair[3])


def deep(pair: Pair) -> object:
    """What a differ that knows nothing of workflows does."""
    return DeepDiff(pair[2], pair[3], ignore_order=False)


def timed(work: Callable[[Pair], object], data: list[Pair], rounds: int) -> float:
    """The median CPU seconds of a pass over all pairs: other work on the machine does not count."""
    passes = []
    for _ in range(rounds):
        gc.collect()
        began = time.process_time()
        for pair in data:
            work(pair)
        passes.append(time.process_time() - began)
    return statistics.median(passes)


_inherited: list[Pair] = []


def share(number: int, cores: int, times: int) -> None:
    """One worker's part of the pairs it has inherited."""
    for _ in range(times):
        for pair in _inherited[number::cores]:
            compare(pair)


def on_all_cores(data: list[Pair], cores: int, times: int) -> float:
    """Seconds of the clock that a pass takes when every core has its part; the workers are there already."""
    _inherited[:] = data
    with ProcessPoolExecutor(cores, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(share, range(cores), [cores] * cores, [1] * cores))
        began = time.perf_counter()
        list(pool.map(share, range(cores), [cores] * cores, [times] * cores))
        return (time.perf_counter() - began) / times


def main() -> None:
    """Time all three on the same pairs and say so."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folders", nargs="*", type=Path, help="manifests (default: the pinned Argo module's)")
    words.add_argument("--rounds", type=int, default=9)
    words.add_argument("--json", action="store_true", help="the figures for machines, before the summary")
    given = words.parse_args()
    data = pairs(given.folders or folders())
    if not data:
        sys.exit("There is no workflow in those folders: nothing was timed.")
    cores = os.cpu_count() or 1
    for work in (parse, compare, deep):
        timed(work, data[:50], 1)  # warm: imports, caches of patterns and schemas
    seconds = {work.__name__: timed(work, data, given.rounds) for work in (parse, compare)}
    seconds["deep"] = timed(deep, data, max(1, given.rounds // 4))
    seconds["cores"] = on_all_cores(data, cores, 5)
    same = sum(equivalence.compare(one, other).same for *_, one, other in data)
    blunt = sum(not DeepDiff(one, other) for *_, one, other in data)
    rate = {name: round(len(data) / took) for name, took in seconds.items()}
    ratio = seconds["compare"] / seconds["parse"]
    size = sum(len(pair[0]) + len(pair[1]) for pair in data)
    print(f"{len(data)} pairs, {size:,} bytes, median of {given.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    print(f"parse both, CSafeLoader     {rate['parse']:>8,} pairs/s")
    print(f"compare + schema, 1 process {rate['compare']:>8,} pairs/s   {same} of {len(data)} mean the same")
    print(f"compare + schema, {cores} cores   {rate['cores']:>8,} pairs/s")
    print(f"deepdiff                    {rate['deep']:>8,} pairs/s   {blunt} of {len(data)} called equal")
    if given.json:
        print(json.dumps({"pairs": len(data), "rates": rate, "ratio": ratio, "cores": cores, "same": same}))
    verdict = "met" if ratio <= 1 else "MISSED"
    faster = seconds["deep"] / seconds["compare"]
    print(
        f"diff: {rate['compare']:,} pairs/s in one process, {ratio:.2f} times parsing (aim <= 1: {verdict}), "
        f"{faster:.1f} times as fast as deepdiff, {rate['cores']:,} pairs/s on {cores} cores"
    )


if __name__ == "__main__":
    main()
