"""Make the executed reference copies and their outlines anew: run the notebooks on the lab, keep what comes to PASS."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import outline
from forget import forget
from prepare import HERE, PARAMETERS, run

from hera_rollout.records import Record


def lighten(notebook: nbformat.NotebookNode) -> None:
    """Drop what nbval itself does not compare: outputs of cells tagged so, pictures, papermill's words."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.get("outputs", []):
            if "data" in output:
                output.metadata = {}
                output.data.pop("image/png", None)


def copy(record: Record) -> None:
    """Keep a record's notebook as the reference copy, and its outline."""
    name, executed = record.data["notebook"], nbformat.read(record.folder / "notebook.ipynb", as_version=4)
    outline.write(name, executed)
    lighten(executed)
    nbformat.write(executed, HERE / f"{name}.ipynb")
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
        refresh(sys.argv[1:] or list(PARAMETERS), Path(folder))
