"""PromQL of standing rules: the figures' counters over the time up to now. Pure.

As in :mod:`hera_rollout.metrics.figures`, a counter's growth is taken from its values at the two ends; `increase()`
would lose the first count of a series that began inside the window, which is just what an error's series does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hera_rollout.target import Target

_UNITS: Final = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def span(seconds: int) -> str:
    """A duration as Prometheus writes it: ``15m``, ``1h``, ``1w``."""
    return next(f"{seconds // size}{unit}" for unit, size in _UNITS if seconds % size == 0)


def pods(target: Target) -> str:
    """The labels of the pods of the target's Deployment, and of no other one whose name begins alike."""
    return f'namespace="{target.namespace}",pod=~"{target.deployment}-[a-z0-9]+-[a-z0-9]{{5}}"'


def named(pods: Sequence[str]) -> str:
    """The labels of single pods."""
    return f'pod=~"{"|".join(pods)}"'


def series(metric: str, *more: str) -> str:
    """A metric with further labels: ``a{b="c"}`` and ``d="e"`` make ``a{b="c",d="e"}``."""
    name = metric.partition("{")[0]
    return f"{name}{{{','.join(filter(None, [labels(metric), *more]))}}}"


def labels(metric: str) -> str:
    """A metric's own labels, without the braces."""
    return metric.rstrip("}").partition("{")[2]


def growth(chosen: str, seconds: int, ago: int = 0) -> str:
    """What each series of counters grew by; one that fell, or was not there before, began at zero.

    To be put into brackets, or into an aggregation's.

    Args:
        chosen: the series.
        seconds: how long the window is.
        ago: seconds between its end and now.
    """
    last, first = (
        f"last_over_time({chosen}[{span(seconds)}]{f' offset {span(back)}' if back else ''})"
        for back in (ago, ago + seconds)
    )
    return f"{last} - {first} >= 0 or {last}"


def total(chosen: str, seconds: int, *, by: str = "", ago: int = 0) -> str:
    """Growth summed over all series, or for each value of the label ``by``."""
    return f"sum {f'by ({by}) ' if by else ''}({growth(chosen, seconds, ago)})"


def quantile(share: float, buckets: str, seconds: int, ago: int = 0) -> str:
    """A quantile of a histogram's growth, interpolated between its buckets."""
    return f"histogram_quantile({share:g}, {total(buckets, seconds, by='le', ago=ago)})"
