"""`rollout-lab up`: from nothing, stopped or half-dead to a cluster that answers; every stage is repeatable."""

from __future__ import annotations

import shutil
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from rollout_lab import (
    backend,
    backfill,
    certificates,
    cluster,
    configuration,
    database,
    kubeconfig,
    network,
    preflight,
    probing,
    runtime,
    traces,
)
from rollout_lab.api import Api
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.supervision import Supervisor
from rollout_lab.timeline import Timeline

# What a cluster knows; certificates, passwords and the image store outlive `--fresh`.
DATA = (
    "etcd",
    "postgres",
    "kubelet",
    "pod-logs",
    "volumes",
    "prometheus",
    "prometheus-targets",
    "prometheus-rules",
    "kubeconfig",
    "backend.json",
    "notices.jsonl",
    "notices.old.jsonl",
)
STEADY_LOOKS, STEADY_PAUSE_SECONDS = 8, 0.25
KUBELET_PAUSE_SECONDS = 0.5
CONTROL = ("kube-controller-manager", "kube-scheduler", "kube-proxy")


class Boot:
    """One run of `up`.

    Args:
        paths: the lab's folders.
        inventory: what is built.
        project: the checkout whose deploy/rbac gives the operator's rights; None uses the stand-in.
        with_backend: whether the checkout's backend is brought up too.
        timeline: where the stages are shown and kept.
    """

    def __init__(
        self, paths: Paths, inventory: Inventory, project: Path | None, timeline: Timeline, *, with_backend: bool
    ) -> None:
        self.paths = paths
        self.inventory = inventory
        self.project = project
        self.backend_project = project if with_backend else None
        self.timeline = timeline
        self.supervisor = Supervisor(paths, inventory)
        self.had_data = (paths.state / "etcd").exists()

    def run(self) -> None:
        """Go through all stages; independent ones at the same time."""
        with self.timeline.stage("folders, certificates, bridge"):
            self.prepare()
        with ThreadPoolExecutor(8) as pool:
            images = pool.submit(self.containers)
            backend_image = pool.submit(self.backend_image, images)
            others = [pool.submit(self.databases), pool.submit(self.monitoring)]
            self.control_plane()
            with Api(self.paths) as api:
                node = pool.submit(self.node, images)
                types = pool.submit(self.types, api)
                with self.timeline.stage("accounts, rights, settings"):
                    self.identities(api)
                for done in (*others, node):
                    done.result()
                self.pods(api, backend_image.result())
                types.result()
                cluster.apply_file(self.paths, api, "50-argo.yaml")
                self.ready(api)
        self.timeline.save(self.paths.state / "boot.json")

    def prepare(self) -> None:
        """Everything on disk and the bridge; touches no process but leftovers of a cut-off start."""
        preflight.claim(self.paths)
        targets = self.paths.state / "prometheus-targets"
        for folder in (self.paths.state, self.paths.logs, self.paths.runtime, targets, self.paths.alerts):
            folder.mkdir(parents=True, exist_ok=True)
        self.paths.state.chmod(0o755)
        self.supervisor.end_strays()
        self.supervisor.require_free_ports()
        preflight.require_free_node_ports()
        certificates.ensure(self.paths.certificates)
        kubeconfig.write_components(self.paths)
        configuration.write_all(self.paths)
        traces.remember(self.paths.runtime / "traces.json")
        network.ensure(self.paths)

    def containers(self) -> None:
        """The container runtime and the images in it."""
        with self.timeline.stage("containerd"):
            self.supervisor.start("containerd")
            self.supervisor.wait("containerd")
        with self.timeline.stage("images imported"):
            runtime.import_missing(self.paths, self.inventory.images)

    def backend_image(self, images: Future[None]) -> str:
        """The backend's image, built if its code changed; returns its name, "" without a backend."""
        images.result()
        if self.backend_project is None:
            return ""
        with self.timeline.stage("backend image"):
            return backend.load(self.paths, self.inventory, self.backend_project)

    def databases(self) -> None:
        """PostgreSQL with its databases."""
        with self.timeline.stage("postgresql"):
            database.ensure(self.paths)
            self.supervisor.start("postgresql")
            self.supervisor.wait("postgresql")

    def monitoring(self) -> None:
        """Prometheus and its list of targets, a new one given a recorded week first; and who takes the notices."""
        if not (self.paths.state / "prometheus").exists():
            with self.timeline.stage("recorded week"):
                backfill.ensure(self.paths, datetime.now(UTC))
        with self.timeline.stage("prometheus"):
            # One that does not answer yet has only just read them, and would be ended by the signal.
            if not self.supervisor.start("prometheus") and self.supervisor.works("prometheus"):
                self.supervisor.reread("prometheus")
            self.supervisor.start("discovery")
        self.supervisor.start("webhook")

    def control_plane(self) -> None:
        """Etcd and the API server.

        After a new etcd the API server is started anew, or it takes 15 s to find it; after a new API server the
        kubelet, or it sleeps for 24 s.
        """
        with self.timeline.stage("kube-apiserver"):
            if self.supervisor.start("etcd"):
                self.supervisor.stop("kube-apiserver", number=signal.SIGKILL)
            if self.supervisor.start("kube-apiserver"):
                self.supervisor.stop("kubelet", patience=5)
            self.supervisor.wait("kube-apiserver")
        for name in CONTROL:
            self.supervisor.start(name)

    def types(self, api: Api) -> None:
        """Argo's CRDs."""
        with self.timeline.stage("Argo's CRDs"):
            cluster.apply_crds(api, self.inventory)

    def identities(self, api: Api) -> None:
        """Accounts, rights, settings, services."""
        kubectl = self.inventory.program("kubectl")
        cluster.apply_identities(self.paths, api, self.project, kubectl)
        for name in ("20-settings.yaml", "30-services.yaml"):
            cluster.apply_file(self.paths, api, name)

    def node(self, images: Future[None]) -> None:
        """The kubelet, once the images are there: a pod that misses one would back off."""
        images.result()
        self.supervisor.start("kubelet")

    def kubelet_runs(self) -> bool:
        """Whether the kubelet runs; started again if it ended, as an init system does.

        containerd takes a second for every 70 pods that it kept to read them back, and the kubelet, refused until
        then, ends.
        """
        if self.supervisor.running("kubelet"):
            return True
        time.sleep(KUBELET_PAUSE_SECONDS)
        self.supervisor.start("kubelet")
        return False

    def pods(self, api: Api, backend_image: str) -> None:
        """Pods that need no CRD."""
        cluster.apply_file(self.paths, api, "40-dns.yaml")
        if self.backend_project:
            backend.deploy(self.paths, api, self.inventory, self.backend_project, backend_image)

    def ready(self, api: Api) -> None:
        """Wait for everything that was started."""
        with self.timeline.stage("node ready"):
            api.wait("The node being ready", lambda: self.kubelet_runs() and cluster.node_ready(api), 120)
        containers = cluster.containers(with_backend=self.backend_project is not None)
        with self.timeline.stage("pods found ready by this kubelet"):
            api.wait(
                "The kubelet finding its pods ready",
                lambda: self.kubelet_runs() and probing.ready(self.paths, containers),
                180,
            )
        for name, namespace in cluster.DEPLOYMENTS.items():
            with self.timeline.stage(f"{name} ready"):
                cluster.wait_deployment(api, name, namespace)
        with self.timeline.stage("services answer, volume bound"):
            api.wait("An answer of every service", lambda: cluster.services_answer(api), 60)
            api.wait("The Argo Server's answer on its node port", cluster.argo_answers, 30)
            api.wait("The claim task-results-pvc being bound", lambda: cluster.claim_bound(api), 30)
        if self.backend_project:
            with self.timeline.stage("backend answers"):
                cluster.wait_deployment(api, "backend")
                backend.wait_ready()
        with self.timeline.stage("every component answers"):
            for name in self.supervisor.components:
                self.supervisor.wait(name)
        if self.had_data:
            with self.timeline.stage("pods stay ready"):
                api.wait("The pods staying ready", lambda: self.steady(api), 60)

    @staticmethod
    def steady(api: Api) -> bool:
        """Whether every Deployment is ready, and is so at each look for a while.

        From an earlier boot the API server remembers pods as ready that the kubelet is only about to start anew.
        """
        for _ in range(STEADY_LOOKS):
            counts = [cluster.replicas(api, name, namespace) for name, namespace in cluster.DEPLOYMENTS.items()]
            if not all(ready >= need > 0 for need, ready in counts):
                return False
            time.sleep(STEADY_PAUSE_SECONDS)
        return True


def drop_data(paths: Paths) -> None:
    """Forget what the cluster knew; the lab must be down."""
    for name in DATA:
        path = paths.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
