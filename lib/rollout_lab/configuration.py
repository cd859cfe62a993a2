"""Configuration files of the components, written anew by each `up`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from rollout_lab import cgroups, images
from rollout_lab.addresses import BRIDGE, DNS_SERVICE, LOOPBACK, NODE_ADDRESS, POD_RANGE
from rollout_lab.paths import Paths

CNI_PROGRAMS = "/usr/lib/cni"


def write_all(paths: Paths) -> None:
    """Write every configuration file that would be another one: kube-proxy ends itself when its file is written."""
    texts = {
        paths.config / "containerd.toml": containerd(paths, may_lower=cgroups.may_lower_oom_score()),
        paths.state / "cni/net.d/10-lab.conflist": json.dumps(cni(paths), indent=2),
        paths.config / "kubelet.yaml": _yaml(kubelet(paths, cgroups.version())),
        paths.config / "kube-proxy.yaml": _yaml(kube_proxy(paths)),
        paths.config / "prometheus.yaml": _yaml(prometheus(paths)),
    }
    for path, text in texts.items():
        write_changed(path, text)


def write_changed(path: Path, text: str) -> bool:
    """Write a file unless it holds the same already; whether it was written."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def containerd(paths: Paths, *, may_lower: bool) -> str:
    """Containerd with every folder and socket of its own, beside one of the distribution's."""
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = "{paths.containerd}"
state = "{paths.runtime}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
address = "{paths.socket}"

[ttrpc]
address = "{paths.socket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
path = "{paths.containerd}/opt"

[{cri}]
sandbox_image = "{images.PAUSE}"
restrict_oom_score_adj = {str(not may_lower).lower()}
netns_mounts_under_state_dir = true
disable_tcp_service = true

[{cri}.cni]
bin_dir = "{CNI_PROGRAMS}"
conf_dir = "{paths.state}/cni/net.d"

[{cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[{cri}.containerd.runtimes.runc.options]
Root = "{paths.runtime}/runc"
SystemdCgroup = false
"""


def cni(paths: Paths) -> dict[str, Any]:
    """Pods on the lab's bridge; no masquerading: they reach each other and this machine, not the internet."""
    address_management = {
        "type": "host-local",
        "dataDir": str(paths.state / "cni/networks"),
        "ranges": [[{"subnet": POD_RANGE, "gateway": NODE_ADDRESS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": address_management}
    return {"cniVersion": "0.4.0", "name": "lab", "plugins": [bridge]}


def kubelet(paths: Paths, cgroup_version: int) -> dict[str, Any]:
    """The kubelet: on the bridge only, no pod or image evicted for a full disk, no use of the host's resolv.conf."""
    certificates = paths.certificates
    settings: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "healthzBindAddress": LOOPBACK,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificates / "kubelet.crt"),
        "tlsPrivateKeyFile": str(certificates / "kubelet.key"),
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": f"unix://{paths.socket}",
        "podLogsDir": str(paths.state / "pod-logs"),
        "volumePluginDir": str(paths.kubelet / "volume-plugins"),
        "clusterDomain": "cluster.local",
        "clusterDNS": [DNS_SERVICE],
        "resolvConf": "",
        "failSwapOn": False,
        "maxPods": 250,
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "imagefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "registryPullQPS": 0,
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        "eventRecordQPS": 0,
        "nodeStatusReportFrequency": "1m",
        "shutdownGracePeriod": "0s",
    }
    if cgroup_version == 1:
        settings["failCgroupV1"] = False
    return settings


def kube_proxy(paths: Paths) -> dict[str, Any]:
    """kube-proxy: node ports on loopback only, rules written within 100 ms of a change, conntrack limits left alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(paths.kubeconfigs / "proxy.yaml")},
        "mode": "iptables",
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": "lab",
        "bindAddress": NODE_ADDRESS,
        "healthzBindAddress": f"{LOOPBACK}:10256",
        "metricsBindAddress": f"{LOOPBACK}:10249",
        "nodePortAddresses": ["127.0.0.0/8"],
        "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s", "localhostNodePorts": True},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def prometheus(paths: Paths) -> dict[str, Any]:
    """Prometheus: services from a file the lab keeps up to date, the kubelet by its own address, rules if there are."""
    certificates = paths.certificates
    tls = {
        "ca_file": str(certificates / "ca.crt"),
        "cert_file": str(certificates / "prometheus.crt"),
        "key_file": str(certificates / "prometheus.key"),
    }
    node = {"scheme": "https", "tls_config": tls, "static_configs": [{"targets": [f"{NODE_ADDRESS}:10250"]}]}
    api = {"scheme": "https", "tls_config": tls, "static_configs": [{"targets": [f"{NODE_ADDRESS}:6443"]}]}
    found = {"files": [str(paths.state / "prometheus-targets/*.json")], "refresh_interval": "1s"}
    by_service = [{"source_labels": ["service"], "target_label": "job"}]
    return {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "5s"},
        "rule_files": [str(paths.alerts / "*.yaml")],
        "scrape_configs": [
            {"job_name": "services", "file_sd_configs": [found], "relabel_configs": by_service},
            {"job_name": "cadvisor", "metrics_path": "/metrics/cadvisor", **node},
            {"job_name": "resource", "metrics_path": "/metrics/resource", **node},
            {"job_name": "apiserver", "scrape_interval": "10s", "scrape_timeout": "5s", **api},
        ],
    }
