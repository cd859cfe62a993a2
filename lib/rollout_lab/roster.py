"""The lab's processes as their identity files know them: enough to look and to end, also when nothing is built."""

from __future__ import annotations

import signal
from pathlib import Path

from rollout_lab import processes
from rollout_lab.paths import Paths
from rollout_lab.processes import Identity, PidFile

NAMES = (
    "containerd",
    "etcd",
    "postgresql",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "prometheus",
    "discovery",
    "webhook",
)
PROGRAMS = frozenset({*NAMES, "postgres", "rollout_lab.discovery", "rollout_lab.webhook"})


class Roster:
    """Who runs."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def pid_file(self, name: str) -> PidFile:
        """Where a component's identity is kept."""
        return PidFile(self.paths.pids / f"{name}.json")

    def log(self, name: str) -> Path:
        """A component's log file."""
        return self.paths.logs / f"{name}.log"

    def running(self, name: str) -> Identity | None:
        """The running process of a component."""
        return self.pid_file(name).running()

    def any_running(self) -> bool:
        """Whether any component runs."""
        return any(self.running(name) for name in NAMES)

    def stop(self, *names: str, number: int = signal.SIGTERM, patience: float = 10.0) -> None:
        """End components together; a pid that belongs to somebody else by now is left alone."""
        identities = [identity for name in names if (identity := self.running(name))]
        processes.end(identities, number=number, patience=patience)
        for name in names:
            self.pid_file(name).remove()

    def reread(self, name: str) -> None:
        """Have a component read its settings again; only Prometheus is known to, others may end by it."""
        if identity := self.running(name):
            identity.send(signal.SIGHUP)

    def strays(self) -> list[Identity]:
        """Processes of the lab that no identity file knows: left by a start that was cut off."""
        known = {identity.pid for name in NAMES if (identity := self.running(name))}
        found = processes.strays(PROGRAMS, str(self.paths.state), str(self.paths.runtime))
        return [one for one in found if one.pid not in known and processes.parent(one.pid) not in known]

    def end_strays(self) -> None:
        """End what a cut-off start left."""
        processes.end(self.strays(), patience=5)
