"""Make the executed reference copies anew: run the notebooks against the lab, keep each only if it comes to PASS."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from forget import forget
from prepare import HERE, PARAMETERS, run

from hera_rollout.records import Record

COPIED = [phase for phase in PARAMETERS if phase.startswith("0")]


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


def copy(record: Record) -> None:
    """Keep a record's notebook as the reference copy."""
    executed = nbformat.read(record.folder / "notebook.ipynb", as_version=4)
    lighten(executed)
    name = f"{record.data['notebook']}.ipynb"
    nbformat.write(executed, HERE / name)
    print(f"{name}: kept in {HERE.name}/")


def refresh(chosen: list[str], folder: Path) -> None:
    """Run up to the last one chosen, since each needs the records of those before it; keep copies of those chosen."""
    order = list(PARAMETERS)
    forget()
    for phase in order[: max(map(order.index, chosen)) + 1]:
        print(f"{phase}: running against the lab …", flush=True)
        record = run(phase, folder)
        if phase in chosen:
            copy(record)


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        refresh(sys.argv[1:] or COPIED, Path(folder))
