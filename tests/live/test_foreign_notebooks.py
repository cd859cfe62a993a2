"""The notebooks on a service that somebody else wrote: never PASS, nothing left turned, and each says what it lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

from hera_rollout import records

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
SERVICE = ROOT / "tests" / "foreign_backend"
TARGET = """
name = "jobs"
kubeconfig = "{kubeconfig}"
context = "lab-admin"
namespace = "argo"
deployment = "jobs"
container = "api"
service_account = "backend"
backend_url = "http://127.0.0.1:8001"
argo_url = "http://127.0.0.1:32746"
prometheus_url = "{prometheus}"
[flag]
env = "USE_HERA_SDK"
[workflow]
image = "rollout-lab/python:3.11"
service_account = "workflow"
pvc = "task-results-pvc"
[limits]
workflow_deadline_seconds = 60
rollout_deadline_seconds = 25
"""


@pytest.fixture(scope="module")
def jobs(lab):
    """The foreign service as a Deployment of its own; gone afterwards, with what it made."""
    script = lab.admin.kubectl("create", "configmap", "jobs-service", f"--from-file={SERVICE / 'service.py'}",
                               "--dry-run=client", "-o", "yaml")  # fmt: skip
    both = script + "---\n" + (SERVICE / "deployment.yaml").read_text(encoding="utf-8")
    lab.admin.kubectl("apply", "-f", "-", stdin=both)
    try:
        lab.admin.kubectl("rollout", "status", "deployment/jobs", "--timeout=60s", timeout=70)
        yield lab
    finally:
        lab.admin.kubectl("delete", "deployment/jobs", "service/jobs", "configmap/jobs-service",
                          "configmap/hera-rollout-jobs", "lease/hera-rollout-jobs", "--ignore-not-found")  # fmt: skip
        lab.admin.kubectl("delete", "workflows", "-l", "!hera-rollout/path", "--wait=false")


def run(lab, folder, phase, *, prometheus="http://127.0.0.1:9090", **parameters):
    """One phase by the command; its exit code, its record, and its checks by name."""
    folder.mkdir(exist_ok=True)
    (folder / "jobs.toml").write_text(TARGET.format(kubeconfig=lab.kubeconfig, prometheus=prometheus))
    words = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    done = subprocess.run([COMMAND, "run", phase, "--target", folder / "jobs.toml", "--records", folder, *words],
                          cwd=ROOT, capture_output=True, text=True, timeout=450, check=False)  # fmt: skip
    found = list(records.find(folder))
    assert found, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, found[0], {check["name"]: check for check in found[0].data["checks"]}
