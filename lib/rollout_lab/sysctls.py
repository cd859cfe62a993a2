"""Kernel settings: what the lab and its components change is written down first and put back on `down`."""

from __future__ import annotations

import json
from pathlib import Path

PROC_SYS = Path("/proc/sys")

# Set by the lab itself.
WANTED = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}

# Set by the kubelet (kernel, vm) and by kube-proxy (route_localnet, conntrack) on their own.
TOUCHED = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "net/bridge/bridge-nf-call-iptables",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


def read(names: tuple[str, ...] = TOUCHED, root: Path = PROC_SYS) -> dict[str, str]:
    """Present values; a setting this kernel does not have is left out."""
    return {name: (root / name).read_text().strip() for name in names if (root / name).exists()}


def remember(file: Path, root: Path = PROC_SYS) -> None:
    """Write down the values as found, once: a second `up` must not take our own for the original ones."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(read(root=root), indent=2))


def apply(root: Path = PROC_SYS) -> None:
    """Set what pods and services need."""
    for name, value in WANTED.items():
        if (root / name).exists():
            _set(root / name, value)


def restore(file: Path, root: Path = PROC_SYS) -> None:
    """Put the remembered values back."""
    if not file.exists():
        return
    for name, value in json.loads(file.read_text()).items():
        if (root / name).exists():
            _set(root / name, value)
    file.unlink()


def _set(path: Path, value: str) -> None:
    if path.read_text().strip() != value:
        path.write_text(value)
