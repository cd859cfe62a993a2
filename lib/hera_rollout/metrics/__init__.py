"""Figures by path: workflows from their status and labels, the service and its pods from Prometheus.

Always YAML beside Hera over windows of the same load; every figure carries the query that it came from.
"""

from hera_rollout.metrics.figures import FIGURES, Figure, errors_over_time, scraped_since, service
from hera_rollout.metrics.frames import summary, workflow_frame
from hera_rollout.metrics.judging import checks
from hera_rollout.metrics.prometheus import Prometheus
from hera_rollout.metrics.windows import Window

__all__ = [
    "FIGURES",
    "Figure",
    "Prometheus",
    "Window",
    "checks",
    "errors_over_time",
    "scraped_since",
    "service",
    "summary",
    "workflow_frame",
]
