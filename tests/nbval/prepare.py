"""Run 01, 02 and the drill on the lab by plain papermill and make records of them: what the entry gates ask for."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from forget import forget

from hera_rollout import records

ROOT = Path(__file__).parents[2]
PHASES = {"01_dev_testing": {}, "02_staging": {}, "drill": {"seconds": 4}}
COMMON = {"target": "lab", "dry_run": False, "operator": "tests"}


def prepare(folder: Path) -> list[records.Record]:
    """Their records, kept in a folder."""
    forget()
    return [_kept(phase, given, folder) for phase, given in PHASES.items()]


def _kept(phase: str, given: dict[str, object], folder: Path) -> records.Record:
    source = ROOT / "notebooks" / f"{phase}.ipynb"
    parameters = COMMON | given | ({"records": str(folder)} if phase == "02_staging" else {})
    words = [word for name, value in parameters.items() for word in ("-p", name, str(value))]
    with TemporaryDirectory() as place:
        out = Path(place) / "out.ipynb"
        command = [Path(sys.executable).parent / "papermill", source, out, *words, "--no-progress-bar"]
        subprocess.run(command, cwd=ROOT, check=True, timeout=900)
        return records.add(out, folder)


if __name__ == "__main__":
    for record in prepare(Path(sys.argv[1])):
        print(f"kept: {record.folder}")
