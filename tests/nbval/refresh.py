"""Make the executed reference copies anew: run each notebook against the lab, keep it only if it comes to PASS."""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import papermill
from prepare import prepare

from hera_rollout.parameters import RECORDS_VARIABLE
from hera_rollout.records import Verdict, classify

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parents[1] / "notebooks"
PARAMETERS = {"target": "lab", "dry_run": False, "operator": "nbval"}
APPROVED = [
    {"approver": "Ann", "reason": "the reference copy", "rollout": "nbval", "phase": "03_canary", "rung": rung,
     "at": "2026-11-28T00:00:00+00:00"}
    for rung in (10, 25, 50, 75, 100)
] + [
    {"approver": "Ann", "reason": "02 left it on", "rollout": "nbval", "phase": "03_canary",
     "what": "turn the flag off first", "at": "2026-11-28T00:00:00+00:00"}
]  # fmt: skip
OF_ONE = {
    "03_canary": {
        "rollout": "nbval", "approval": json.dumps(APPROVED), "traffic": 0.6, "user_issues": "none",
        "patience_seconds": 300,
    }
}  # fmt: skip
"""Parameters of single notebooks. The approvals are in the copy: nbval gives it nothing from outside."""


def lighten(notebook: nbformat.NotebookNode) -> None:
    """Drop what nbval does not compare: pictures, metadata of outputs and of papermill."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        for output in cell.get("outputs", []):
            if "data" in output:
                output.metadata = {}
                output.data.pop("image/png", None)


def refresh(source: Path) -> bool:
    """Execute one notebook and keep its copy; false if it did not come to PASS."""
    print(f"{source.name}: running against the lab …", flush=True)
    try:
        executed = papermill.execute_notebook(
            source, None, PARAMETERS | OF_ONE.get(source.stem, {}), progress_bar=False, cwd=HERE
        )
    except papermill.PapermillExecutionError as error:
        print(f"{source.name}: did not come to PASS: {error.evalue}", file=sys.stderr)
        return False
    outcome = classify(executed)
    if outcome.verdict is not Verdict.PASS:
        print(f"{source.name}: {outcome.verdict}: {outcome.reason}", file=sys.stderr)
        return False
    lighten(executed)
    nbformat.write(executed, HERE / source.name)
    print(f"{source.name}: kept in {HERE.name}/")
    return True


if __name__ == "__main__":
    chosen = [path for path in sorted(NOTEBOOKS.glob("0*.ipynb")) if not sys.argv[1:] or path.stem in sys.argv[1:]]
    with TemporaryDirectory() as folder:
        os.environ[RECORDS_VARIABLE] = folder
        prepare(Path(folder))
        kept = [refresh(source) for source in chosen]
    sys.exit(0 if kept and all(kept) else 1)
