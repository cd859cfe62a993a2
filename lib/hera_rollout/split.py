"""Which side of the canary a task is on: a pure function of its id, so rerun, rollback and resume hit the same tasks.

The backend has the same function written a second time (BACKEND_API's contract); tests/golden/split.json holds the two
together.
"""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from hera_rollout.errors import Refused

BUCKETS: Final = 10_000
Percent = int | float | str | Decimal


def bucket(task_id: str) -> int:
    """The task's bucket, 0 to 9,999: the first 8 bytes, big-endian, of SHA-256 over its UTF-8 id, modulo 10,000."""
    digest = hashlib.sha256(task_id.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def path_for(task_id: str, percent: Percent) -> Literal["yaml", "hera"]:
    """The path that makes this task's workflows at this percentage; exact, so 0.07 % means seven buckets."""
    return "hera" if bucket(task_id) < _exact(percent) * 100 else "yaml"


def _exact(percent: Percent) -> Decimal:
    try:
        # By way of text, so that 0.07 is seven hundredths and not the nearest binary fraction.
        found = Decimal(str(percent))
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 <= found / 100 <= 1):
        raise Refused(f"A percentage of {percent!r} cannot be used.", expected="a number from 0 to 100.")
    return found


@dataclass(frozen=True)
class CoinToss:
    """The same tasks rerun again and again, by the guide's coin and by the split.

    Attributes:
        percent: of the canary.
        tasks: how many tasks.
        seed: of the coin.
        hera_by_coin, hera_by_split: how many of them Hera makes at first.
        flipped_by_coin, flipped_by_split: ids of those whose first rerun is on the other path.
        moved_by_coin, moved_by_split: after each rerun, how many have been on both paths so far.
    """

    percent: float
    tasks: int
    seed: int
    hera_by_coin: int
    hera_by_split: int
    flipped_by_coin: tuple[str, ...]
    flipped_by_split: tuple[str, ...]
    moved_by_coin: tuple[int, ...]
    moved_by_split: tuple[int, ...]


def coin_toss(keys: Iterable[str], percent: Percent, *, reruns: int = 5, seed: int = 0) -> CoinToss:
    """Rerun real tasks by the guide's ``random.random() < 0.10`` and by :func:`path_for`; nothing is submitted.

    A coin puts a task's first rerun on the other path with chance 2p(1 - p), 18 % at 10 %; and of tasks that are rerun
    n times it leaves p^(n+1) + (1 - p)^(n+1) on one path throughout.

    Args:
        keys: task ids; each counts once.
        percent: the canary's percentage.
        reruns: how often each task is rerun.
        seed: of the coin; the same seed answers the same.

    Raises:
        Refused: No task, no rerun, or no percentage.
    """
    tasks = sorted(set(keys))
    if not tasks or reruns < 1:
        raise Refused(f"{len(tasks)} tasks cannot be rerun {reruns!r} times.", expected="1 task and 1 rerun, or more.")
    share = float(_exact(percent)) / 100
    coin = random.Random(seed)  # noqa: S311  (the guide's own coin, not a secret)
    by_coin = [{task: coin.random() < share for task in tasks} for _ in range(reruns + 1)]
    by_split = [{task: path_for(task, percent) == "hera" for task in tasks} for _ in range(reruns + 1)]
    return CoinToss(
        float(_exact(percent)), len(tasks), seed, sum(by_coin[0].values()), sum(by_split[0].values()),
        _flipped(by_coin), _flipped(by_split), _moved(by_coin), _moved(by_split),
    )  # fmt: skip


def _flipped(runs: list[dict[str, bool]]) -> tuple[str, ...]:
    return tuple(task for task, hera in runs[0].items() if runs[1][task] is not hera)


def _moved(runs: list[dict[str, bool]]) -> tuple[int, ...]:
    """After each rerun, how many tasks have been on both paths."""
    return tuple(
        sum(len({run[task] for run in runs[: number + 1]}) > 1 for task in runs[0]) for number in range(1, len(runs))
    )
