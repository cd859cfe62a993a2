"""The change window: the guide's "Deploy during low-traffic period", from what Prometheus remembers.

From history to verdict::

    seen = history(Prometheus.of(target), target, now)
    window = low_traffic(seen, share=limits.window_share, min_days=limits.window_days)
    phase.check(check(window, now, limits.source("window_share")))
"""

from hera_rollout.window.hours import Hour, Standing, Window, low_traffic
from hera_rollout.window.judging import CHANGE_WINDOW, check
from hera_rollout.window.reading import history

__all__ = ["CHANGE_WINDOW", "Hour", "Standing", "Window", "check", "history", "low_traffic"]
