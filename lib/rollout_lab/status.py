"""`rollout-lab status`: what is up, what is down, by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rollout_lab import cluster
from rollout_lab.api import Api
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths
from rollout_lab.supervision import Supervisor

PATIENCE_SECONDS = 3.0
UP, DOWN, SICK = "up", "down", "sick"


@dataclass(frozen=True)
class Line:
    """One component's state.

    Attributes:
        name: as `logs`, `kill` and `start` call it.
        state: up, down (no process, no pod) or sick (there, but does not answer).
        detail: pid, pods or what is wrong.
    """

    name: str
    state: str
    detail: str

    @property
    def up(self) -> bool:
        """Whether all is well."""
        return self.state == UP


def host_line(supervisor: Supervisor, name: str) -> Line:
    """A host process."""
    identity = supervisor.running(name)
    if identity is None:
        return Line(name, DOWN, "no process")
    if not supervisor.works(name):
        return Line(name, SICK, f"pid {identity.pid} does not answer ({supervisor[name].health})")
    return Line(name, UP, f"pid {identity.pid}")


def pod_lines(paths: Paths) -> list[Line]:
    """What runs inside the cluster."""
    try:
        with Api(paths, seconds=PATIENCE_SECONDS) as api:
            return _pod_lines(api)
    except (LabError, OSError):
        names = [*cluster.DEPLOYMENTS, "node"]
        return [Line(name, DOWN, "the API server does not say") for name in names]


def _pod_lines(api: Api) -> list[Line]:
    wanted = dict(cluster.DEPLOYMENTS)
    lines = []
    if cluster.replicas(api, "backend") != (0, 0):
        wanted["backend"] = "argo"
    for name, namespace in wanted.items():
        need, ready = cluster.replicas(api, name, namespace)
        state = UP if ready >= need > 0 else SICK if need else DOWN
        lines.append(Line(name, state, f"{ready} of {need} pods ready"))
    ready_node = cluster.node_ready(api)
    return [*lines, Line("node", UP if ready_node else SICK, "ready" if ready_node else "not ready")]


def look(paths: Paths, supervisor: Supervisor) -> list[Line]:
    """Every component, asked at the same time."""
    with ThreadPoolExecutor(12) as pool:
        pods = pool.submit(pod_lines, paths)
        hosts = list(pool.map(lambda name: host_line(supervisor, name), supervisor.components))
        return [*hosts, *pods.result()]


def table(lines: list[Line]) -> str:
    """The lines as text."""
    width = max(len(line.name) for line in lines)
    return "\n".join(
        f"{'✓' if line.up else '✗'} {line.name:<{width}}  {line.state:<4}  {line.detail}" for line in lines
    )
