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
namespace = "{namespace}"
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
    place = {"kubeconfig": lab.kubeconfig, "namespace": lab.namespace, "prometheus": prometheus}
    (folder / "jobs.toml").write_text(TARGET.format(**place))
    words = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    done = subprocess.run([COMMAND, "run", phase, "--target", folder / "jobs.toml", "--records", folder, *words],
                          cwd=ROOT, capture_output=True, text=True, timeout=450, check=False)  # fmt: skip
    found = list(records.find(folder))
    assert found, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, found[0], {check["name"]: check for check in found[0].data["checks"]}


@pytest.fixture
def dressed(jobs, monkeypatch):
    """The administrator may read any Deployment; Argo knows only the operator's token."""
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", jobs.operator.token)
    return jobs


def environment(lab):
    """The names of the variables on the foreign Deployment."""
    found = lab.admin.apps.read_namespaced_deployment("jobs", lab.namespace)
    return {entry.name for entry in found.spec.template.spec.containers[0].env}


def test_01_tests_it_as_it_stands_and_does_not_turn_a_flag_that_nobody_can_see(dressed, tmp_path):
    code, record, checks = run(dressed, tmp_path, "01", dry_run="False", scenarios="simple")
    assert (code, record.verdict) == (3, "HOLD")
    assert "has no route /api/v1/flag" in checks["backend"]["seen"]
    assert "1 pods can say what its flag is" in checks["flag in effect"]["seen"]
    assert "A backend of your own" in checks["flag in effect"]["todo"]
    assert checks["baseline"]["verdict"] == "HOLD", "it ran as it should, by a path that nobody can tell"
    assert "made by path=none (unproven)" in checks["baseline"]["seen"]
    assert "USE_HERA_SDK" not in environment(dressed)
    assert "kubectl set env deployment/jobs USE_HERA_SDK=true" in (record.folder / "notebook.ipynb").read_text()


@pytest.mark.soak  # each of their entry gates is tried by tests of its own
def test_no_later_notebook_begins_on_it(dressed, tmp_path):
    needed = {"02": "01", "03": "02", "04": "03"}
    for phase, before in needed.items():
        code, record, checks = run(dressed, tmp_path / phase, phase, dry_run="False")
        assert (code, record.verdict) == (3, "HOLD"), record.data["reason"]
        assert f"hera-rollout run {before}" in record.data["next"]
        assert checks["entry gate"]["verdict"] == "HOLD"
    assert "USE_HERA_SDK" not in environment(dressed)
