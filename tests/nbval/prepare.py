"""Run notebook 01 on the lab by plain papermill and make a record of it: what notebook 02's entry gate asks for."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from forget import forget

from hera_rollout import records

ROOT = Path(__file__).parents[2]
PARAMETERS = ("-p", "target", "lab", "-p", "dry_run", "False", "-p", "operator", "tests")


def prepare(folder: Path) -> records.Record:
    """The record, kept in a folder."""
    forget()
    with TemporaryDirectory() as place:
        out = Path(place) / "out.ipynb"
        source = ROOT / "notebooks" / "01_dev_testing.ipynb"
        command = [Path(sys.executable).parent / "papermill", source, out, *PARAMETERS, "--no-progress-bar"]
        subprocess.run(command, cwd=ROOT, check=True, timeout=600)
        return records.add(out, folder)


if __name__ == "__main__":
    print(f"kept: {prepare(Path(sys.argv[1])).folder}")
