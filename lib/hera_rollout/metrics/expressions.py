"""PromQL of standing rules: the figures' counters over the time up to now. Pure.

As in :mod:`hera_rollout.metrics.figures`, a counter's growth is taken from its values at the two ends; `increase()`
would lose the first count of a series that began inside the window, which is just what an error's series does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hera_rollout.target import Target

_HASH: Final = "[b-df4-9]"
"""A character of a ReplicaSet's hash: Kubernetes writes a number's ten digits so."""
_SHORTEST, _LONGEST = 5, 10
"""Characters of that hash: a number of 32 bits; one of fewer than five digits comes up once in 400,000."""
_KEPT: Final = 58
"""Characters that Kubernetes keeps of a ReplicaSet's name and a dash, before it adds five of chance."""
_CHANCE: Final = "[a-z0-9]{5}"
_UNITS: Final = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def span(seconds: int) -> str:
    """A duration as Prometheus writes it: ``15m``, ``1h``, ``1w``."""
    return next(f"{seconds // size}{unit}" for unit, size in _UNITS if seconds % size == 0)


def pods(target: Target) -> str:
    """The labels of the pods of the target's Deployment, those that are gone too, and of no other whose name is alike.

    By the name, since a pod's series carry no owner: the hash tells a ReplicaSet's pods from those of a Job or of a
    Deployment whose name goes on. Two names that share their first 57 characters cannot be told apart.
    """
    return f'namespace="{target.namespace}",pod=~"{_pod_names(target.deployment)}"'


def _pod_names(deployment: str) -> str:
    """A pattern of the names that Kubernetes gives the pods; of a long one it cuts the hash, or all of it."""
    room = _KEPT - len(deployment) - 1
    whole = min(_LONGEST, room - 1)
    patterns = [f"{deployment}-{_HASH}{{{_SHORTEST},{whole}}}-{_CHANCE}"] if whole >= _SHORTEST else []
    if 0 < room <= _LONGEST:
        patterns.append(f"{deployment}-{_HASH}{{{room}}}{_CHANCE}")
    if room <= 0:
        patterns.append(f"{deployment}-"[:_KEPT] + _CHANCE)
    return "|".join(patterns)


def named(pods: Sequence[str], namespace: str) -> str:
    """The labels of single pods."""
    return f'namespace="{namespace}",pod=~"{"|".join(pods)}"'


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
