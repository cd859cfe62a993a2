"""What is compiled: one recipe per Go module, with everything that decides its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rollout_lab import versions
from rollout_lab.paths import MODULES


@dataclass(frozen=True)
class Recipe:
    """How one Go module is compiled.

    Attributes:
        name: folder under `modules/`.
        version: what is shown to people.
        programs: the executables it must leave.
        packages: arguments of `go build`.
        stamps: values linked in with -X.
        mended: the upstream module that is copied and mended before the build.
        renames: what `go build` calls a program, if not what the lab calls it.
    """

    name: str
    version: str
    programs: tuple[str, ...]
    packages: tuple[str, ...] = ("tool",)
    stamps: tuple[tuple[str, str], ...] = ()
    mended: str = ""
    renames: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        """Where the committed go.mod and go.sum are."""
        return MODULES / self.name

    @property
    def flags(self) -> list[str]:
        """Flags of `go build`: no machine path inside, no symbols, the stamps."""
        stamps = [f"-X {name}={value}" for name, value in self.stamps]
        return ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s", "-w", *stamps])]

    def sources(self) -> list[Path]:
        """Committed files of the module, in a stable order."""
        return sorted(path for path in self.folder.iterdir() if path.suffix in {".mod", ".sum", ".go"})

    def inputs_hash(self, mends: str = "") -> str:
        """A hash of all that goes in, apart from the compiler."""
        digest = hashlib.sha256()
        for path in self.sources():
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
        digest.update(json.dumps([self.flags, self.packages, self.programs, mends]).encode())
        return digest.hexdigest()


def _argo_stamps() -> tuple[tuple[str, str], ...]:
    module = versions.ARGO_MODULE
    return (
        (f"{module}.version", versions.ARGO),
        (f"{module}.gitTag", versions.ARGO),
        (f"{module}.gitCommit", versions.ARGO_COMMIT),
        (f"{module}.gitTreeState", "clean"),
    )


ETCD = Recipe("etcd", versions.ETCD, ("etcd",), renames=(("server", "etcd"),))
KUBERNETES = Recipe(
    "kubernetes",
    versions.KUBERNETES,
    ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl", "kubelet"),
    stamps=(("k8s.io/component-base/version.gitVersion", versions.KUBERNETES),),
    mended=f"{versions.KUBERNETES_MODULE}@{versions.KUBERNETES}",
)
ARGO = Recipe(
    "argo",
    versions.ARGO,
    ("argo", "argoexec", "workflow-controller"),
    stamps=_argo_stamps(),
    mended=f"{versions.ARGO_MODULE}@{versions.ARGO}",
)
DNS = Recipe("dns", "CoreDNS", ("dns",), packages=(".",))
PAUSE = Recipe("pause", "own", ("pause",), packages=(".",))

ALL = (ETCD, KUBERNETES, ARGO, DNS, PAUSE)
