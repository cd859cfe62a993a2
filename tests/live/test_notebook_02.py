"""Notebook 02 on the lab by the kit's command: its entry gate, its dry run, and each fault that it must stop.

Healthy, to PASS: the reference copy in tests/nbval/, replayed by tests/run before these.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from hera_rollout import records

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
SMALL = {"rounds": "1", "concurrent": "1", "scenarios": "simple", "dry_run": "False"}


def run(folder: Path, *words: str, target: str = "lab", **parameters: str) -> tuple[int, records.Record]:
    """`hera-rollout run 02`; its exit code and its record."""
    given = [word for name, value in parameters.items() for word in ("-p", name, value)]
    command = [COMMAND, "run", "02", "--target", target, "--records", folder, *words, *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    found = [record for record in records.find(folder) if record.data["notebook"] == "02_staging"]
    assert found, done.stderr
    return done.returncode, found[0]


def checks(record: records.Record) -> dict[str, dict]:
    return {check["name"]: check for check in record.data["checks"]}


def copied(record: records.Record, folder: Path) -> Path:
    """A record as it would lie in another folder."""
    return shutil.copytree(record.folder, folder / record.folder.parent.name / record.folder.name)


def test_without_phase_1_it_holds_before_anything_is_changed(clean_backend, tmp_path):
    before = clean_backend.generation()
    code, record = run(tmp_path, **SMALL)
    assert (code, record.verdict) == (3, "HOLD")
    assert "no live record of 01_dev_testing" in checks(record)["entry gate"]["seen"]
    assert "hera-rollout run 01" in record.data["next"]
    assert clean_backend.generation() == before


def test_a_record_that_was_changed_fails_before_anything_is_changed(clean_backend, passed_01, tmp_path):
    copy = copied(passed_01, tmp_path)
    (copy / "report.html").write_text((copy / "report.html").read_text() + " ")
    before = clean_backend.generation()
    code, record = run(tmp_path, **SMALL)
    assert (code, record.verdict) == (1, "FAIL")
    assert "report.html was changed" in checks(record)["entry gate"]["seen"]
    assert clean_backend.generation() == before


@pytest.mark.soak
def test_a_record_about_other_code_holds_and_names_both(clean_backend, passed_01, tmp_path):
    text = (passed_01.folder / "notebook.ipynb").read_text()
    mine = passed_01.data["code_revision"]
    other = tmp_path / "out.ipynb"
    other.write_text(text.replace(mine, "content-older+hera-6.0.0"))
    assert nbformat.read(other, 4)
    folder = tmp_path / "records"
    assert records.add(other, folder).data["code_revision"] == "content-older+hera-6.0.0"
    code, record = run(folder, **SMALL)
    assert (code, record.verdict) == (3, "HOLD")
    seen = checks(record)["entry gate"]["seen"]
    assert "content-older+hera-6.0.0" in seen
    assert mine in seen


@pytest.mark.soak
def test_a_dry_run_shows_the_patch_and_the_overlay_and_changes_nothing(clean_backend, passed_01, tmp_path):
    before = (clean_backend.generation(), len(clean_backend.operator.workflows()))
    code, record = run(tmp_path, previous=str(passed_01.folder))
    assert (code, record.verdict) == (3, "HOLD")
    assert checks(record)["entry gate"]["verdict"] == "PASS"
    assert (clean_backend.generation(), len(clean_backend.operator.workflows())) == before
    patches = "".join(path.read_text() for path in (record.folder / "evidence").glob("*.patch"))
    assert "+kind: Kustomization" in patches
    assert 'env: [{name: USE_HERA_SDK, value: "true"}]' in patches
    _, record = run(tmp_path, previous=str(record.folder))
    assert "is no live record of 01_dev_testing" in checks(record)["entry gate"]["seen"]


# the scenarios that the faults need; for each fault the check that must stop it and what it must have seen
ROWS = [
    pytest.param("simple", {"compare-nothing": ("baseline", "is not there")}, marks=pytest.mark.soak),
    pytest.param("cancel", {"cancel-deletes": ("baseline", "its record is lost")}, marks=pytest.mark.soak),
    ("simple", {"orphan-after-timeout": ("orphans", r"[1-9]\d* orphans")}),
    pytest.param(  # tests/live/test_equivalence.py finds both differences in less time
        "simple",
        {
            "paths-differ": ("manifests", r"spec\.synchronization .*\(behavioural, only-yaml\)"),
            "dirty-yaml": ("manifests", r"templates\[main\]\._env .*\(illegal"),
        },
        marks=pytest.mark.soak,
    ),
]


@pytest.mark.parametrize(
    ("scenarios", "faults"), ROWS, ids=lambda value: ", ".join(value) if isinstance(value, dict) else None
)
def test_a_fault_is_stopped(clean_backend, passed_01, target_file, tmp_path, scenarios, faults):  # noqa: PLR0917
    clean_backend.set_faults(**dict.fromkeys(faults, "on"))
    given = {**SMALL, "scenarios": scenarios, "previous": str(passed_01.folder)}
    code, record = run(tmp_path / "records", target=target_file(), **given)
    assert (code, record.verdict) == (1, "FAIL")
    told = checks(record)
    for check, symptom in faults.values():
        assert check in told, f"no check {check!r} among {list(told)}: {record.data.get('reason')}"
        assert told[check]["verdict"] == "FAIL", told[check]
        assert re.search(symptom, everything(told[check])), told[check]["seen"]
        assert told[check]["todo"]
    assert list(records.recompute(record.folder)) == []
    assert "Traceback" not in (record.folder / "report.html").read_text()


def everything(check: dict) -> str:
    """What a check says, and every difference in its evidence: a check names only the first ones."""
    found = [one for pair in check["evidence"].get("pairs", []) for one in pair["differences"]]
    return "\n".join([check["seen"], *(f"{one['path']} ({one['severity']}, {one['op']})" for one in found)])
