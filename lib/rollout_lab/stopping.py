"""`rollout-lab down`: the lab ends, nothing of it stays but its state folder; works on a half-dead lab too."""

from __future__ import annotations

import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from rollout_lab import cgroups, mounts, network, processes, traces
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster
from rollout_lab.timeline import Timeline

CLIENTS = ("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy", "prometheus", "discovery", "webhook")
SHIMS = frozenset({"containerd-shim-runc-v2"})
SHIM_SECONDS = 5.0


def stop(paths: Paths, timeline: Timeline) -> None:
    """End all processes in an order in which none waits for another, then remove what they leave."""
    roster = Roster(paths)
    with timeline.stage("kubelet, controllers, Prometheus"):
        roster.stop(*CLIENTS, patience=8)
    with timeline.stage("pods"):
        cgroups.kill_members()
        _end_shims(paths)
    with timeline.stage("kube-apiserver, etcd, containerd, PostgreSQL"), ThreadPoolExecutor(3) as pool:
        pool.submit(roster.stop, "containerd")
        pool.submit(roster.stop, "postgresql", number=signal.SIGINT)
        roster.stop("kube-apiserver", patience=8)
        roster.stop("etcd")
    roster.end_strays()
    with timeline.stage("mounts, links, chains, control groups, kernel settings"):
        clean(paths)


def _end_shims(paths: Paths) -> None:
    """Containerd takes its shims down once their containers have ended; those that stay are killed."""
    deadline = time.monotonic() + SHIM_SECONDS
    while shims := processes.strays(SHIMS, str(paths.runtime)):
        if time.monotonic() > deadline:
            processes.end(shims, number=signal.SIGKILL)
            return
        time.sleep(processes.STEP)


def clean(paths: Paths) -> None:
    """Remove what no process holds any more."""
    mounts.remove(paths.state, paths.runtime)
    network.remove(paths)
    if left := cgroups.remove():
        raise LabError(
            f"The control group {left[0]} cannot be removed: something still runs in it. Run `rollout-lab down` again."
        )
    traces.remove(paths.runtime / "traces.json")
    shutil.rmtree(paths.runtime, ignore_errors=True)
