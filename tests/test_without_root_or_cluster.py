"""The kit without the lab: it imports, and its pure tests pass, for somebody who is not root and reaches no cluster.

In a user namespace without a mapping the process is nobody and may nothing; in a network namespace there is only its
own loopback, on which no API server, Argo Server, backend or Prometheus listens.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SANDBOX = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c",
           'ip link set lo up && exec unshare --user "$@"', "sandbox"]  # fmt: skip
LOOK = """
import importlib, os, pkgutil, socket, sys
import hera_rollout
names = [one.name for one in pkgutil.walk_packages(hera_rollout.__path__, "hera_rollout.")]
for name in names:
    importlib.import_module(name)
assert os.geteuid() != 0
assert not [one for one in sys.modules if one.partition(".")[0] in {"rollout_lab", "reference_backend"}]
for port in (6443, 8000, 9090, 32746):
    assert socket.socket().connect_ex(("127.0.0.1", port))
print(len(names))
"""


def sandboxed(home: Path, *words: str, seconds: float) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONDONTWRITEBYTECODE", "LANG") if name in os.environ}
    command = [*SANDBOX, sys.executable, *words]
    environment = kept | {"HOME": str(home)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


def test_every_module_of_the_kit_imports_there(tmp_path: Path) -> None:
    done = sandboxed(tmp_path, "-c", LOOK, seconds=200)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.soak  # each of them once more
@pytest.mark.timeout(900)
def test_its_pure_tests_pass_there(tmp_path: Path) -> None:
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not live and not slow", "tests/hera_rollout"]
    done = sandboxed(tmp_path, *words, f"--basetemp={tmp_path / 'base'}", seconds=840)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert " passed" in done.stdout.splitlines()[-1]
    assert "skipped" not in done.stdout.splitlines()[-1]
