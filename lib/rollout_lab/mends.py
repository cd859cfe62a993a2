"""What is changed in upstream's modules before they are built: two files for Argo, one constant for Kubernetes.

Argo's module, as the module proxy serves it, lacks the built user interface that it embeds (we put one page there: the
lab has no browser interface), and the file with the Linux signals of argoexec; the one for Darwin is plain POSIX and
serves as it is.

The kubelet looks at its containers once a second, and no setting changes that. A workflow's pod waits for five looks,
which is most of its time here: the lab's kubelet looks more often.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rollout_lab import versions
from rollout_lab.commands import run
from rollout_lab.errors import LabError
from rollout_lab.toolchain import ENVIRONMENT, Go

PAGE = '<!doctype html><base href="/"><title>Argo Server</title><p>This lab serves the API only.</p>\n'
SIGNALS = Path("workflow/executor/osspecific")
KUBELET = Path("pkg/kubelet/kubelet.go")
RELIST, RELIST_HERE = "genericPlegRelistPeriod    = time.Second * 1\n", "genericPlegRelistPeriod    = time.Second / 5\n"


def _mend_argo(folder: Path) -> None:
    page = folder / "ui/dist/app/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    shutil.copyfile(folder / SIGNALS / "signal_darwin.go", folder / SIGNALS / "signal_linux.go")


def _mend_kubernetes(folder: Path) -> None:
    file = folder / KUBELET
    before = file.read_text()
    if before.count(RELIST) != 1:
        raise LabError(f"{KUBELET} has no line {RELIST.strip()!r}: see what took its place, and change `mends.py`.")
    file.write_text(before.replace(RELIST, RELIST_HERE))


@dataclass(frozen=True)
class Mend:
    """What is done to a copy of a module.

    Attributes:
        description: all that decides the result; part of the build's key.
        apply: does it, in the copy's folder.
        left_out: names of folders that no program here needs.
    """

    description: str
    apply: Callable[[Path], None]
    left_out: tuple[str, ...]


MENDS = {
    f"{versions.ARGO_MODULE}@{versions.ARGO}": Mend(
        f"ui/dist/app/index.html={PAGE} {SIGNALS}/signal_linux.go=signal_darwin.go", _mend_argo, ("docs", "sdks")
    ),
    f"{versions.KUBERNETES_MODULE}@{versions.KUBERNETES}": Mend(
        f"{KUBELET}: {RELIST_HERE}", _mend_kubernetes, ("test",)
    ),
}


def download(go: Go, module: str) -> Path:
    """Fetch a module with its checksum verified and return its folder in the module cache."""
    done = run([go.command, "mod", "download", "-json", module], env=ENVIRONMENT, timeout=600, check=False)
    answer = json.loads(done.stdout or "{}")
    if "Dir" not in answer:
        reason = answer.get("Error") or done.stderr.strip() or "no answer"
        raise LabError(f"Go could not fetch {module}: {reason}. Check GOPROXY and the network, then build again.")
    return Path(answer["Dir"])


def mended_copy(go: Go, module: str, target: Path) -> None:
    """Copy a module out of the (read-only) module cache and apply its mend."""
    mend = MENDS[module]
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(download(go, module), target, ignore=shutil.ignore_patterns(*mend.left_out))
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    mend.apply(target)
