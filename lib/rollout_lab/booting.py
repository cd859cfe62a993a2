"""`rollout-lab up`: from nothing, from stopped, or from half-dead to a cluster that answers. Every stage may be repeated."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from rollout_lab import (
    backend,
    certificates,
    cluster,
    configuration,
    database,
    kubeconfig,
    network,
    preflight,
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
    "kubeconfig",
    "backend.json",
)
CONTROL = ("kube-controller-manager", "kube-scheduler", "kube-proxy")


class Boot:
    """One run of `up`."""

    def __init__(self, paths: Paths, inventory: Inventory, project: Path | None, timeline: Timeline) -> None:
        self.paths = paths
        self.inventory = inventory
        self.project = project
        self.timeline = timeline
        self.supervisor = Supervisor(paths, inventory)

    def run(self, backend_project: Path | None) -> None:
        """Go through all stages; independent ones at the same time.

        Args:
            backend_project: the checkout whose backend is brought up too; None for the cluster alone.
        """
        with self.timeline.stage("folders, certificates, bridge"):
            self.prepare()
        with ThreadPoolExecutor(8) as pool:
            images = pool.submit(self.containers)
            databases = pool.submit(self.databases)
            monitoring = pool.submit(self.monitoring)
            self.control_plane()
            with Api(self.paths) as api:
                self._fill(api, pool, images, databases)
                monitoring.result()
                if backend_project:
                    self.backend(api, backend_project)
        self.timeline.save(self.paths.state / "boot.json")

    def _fill(self, api: Api, pool: ThreadPoolExecutor, images: Future[None], databases: Future[None]) -> None:
        types = pool.submit(self.types, api)
        with self.timeline.stage("accounts, rights, settings"):
            self.identities(api)
        images.result()
        self.node()
        cluster.apply_file(self.paths, api, "40-dns.yaml")
        for done in (types, databases):
            done.result()
        cluster.apply_file(self.paths, api, "50-argo.yaml")
        self.ready(api)

    def prepare(self) -> None:
        """Everything on disk and the bridge; touches no process but leftovers of a cut-off start."""
        preflight.claim(self.paths)
        for folder in (self.paths.state, self.paths.logs, self.paths.runtime):
            folder.mkdir(parents=True, exist_ok=True)
        self.paths.state.chmod(0o755)
        self.supervisor.end_strays()
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

    def databases(self) -> None:
        """PostgreSQL with its databases."""
        with self.timeline.stage("postgresql"):
            database.ensure(self.paths)
            self.supervisor.start("postgresql")
            self.supervisor.wait("postgresql")

    def monitoring(self) -> None:
        """Prometheus and its list of targets."""
        with self.timeline.stage("prometheus"):
            self.supervisor.start("prometheus")
            self.supervisor.start("discovery")

    def control_plane(self) -> None:
        """Etcd and the API server; the kubelet is started anew after a new API server, or it would sleep for 24 s."""
        with self.timeline.stage("kube-apiserver"):
            self.supervisor.start("etcd")
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

    def node(self) -> None:
        """The kubelet, once the images are there: a pod that misses its image would back off."""
        self.supervisor.start("kubelet")

    def ready(self, api: Api) -> None:
        """Wait for everything that was started."""
        with self.timeline.stage("node ready"):
            api.wait("The node being ready", lambda: cluster.node_ready(api), 60)
        for name, namespace in cluster.DEPLOYMENTS.items():
            with self.timeline.stage(f"{name} ready"):
                cluster.wait_deployment(api, name, namespace)
        with self.timeline.stage("services answer, volume bound"):
            api.wait("An answer of every service", lambda: cluster.services_answer(api), 60)
            api.wait("The Argo Server's answer on its node port", cluster.argo_answers, 30)
            api.wait("The claim task-results-pvc being bound", lambda: cluster.claim_bound(api), 30)
            for name in ("prometheus", "discovery", *CONTROL, "kubelet"):
                self.supervisor.wait(name)

    def backend(self, api: Api, project: Path) -> None:
        """The backend: image, manifests, answer."""
        with self.timeline.stage("backend image"):
            name = backend.load(self.paths, self.inventory, project)
        with self.timeline.stage("backend answers"):
            backend.deploy(self.paths, self.inventory, project, name)
            cluster.wait_deployment(api, "backend")
            backend.wait_ready()


def drop_data(paths: Paths) -> None:
    """Forget what the cluster knew; the lab must be down."""
    for name in DATA:
        path = paths.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
