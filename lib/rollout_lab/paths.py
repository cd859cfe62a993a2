"""Where the lab keeps what: cache, state, runtime."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RUNTIME = Path("/run/rollout-lab")
PACKAGE = Path(__file__).parent
MODULES = PACKAGE / "modules"
MANIFESTS = PACKAGE / "manifests"
PINS = PACKAGE / "pins"


@dataclass(frozen=True)
class Paths:
    """The folders of one lab.

    Attributes:
        cache: what `build` makes; may be deleted, costs a build.
        state: what a cluster knows: etcd, databases, certificates, images, logs.
        runtime: sockets, pid files and what has to be put back on `down`; gone at reboot.
    """

    cache: Path
    state: Path
    runtime: Path = RUNTIME

    @classmethod
    def from_environment(cls) -> Paths:
        """Read ROLLOUT_LAB_CACHE, ROLLOUT_LAB_STATE and XDG_CACHE_HOME; fall back to the usual places."""
        home_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        cache = os.environ.get("ROLLOUT_LAB_CACHE")
        state = os.environ.get("ROLLOUT_LAB_STATE") or "/var/lib/rollout-lab"
        return cls(Path(cache) if cache else home_cache / "rollout-lab", Path(state))

    @property
    def builds(self) -> Path:
        """Finished builds, one folder per part and content hash."""
        return self.cache / "builds"

    @property
    def bin(self) -> Path:
        """Links to the programs people use: kubectl and argo."""
        return self.cache / "bin"

    @property
    def work(self) -> Path:
        """Scratch of a build; a cut-off build leaves only this dirty."""
        return self.cache / "work"

    @property
    def certificates(self) -> Path:
        """The lab's own CA, keys and certificates."""
        return self.state / "certificates"

    @property
    def kubeconfigs(self) -> Path:
        """Kubeconfigs of the components."""
        return self.state / "kubeconfigs"

    @property
    def config(self) -> Path:
        """Configuration files written anew by each `up`."""
        return self.state / "config"

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.state / "logs"

    @property
    def pids(self) -> Path:
        """One identity file per running component."""
        return self.runtime / "pids"

    @property
    def containerd(self) -> Path:
        """The root folder of containerd: images and snapshots."""
        return self.state / "containerd"

    @property
    def kubelet(self) -> Path:
        """The root folder of the kubelet."""
        return self.state / "kubelet"

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.runtime / "containerd.sock"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig for people and for the kit."""
        return self.state / "kubeconfig"

    @property
    def notices(self) -> Path:
        """What the lab's own receiver of notices was told, one JSON line each."""
        return self.state / "notices.jsonl"

    @property
    def alerts(self) -> Path:
        """Prometheus' rule files, none at first: whoever puts one there has Prometheus read its settings again."""
        return self.state / "prometheus-rules"

    @property
    def secrets(self) -> Path:
        """Passwords made once per lab."""
        return self.state / "secrets.json"
