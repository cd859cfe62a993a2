"""Each fault that notebook 01 or its preflight must stop: the run ends in FAIL, and the record names the symptom.

One row a fault, through the command that operators and CI type; two faults that different checks stop share a run. A
row runs the one scenario that the fault needs: a FAIL of it is a FAIL of the phase, whatever else was left out. All
faults off: tests/live/test_notebook_01.py, PASS.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hera_rollout import records
from hera_rollout.state import State

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"

# the scenarios that the faults need, and for each fault the check that must stop it and what it must have seen
ROWS = [
    ("simple", {"silent-yaml-import": ("Hera in the backend", "cannot import name 'Workflow'")}),
    ("simple", {"silent-yaml-build": ("provenance", "path=yaml")}),
    pytest.param(  # bad-input-500 is of the same kind, and more
        "simple", {"all-500": ("scenarios with the flag on", "answered 500")}, marks=pytest.mark.soak
    ),
    pytest.param(  # tests/live/test_proving.py finds both in less time
        "simple",
        {
            "orphan-after-success": ("orphans", "orphans and 0 duplicates"),
            "bad-input-500": ("integration api", "500 instead of a 4xx"),
        },
        marks=pytest.mark.soak,
    ),
    pytest.param(  # tests/live/test_notebook_02.py stops the other defect of cancelling
        "cancel", {"dead-cancel": ("baseline", "answered 404")}, marks=pytest.mark.soak
    ),
    pytest.param(  # tests/live/test_workflows.py shows in less time that such a wait ends early and names the image
        "simple", {"bad-image": ("scenarios with the flag on", "does-not-exist")}, marks=pytest.mark.soak
    ),
]
BEFORE_ANY_CHANGE = {"silent-yaml-import"}


@pytest.fixture
def impatient(target_file) -> str:
    """A target with a shorter deadline: a workflow that does not start will not by waiting."""
    return target_file(workflow_deadline_seconds=25)


def run(folder: Path, target: str, scenarios: str) -> tuple[int, records.Record]:
    """`hera-rollout run 01`; its exit code and its record."""
    words = ["--target", target, "--records", folder, "-p", "dry_run", "False", "-p", "scenarios", scenarios]
    done = subprocess.run(
        [COMMAND, "run", "01", *words], cwd=ROOT, capture_output=True, text=True, timeout=380, check=False
    )
    found = list(records.find(folder))
    assert found, done.stderr
    return done.returncode, found[0]


def assert_stopped(folder: Path, target: str, scenarios: str, *stopped: tuple[str, str]) -> records.Record:
    """FAIL by exit code, verdict and checks; each symptom in its check, with what to do; and nothing but words."""
    code, record = run(folder, target, scenarios)
    assert (code, record.verdict) == (1, "FAIL")
    told = {one["name"]: one for one in record.data["checks"]}
    for check, symptom in stopped:
        assert check in told, f"no check {check!r} among {list(told)}: {record.data.get('reason')}"
        assert told[check]["verdict"] == "FAIL", told[check]
        assert symptom in told[check]["seen"]
        assert told[check]["todo"]
    assert list(records.recompute(record.folder)) == []
    assert "Traceback" not in (record.folder / "report.html").read_text()
    return record


@pytest.mark.parametrize(
    ("scenarios", "faults"), ROWS, ids=lambda value: ", ".join(value) if isinstance(value, dict) else None
)
def test_a_fault_of_the_backend_is_stopped(clean_backend, impatient, cluster, tmp_path, scenarios, faults):  # noqa: PLR0917
    clean_backend.set_faults(**dict.fromkeys(faults, "on"))
    try:
        assert_stopped(tmp_path / "records", impatient, scenarios, *faults.values())
    finally:  # a fault leaves workflows that say no path, which no other test expects
        clean_backend.operator.kubectl("delete", "workflows", "-l", "hera-rollout/run,!hera-rollout/path")
    assert bool(State.load(cluster).facts.flags) is (set(faults) != BEFORE_ANY_CHANGE)


def component(lab, name, tmp_path, kind):
    """The documents of one kind of deploy/base, with the component where one is named."""
    up = "/".join([".."] * (len(tmp_path.resolve().parts) - 1)) + str(ROOT / "deploy")
    overlay = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": lab.namespace,
               "resources": [f"{up}/base"],
               "components": [f"{up}/components/{name}"] if name else []}  # fmt: skip
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    documents = yaml.safe_load_all(lab.operator.kubectl("kustomize", str(tmp_path)))
    return [document for document in documents if document["kind"] == kind]


def test_rights_that_the_backend_lacks_are_named_before_anything_is_changed(clean_backend, impatient, tmp_path):
    apply = ("apply", "-f", "-")
    before = clean_backend.generation()
    try:
        gap = component(clean_backend, "rbac-gap", tmp_path, "Role")
        clean_backend.admin.kubectl(*apply, stdin=yaml.safe_dump_all(gap))
        record = assert_stopped(
            tmp_path / "records", impatient, "simple", ("permissions", "backend (backend): patch workflows")
        )
    finally:
        whole = component(clean_backend, "", tmp_path, "Role")
        clean_backend.admin.kubectl(*apply, stdin=yaml.safe_dump_all(whole))
    (told,) = [one["seen"] for one in record.data["checks"] if one["name"] == "permissions"]
    assert "delete workflows" in told
    assert "get pods/log" in told
    assert clean_backend.generation() == before


@pytest.mark.soak  # two restarts; rights that are missing are refused by the same preflight
def test_a_claim_that_is_not_bound_is_named_before_anything_is_changed(clean_backend, impatient, tmp_path):
    (claim,) = component(clean_backend, "pvc-missing", tmp_path, "PersistentVolumeClaim")
    name = claim["metadata"]["name"]
    try:
        clean_backend.admin.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(claim))
        clean_backend.set_env(RESULTS_PVC=name)
        before = clean_backend.generation()
        assert_stopped(tmp_path / "records", impatient, "simple", ("PVC", f"{name} is Pending"))
        assert clean_backend.generation() == before
    finally:
        clean_backend.admin.kubectl("delete", "pvc", name, "--ignore-not-found", "--wait=false")
