"""Run notebooks on the lab by plain papermill and make records of them: what entry gates and live tests ask for.

``prepare.py FOLDER`` makes all that the live tests ask for, ``prepare.py FOLDER PHASE…`` single ones, on top of what is
there. tests/run has nbval make the others. ``prepare.py service`` makes what 05 cleans, and approves exactly its plan.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from forget import forget

from hera_rollout import records
from hera_rollout.parameters import RECORDS_VARIABLE, validate
from hera_rollout.phase.steps.cleaning import planned
from rollout_lab import service_repository

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOTEBOOKS = ROOT / "notebooks"
PLACE = Path("../../records/nbval-service")
"""Of what 05 cleans, as its cells see it from this folder; records/ is nobody's to commit."""
APPROVALS = Path("../../records/nbval-approvals.json")
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
    "drill": {"seconds": 6, "per_second": 0.5},
    "03_canary": {
        "rollout": "nbval", "approval": approved("03_canary", *RUNGS, {"what": "turn the flag off first"}),
        "traffic": 0.4, "user_issues": "none", "patience_seconds": 600,
    },
    "04_production": {
        "rollout": "nbval",
        "approval": approved("04_production", {"what": "deploy to all production traffic"},
                             {"what": "deploy outside of the low-traffic hours"}),
        "traffic": 0.4, "user_issues": "none", "patience_seconds": 600, "told": "nobody else is on the lab",
    },
    "05_cleanup": {
        "rollout": "nbval", "approval": str(APPROVALS), "repository": str(PLACE), "templates": True,
        "known": "../golden/cleaned_backend.toml", "mends": "../golden/cleaned_backend.patch",
        "experience": "what Hera refuses is seen in the editor, not in the cluster", "asked": "Ann",
        "learned": "leave the drill in: it was the quickest way to trust the way back",
    },
}  # fmt: skip
"""Of each notebook, in the order they need each other's records. Approvals are in the reference copy: nbval gives it
nothing from outside. Only 05's are in a file: they name the digest of a diff, which is another one with each change of
the backend."""
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


def service() -> None:
    """Make the repository that 05 cleans anew, and approve exactly what 05 will plan for it."""
    folder, parameters = HERE / PLACE, PARAMETERS["05_cleanup"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    service_repository.make(ROOT, folder.resolve())
    plan = planned(validate("05_cleanup", parameters), "USE_HERA_SDK")
    subjects = ("clean up before the guide's 2 to 4 weeks", f"remove USE_HERA_SDK, plan {plan.digest}",
                "deploy the cleaned service")  # fmt: skip
    (HERE / APPROVALS).write_text(approved("05_cleanup", *({"what": what} for what in subjects)))


def prepare(folder: Path, *chosen: str) -> None:
    """Records of the notebooks chosen; of all that are needed, as a first run, if none is."""
    if not chosen:
        forget()
    for phase in chosen or NEEDED:
        if phase == "05_cleanup":
            service()
        print(f"kept: {run(phase, folder).folder}", flush=True)


if __name__ == "__main__":
    os.chdir(HERE)  # as nbval does for the cells
    service() if sys.argv[1:] == ["service"] else prepare(Path(sys.argv[1]), *sys.argv[2:])
