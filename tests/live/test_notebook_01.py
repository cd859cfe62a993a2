"""Notebook 01 on the lab, as operators and CI run it: by the kit's command, and by nbval or plain papermill."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from hera_rollout import records

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(folder: Path, *words: str, timeout: int = 600) -> tuple[int, records.Record]:
    """`hera-rollout run 01`, in a process of its own; its exit code and its record."""
    command = [BIN / "hera-rollout", "run", "01", "--target", "lab", "--records", folder, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)
    found = list(records.find(folder))
    assert found, done.stderr
    return done.returncode, found[0]


def verdicts(record: records.Record) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in record.data["checks"]}


def test_a_dry_run_shows_the_patch_changes_nothing_and_holds(clean_backend, tmp_path):
    before = (clean_backend.generation(), len(clean_backend.operator.workflows()))
    code, record = run(tmp_path)
    assert (code, record.verdict) == (3, "HOLD")
    assert (clean_backend.generation(), len(clean_backend.operator.workflows())) == before
    assert "dry_run" in record.data["reason"]
    assert "-p dry_run False" in record.data["next"]
    patches = "".join(path.read_text() for path in (record.folder / "evidence").glob("*.patch"))
    assert "+- name: USE_HERA_SDK\n+  value: 'true'" in patches


def test_without_the_kits_command_it_passes_and_leaves_the_same_evidence(passed_01):
    record = passed_01
    assert record.verdict == "PASS"
    assert list(records.verify(record.folder)) == []
    assert list(records.recompute(record.folder)) == []
    made = verdicts(record)
    assert set(made.values()) == {"PASS"}
    assert {
        "baseline",
        "scenarios with the flag on",
        "provenance",
        "parity",
        "error logs",
        "orphans",
        "integration websocket",
        "flag not changed by hand",
    } <= set(made)
    provenance = next(check for check in record.data["checks"] if check["name"] == "provenance")
    rows = provenance["evidence"]["workflows"]
    assert {(row["flag"], row["path"], row["how we know"]) for row in rows} == {
        ("off", "yaml", "proven"),
        ("on", "hera", "proven"),
    }
    assert record.data["code_revision"]
    executed = nbformat.read(record.folder / "notebook.ipynb", 4)
    images = [o for cell in executed.cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    assert len(images) == 1


@pytest.fixture
def backend_down(clean_backend):
    """The backend at no replicas: nothing answers behind its Service."""
    clean_backend.operator.kubectl("get", "deployment", "backend")
    clean_backend.admin.kubectl("scale", "deployment/backend", "--replicas=0")
    clean_backend.admin.kubectl("wait", "--for=delete", "pod", "-l", "app=backend", "--timeout=60s")
    yield clean_backend
    clean_backend.admin.kubectl("scale", "deployment/backend", "--replicas=2")
    clean_backend.settled()


@pytest.fixture
def argo_down(clean_backend):
    """No Argo Server."""
    clean_backend.admin.kubectl("scale", "deployment/argo-server", "--replicas=0")
    clean_backend.admin.kubectl("wait", "--for=delete", "pod", "-l", "app=argo-server", "--timeout=60s")
    yield clean_backend
    clean_backend.admin.kubectl("scale", "deployment/argo-server", "--replicas=1")
    clean_backend.admin.kubectl("rollout", "status", "deployment/argo-server", "--timeout=60s")


@pytest.mark.soak  # tests/live/test_scenarios.py and test_workflows.py have the two outages without a notebook
@pytest.mark.parametrize(("outage", "check"), [("backend_down", "backend"), ("argo_down", "Argo Server")])
def test_an_outage_fails_the_preflight_with_what_to_do_and_changes_nothing(outage, check, request, tmp_path):
    lab = request.getfixturevalue(outage)
    before = lab.env().get("USE_HERA_SDK")
    code, record = run(tmp_path, "-p", "dry_run", "False", timeout=120)
    assert (code, record.verdict) == (1, "FAIL")
    made = {each["name"]: each for each in record.data["checks"]}
    assert made[check]["verdict"] == "FAIL"
    assert made[check]["todo"]
    assert "Traceback" not in (record.folder / "report.html").read_text()
    assert lab.env().get("USE_HERA_SDK") == before


def test_a_flag_that_is_not_in_effect_fails_pod_by_pod(clean_backend, tmp_path):
    # A flag file that says off wins over the variable: on in the environment, and not in effect.
    clean_backend.set_flag(enabled=False, percent=0)
    # The lab's target with a shorter deadline: what a file says will not change by waiting.
    impatient = tmp_path / "lab.toml"
    text = (ROOT / "targets" / "lab.toml").read_text()
    impatient.write_text(text.replace("rollout_deadline_seconds = 120", "rollout_deadline_seconds = 15"))
    code, record = run(tmp_path, "--target", str(impatient), "-p", "dry_run", "False", "-p", "scenarios", "simple")
    assert (code, record.verdict) == (1, "FAIL")
    told = next(check for check in record.data["checks"] if check["name"] == "flag in effect")
    assert told["verdict"] == "FAIL"
    assert all(pod.metadata.name in told["seen"] for pod in clean_backend.pods())
    assert told["todo"]
