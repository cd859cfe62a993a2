"""Everything the lab pins, in one place."""

from __future__ import annotations

KUBERNETES = "v1.36.3"
ARGO = "v4.0.5"
ARGO_COMMIT = "0ab1452144d8f4d57c50b37ce50dad218868e950"
ETCD = "v3.6.16"
GO_MINIMUM = (1, 26)
DEBIAN_SUITE = "bookworm"

ARGO_MODULE = "github.com/argoproj/argo-workflows/v4"
KUBERNETES_MODULE = "k8s.io/kubernetes"

# Debian 12's own names. The archive keeps them at one upstream version for the life of the release.
DEBIAN_PACKAGES = (
    "buildah",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "debootstrap",
    "iproute2",
    "iptables",
    "kmod",
    "nftables",
    "postgresql-15",
    "prometheus",
    "runc",
    "util-linux",
)

# What the Python image holds beyond Debian's minimal base.
IMAGE_PACKAGES = ("python3", "python3-distutils", "procps")
