"""Which side of the canary a task is on: a pure function of its id, so rerun, rollback and resume hit the same tasks.

The backend has the same function written a second time (BACKEND_API's contract); tests/golden/split.json holds the two
together.
"""

import hashlib
import random
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from statistics import fmean
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


def coin_toss_flips(keys: Iterable[str], percent: Percent, runs: int, seed: int) -> float:
    """How many of these tasks the guide's ``random.random() < 0.10`` would put on the other path when they are rerun.

    Args:
        keys: task ids; each counts once.
        percent: the canary's percentage.
        runs: how many times the whole list is submitted and rerun; the mean is answered.
        seed: of the coin; the same seed answers the same.

    Returns:
        The mean number of tasks that flip; :func:`path_for` flips none.
    """
    if runs < 1:
        raise Refused(f"{runs!r} runs cannot be made.", expected="1 or more.")
    count, share = len(set(keys)), float(_exact(percent)) / 100
    coin = random.Random(seed)  # noqa: S311  (the guide's own coin, not a secret)
    return fmean(sum((coin.random() < share) != (coin.random() < share) for _ in range(count)) for _ in range(runs))
