"""The reference copies are of the notebooks that are there now, and what a reader relies on is really compared."""

import re
from pathlib import Path

import nbformat
import outline
import pytest

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE.parents[1] / "notebooks").glob("*.ipynb"))
COMPARED = {
    "01_dev_testing": {"checks": 50, "tables": 19, "rows": 44, "plots": 1},
    "02_staging": {"checks": 72, "tables": 24, "rows": 103, "plots": 5},
    "03_canary": {"checks": 98, "tables": 16, "rows": 47, "plots": 17},
    "04_production": {"checks": 66, "tables": 13, "rows": 53, "plots": 2},
    "05_cleanup": {"checks": 58, "tables": 15, "rows": 28, "plots": 0},
    "drill": {"checks": 7, "tables": 3, "rows": 8, "plots": 0},
}
"""How many are compared at least, by each outline. A notebook that shows less is a change to be made here, aloud."""
WORDED = {"01_dev_testing": 7, "02_staging": 7, "03_canary": 2, "04_production": 2, "05_cleanup": 2, "drill": 0}
"""Cells whose every word nbval compares too, at least."""


def code(path: Path) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(path, as_version=4)
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_reference_copy_has_the_sources_of_the_notebook(path: Path) -> None:
    mine, reference = code(path), code(HERE / path.name)
    assert [cell.source for cell in reference] == [cell.source for cell in mine], "run make nbval-refresh"
    assert [cell.metadata.get("tags", []) for cell in reference] == [cell.metadata.get("tags", []) for cell in mine]
    assert all(cell.execution_count for cell in reference)
    assert "phase.conclude()" in reference[-1].source  # it raises for anything but PASS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_less_is_compared_than_was(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells, compared = code(HERE / path.name), outline.read(path.stem)
    count = outline.counted(line for lines in compared.values() for line in lines)
    with capsys.disabled():
        told = ", ".join(f"{number} {kind}" for kind, number in count.items())
        print(f"\nnbval compares {told} of {len(compared)} of {len(cells)} cells of {path.name}")
    assert {kind: number for kind, number in count.items() if number < COMPARED[path.stem][kind]} == {}
    assert sum(bool(cell.outputs) for cell in cells) >= WORDED[path.stem]
    assert set(range(len(cells) + 1)) - set(compared) == {0, 1}, "but for the two cells of parameters, every one"


def test_each_exception_is_one_and_is_in_use() -> None:
    """An exception that no table needs any more would hide the next one of that name."""
    tables = [line for path in NOTEBOOKS for lines in outline.read(path.stem).values() for line in lines]
    for title in outline.ROWS_DIFFER:
        assert any(line.startswith(f'table "{title}') for line in tables), title
    assert any(re.search('": PASS or HOLD', line) for line in tables)
