"""The processes of the lab on the host: how each is started, where it listens, how one sees that it answers."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rollout_lab.addresses import (
    API_SERVER,
    ETCD,
    LOOPBACK,
    NODE,
    NODE_ADDRESS,
    NODE_PORTS,
    NOTICES,
    NOTICES_PORT,
    POSTGRES_PORT,
    PROMETHEUS,
    SERVICE_RANGE,
    Endpoint,
)
from rollout_lab.errors import NotBuilt
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths

POSTGRES_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DISCOVERY_MODULE = "rollout_lab.discovery"
WEBHOOK_MODULE = "rollout_lab.webhook"
OWN_MODULES = {"PYTHONPATH": str(Path(__file__).parent.parent)}


@dataclass(frozen=True)
class Component:
    """A process of the lab.

    Attributes:
        name: as `status`, `logs`, `kill` and `start` call it.
        argv: program and arguments.
        listens: addresses that must be free before it starts.
        health: what answers when it works: http(s)://, tcp://, unix:// or file:// (touched every few seconds).
        user: account it runs as.
        env: variables it needs.
    """

    name: str
    argv: tuple[str, ...]
    listens: tuple[Endpoint, ...] = ()
    health: str = ""
    user: str | None = None
    env: dict[str, str] = field(default_factory=dict)


Maker = Callable[[Paths, Inventory], Component]


def installed(name: str) -> str:
    """The path of a program of Debian's."""
    found = shutil.which(name)
    if found is None:
        raise NotBuilt(
            f"The program `{name}` is not there. Run `rollout-lab build`, which installs Debian's package of it."
        )
    return found


def containerd(paths: Paths, _: Inventory) -> Component:
    """The container runtime, Debian's."""
    argv = (installed("containerd"), "--config", f"{paths.config}/containerd.toml")
    return Component("containerd", argv, health=f"unix://{paths.socket}")


def etcd(paths: Paths, inventory: Inventory) -> Component:
    """The cluster's memory; without fsync, which only a power cut could tell."""
    peer = f"http://{LOOPBACK}:2380"
    argv = (
        str(inventory.program("etcd")),
        f"--name={NODE}",
        f"--data-dir={paths.state}/etcd",
        f"--listen-client-urls={ETCD}",
        f"--advertise-client-urls={ETCD}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={NODE}={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        "--watch-progress-notify-interval=5s",
    )
    return Component("etcd", argv, (Endpoint(LOOPBACK, 2379), Endpoint(LOOPBACK, 2380)), f"{ETCD}/health")


def kube_apiserver(paths: Paths, inventory: Inventory) -> Component:
    """The API server, on the bridge only."""
    folder = paths.certificates
    argv = (
        str(inventory.program("kube-apiserver")),
        f"--bind-address={NODE_ADDRESS}",
        f"--advertise-address={NODE_ADDRESS}",
        "--secure-port=6443",
        f"--etcd-servers={ETCD}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--service-node-port-range={NODE_PORTS}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--client-ca-file={folder}/ca.crt",
        f"--tls-cert-file={folder}/server.crt",
        f"--tls-private-key-file={folder}/server.key",
        f"--kubelet-client-certificate={folder}/apiserver-client.crt",
        f"--kubelet-client-key={folder}/apiserver-client.key",
        f"--kubelet-certificate-authority={folder}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={folder}/service-accounts.key",
        f"--service-account-signing-key-file={folder}/service-accounts.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--shutdown-send-retry-after",
        "--shutdown-delay-duration=0s",
        "--allow-privileged=true",
        "--profiling=false",
    )
    # Argo's CRDs are 11 MB of schema: collecting garbage less often halves the time they take.
    memory = {"GOGC": "400", "GOMEMLIMIT": "1200MiB"}
    return Component("kube-apiserver", argv, (Endpoint(NODE_ADDRESS, 6443),), f"{API_SERVER}/readyz", env=memory)


def kube_controller_manager(paths: Paths, inventory: Inventory) -> Component:
    """The controllers."""
    argv = (
        str(inventory.program("kube-controller-manager")),
        f"--kubeconfig={paths.kubeconfigs}/controller-manager.yaml",
        f"--bind-address={LOOPBACK}",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={paths.certificates}/ca.crt",
        f"--service-account-private-key-file={paths.certificates}/service-accounts.key",
        "--pvclaimbinder-sync-period=1s",
        f"--flex-volume-plugin-dir={paths.kubelet}/volume-plugins",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    )
    health = f"https://{LOOPBACK}:10257/healthz"
    return Component("kube-controller-manager", argv, (Endpoint(LOOPBACK, 10257),), health)


def kube_scheduler(paths: Paths, inventory: Inventory) -> Component:
    """The scheduler."""
    argv = (
        str(inventory.program("kube-scheduler")),
        f"--kubeconfig={paths.kubeconfigs}/scheduler.yaml",
        f"--bind-address={LOOPBACK}",
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    )
    return Component("kube-scheduler", argv, (Endpoint(LOOPBACK, 10259),), f"https://{LOOPBACK}:10259/healthz")


def kubelet(paths: Paths, inventory: Inventory) -> Component:
    """The kubelet; the flags beside its file have no place in that file (cAdvisor's socket and pace)."""
    argv = (
        str(inventory.program("kubelet")),
        f"--config={paths.config}/kubelet.yaml",
        f"--kubeconfig={paths.kubeconfigs}/node.yaml",
        f"--root-dir={paths.kubelet}",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_ADDRESS}",
        f"--containerd={paths.socket}",
        "--housekeeping-interval=2s",
    )
    listens = (Endpoint(NODE_ADDRESS, 10250), Endpoint(LOOPBACK, 10248))
    return Component("kubelet", argv, listens, f"http://{LOOPBACK}:10248/healthz")


def kube_proxy(paths: Paths, inventory: Inventory) -> Component:
    """Service addresses and node ports."""
    argv = (str(inventory.program("kube-proxy")), f"--config={paths.config}/kube-proxy.yaml")
    listens = (Endpoint(LOOPBACK, 10249), Endpoint(LOOPBACK, 10256))
    return Component("kube-proxy", argv, listens, f"http://{LOOPBACK}:10256/livez")


def postgresql(paths: Paths, _: Inventory) -> Component:
    """A PostgreSQL of the lab's own, as the account Debian made for it; never Debian's cluster."""
    program = POSTGRES_PROGRAMS / "postgres"
    if not program.exists():
        raise NotBuilt(f"{program} is not there. Run `rollout-lab build`, which installs it.")
    argv = (str(program), "-D", f"{paths.state}/postgres")
    endpoint = Endpoint(NODE_ADDRESS, POSTGRES_PORT)
    return Component("postgresql", argv, (endpoint,), f"tcp://{endpoint}", user="postgres")


def prometheus(paths: Paths, _: Inventory) -> Component:
    """Prometheus, Debian's program with a folder of the lab's own; its memory holds the recorded week too."""
    argv = (
        installed("prometheus"),
        f"--config.file={paths.config}/prometheus.yaml",
        f"--storage.tsdb.path={paths.state}/prometheus",
        "--storage.tsdb.retention.time=10d",
        f"--web.listen-address={LOOPBACK}:9090",
        "--log.level=warn",
    )
    return Component("prometheus", argv, (Endpoint(LOOPBACK, 9090),), f"{PROMETHEUS}/-/healthy")


def discovery(paths: Paths, _: Inventory) -> Component:
    """Keeps the list of what Prometheus scrapes: Debian's build cannot ask Kubernetes itself."""
    targets = f"{paths.state}/prometheus-targets/services.json"
    argv = (sys.executable, "-m", DISCOVERY_MODULE, targets, str(paths.certificates))
    return Component("discovery", argv, health=f"file://{targets}", env=OWN_MODULES)


def webhook(paths: Paths, _: Inventory) -> Component:
    """Takes the notices of a rollout that is practised here: nobody else need be told of it."""
    argv = (sys.executable, "-m", WEBHOOK_MODULE, str(paths.notices))
    return Component("webhook", argv, (Endpoint(LOOPBACK, NOTICES_PORT),), NOTICES, env=OWN_MODULES)


MAKERS: tuple[Maker, ...] = (
    containerd,
    etcd,
    postgresql,
    kube_apiserver,
    kube_controller_manager,
    kube_scheduler,
    kubelet,
    kube_proxy,
    prometheus,
    discovery,
    webhook,
)


def all_components(paths: Paths, inventory: Inventory) -> dict[str, Component]:
    """Every component by name, in the order of a start."""
    made = [maker(paths, inventory) for maker in MAKERS]
    return {component.name: component for component in made}
