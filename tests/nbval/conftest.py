"""What nbval runs is compared by its outline, and becomes a record, as papermill's output does.

The entry gate of the next notebook asks for that record, and so do live tests.
"""

import os
import sys
from collections.abc import Generator, Mapping
from copy import deepcopy
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from hera_rollout import records

sys.path.insert(0, str(Path(__file__).parent))
import outline

Outputs = list[nbformat.NotebookNode]
PASSED = pytest.StashKey[dict[int, Outputs]]()
"""Of one notebook: what its cells that ran and passed gave, by their numbers, in the order they ran."""
OUTPUT_SECONDS = 60
"""How late a message of a cell that has ended may be; nbval's own 5 s are too few for a busy machine (nbval 231)."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give each cell's messages time: nbval has no option for that."""
    if isinstance(item, IPyNbCell):
        item.output_timeout = OUTPUT_SECONDS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Compare a cell that ran; keep a record of a notebook once all its code cells have passed, and only then."""
    result = yield  # raises for a cell that did not pass
    if not isinstance(item, IPyNbCell):
        return result
    compare(item)
    if folder := os.environ.get("HERA_TEST_RECORDS"):
        passed = item.parent.stash.setdefault(PASSED, {})
        passed[item.cell_num] = item.test_outputs
        if len(passed) == len(code(item.parent.nb)):
            keep(item.parent, passed, Path(folder))
    return result


def compare(cell: IPyNbCell) -> None:
    """Fail a cell whose outline is not the reference's, with what differs."""
    name = cell.parent.path.stem
    reference, run = outline.read(name).get(cell.cell_num, []), outline.outline(cell.test_outputs)
    if run != reference:
        differs = unified_diff(reference, run, f"outlines/{name}.txt", "this run", lineterm="")
        pytest.fail("\n".join([f"cell {cell.cell_num}: a reader sees something else", *differs]), pytrace=False)


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
