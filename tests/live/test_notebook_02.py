"""Notebook 02 on the lab by the kit's command: each fault that it must stop.

Healthy, to PASS: the reference copy in tests/nbval/, replayed by tests/run before these. Its entry gate and dry run:
tests/hera_rollout/small_cluster/test_refusals.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hera_rollout import records

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
SMALL = {"rounds": "1", "concurrent": "1", "scenarios": "simple", "dry_run": "False"}


def run(folder: Path, target: str, **parameters: str) -> tuple[int, records.Record]:
    """`hera-rollout run 02`; its exit code and its record."""
    given = [word for name, value in parameters.items() for word in ("-p", name, value)]
    command = [COMMAND, "run", "02", "--target", target, "--records", folder, *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    found = [record for record in records.find(folder) if record.data["notebook"] == "02_staging"]
    assert found, done.stderr
    return done.returncode, found[0]


def checks(record: records.Record) -> dict[str, dict]:
    return {check["name"]: check for check in record.data["checks"]}


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
    code, record = run(tmp_path / "records", target_file(), **given)
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
