"""What nbval ran becomes a record, as papermill's output does: the entry gate of the next notebook asks for it."""

import os
from collections.abc import Generator, Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from hera_rollout import records

Outputs = list[nbformat.NotebookNode]
PASSED = pytest.StashKey[dict[int, Outputs]]()
"""Of one notebook: what its cells that ran and passed gave, by their numbers, in the order they ran."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Keep a record of a notebook once all its code cells have passed; one that failed or was skipped leaves none."""
    result = yield  # raises for a cell that did not pass
    folder = os.environ.get("HERA_TEST_RECORDS")
    if folder and isinstance(item, IPyNbCell):
        passed = item.parent.stash.setdefault(PASSED, {})
        passed[item.cell_num] = item.test_outputs
        if len(passed) == len(code(item.parent.nb)):
            keep(item.parent, passed, Path(folder))
    return result


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cells that nbval numbers."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(reference: nbformat.NotebookNode, passed: Mapping[int, Outputs]) -> nbformat.NotebookNode:
    """A notebook with what was just run, and nothing of what its reference copy held before."""
    notebook = deepcopy(reference)
    cells = code(notebook)
    # nbval drops the kernel's own count; a kernel counts from 1, in the order that cells run.
    for count, (number, outputs) in enumerate(passed.items(), 1):
        cells[number].update(execution_count=count, outputs=nbformat.from_dict(outputs))
    return notebook


def keep(file: IPyNbFile, passed: Mapping[int, Outputs], folder: Path) -> None:
    """Make the record; the notebook's last cell fails if that does not come to PASS."""
    with TemporaryDirectory() as place:
        path = Path(place) / file.path.name
        nbformat.write(executed(file.nb, passed), path)
        record = records.add(path, folder)
    if record.verdict != "PASS":
        pytest.fail(f"{file.path.name}: {record.verdict}: {record.data['reason']}; see {record.report}", pytrace=False)
