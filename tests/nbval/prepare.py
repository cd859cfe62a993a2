"""Run notebooks on the lab by plain papermill and make records of them: what entry gates and live tests ask for.

``prepare.py FOLDER`` makes all that the live tests ask for, ``prepare.py FOLDER PHASE…`` single ones, on top of what is
there. tests/run has nbval make the others.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from forget import forget

from hera_rollout import records
from hera_rollout.parameters import RECORDS_VARIABLE

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parents[1] / "notebooks"
COMMON = {"target": "lab", "dry_run": False, "operator": "nbval"}


def approved(phase: str, *subjects: dict[str, object]) -> str:
    """Approvals as the parameter takes them."""
    common = {"approver": "Ann", "reason": "the reference copy", "rollout": "nbval", "phase": phase,
              "at": "2026-11-28T00:00:00+00:00"}  # fmt: skip
    return json.dumps([common | subject for subject in subjects])


RUNGS = [{"rung": rung} for rung in (10, 25, 50, 75, 100)]
PARAMETERS: dict[str, dict[str, object]] = {
    "01_dev_testing": {},
    "02_staging": {},
    "drill": {"seconds": 4},
    "03_canary": {
        "rollout": "nbval", "approval": approved("03_canary", *RUNGS, {"what": "turn the flag off first"}),
        "traffic": 0.6, "user_issues": "none", "patience_seconds": 300,
    },
    "04_production": {
        "rollout": "nbval",
        "approval": approved("04_production", {"what": "deploy to all production traffic"},
                             {"what": "deploy outside of the low-traffic hours"}),
        "traffic": 0.6, "user_issues": "none", "patience_seconds": 300, "told": "nobody else is on the lab",
    },
}  # fmt: skip
"""Of each notebook, in the order they need each other's records. Approvals are in the reference copy: nbval gives it
nothing from outside."""
NEEDED = ("01_dev_testing", "02_staging", "drill")
"""What the live tests ask for."""


def run(phase: str, folder: Path) -> records.Record:
    """Run one notebook; its record, in a folder where it finds those before it.

    Raises:
        SystemExit: it did not come to PASS.
    """
    words = [word for name, value in (COMMON | PARAMETERS[phase]).items() for word in ("-p", name, str(value))]
    with TemporaryDirectory() as place:
        source, out = NOTEBOOKS / f"{phase}.ipynb", Path(place) / "out.ipynb"
        command = [Path(sys.executable).parent / "papermill", source, out, *words, "--no-progress-bar", "--cwd", HERE]
        # What it ended with is in the notebook, where the record reads it.
        subprocess.run(command, env=os.environ | {RECORDS_VARIABLE: str(folder)}, check=False, timeout=900)
        record = records.add(out, folder)
    if record.verdict != "PASS":
        sys.exit(f"{phase}: {record.verdict}: {record.data['reason']}")
    return record


def prepare(folder: Path, *chosen: str) -> None:
    """Records of the notebooks chosen; of all that are needed, as a first run, if none is."""
    if not chosen:
        forget()
    for phase in chosen or NEEDED:
        print(f"kept: {run(phase, folder).folder}", flush=True)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), *sys.argv[2:])
