"""The two mends without which Argo's module, as the module proxy serves it, does not build.

The module lacks the built user interface that it embeds (we put one page there: the lab has no browser interface), and
the file with the Linux signals of argoexec; the one for Darwin is plain POSIX and serves as it is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rollout_lab.commands import run
from rollout_lab.errors import LabError
from rollout_lab.toolchain import ENVIRONMENT, Go

PAGE = '<!doctype html><base href="/"><title>Argo Server</title><p>This lab serves the API only.</p>\n'
SIGNALS = Path("workflow/executor/osspecific")
DESCRIPTION = f"ui/dist/app/index.html={PAGE} {SIGNALS}/signal_linux.go=signal_darwin.go"


def download(go: Go, module: str) -> Path:
    """Fetch a module with its checksum verified and return its folder in the module cache."""
    done = run([go.command, "mod", "download", "-json", module], env=ENVIRONMENT, timeout=600, check=False)
    answer = json.loads(done.stdout or "{}")
    if "Dir" not in answer:
        reason = answer.get("Error") or done.stderr.strip() or "no answer"
        raise LabError(f"Go could not fetch {module}: {reason}. Check GOPROXY and the network, then build again.")
    return Path(answer["Dir"])


def mended_copy(go: Go, module: str, target: Path) -> None:
    """Copy a module out of the (read-only) module cache and apply the mends."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(download(go, module), target, ignore=shutil.ignore_patterns("docs", "sdks"))
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    page = target / "ui/dist/app/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    shutil.copyfile(target / SIGNALS / "signal_darwin.go", target / SIGNALS / "signal_linux.go")
