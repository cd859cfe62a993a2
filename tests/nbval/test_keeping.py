"""nbval over real notebooks, without a cluster: what it compares, which leave a record, and whose outputs are in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from hera_rollout import records
from hera_rollout.records.sources import EXEMPT_VARIABLE

pytestmark = pytest.mark.slow

HEAD = """
from hera_rollout.display import banner, header
from hera_rollout.gates import Verdict, judge, rules
from IPython.display import display
header("Phase", {{}}, kind="begin", evidence=dict(notebook="{name}", rollout="tests", operator="ann",
       started="2026-11-24T10:00:00+00:00", parameters=dict(target="here"), target={{}}, versions={{}}))
"""
MEASURED = """
print("of this run")
display({"text/plain": "a plot", "image/png": "iVBORw0KGgo="}, raw=True)
"""
COMPARED = "print('the same'); print('each time')"
END = """
check = judge(name="quiet", rule=rules.holds, evidence=dict(holds=True), seen="0 of 3")
banner(Verdict.PASS, "Phase", [], kind="conclude", evidence=dict(verdict="{said}", checks=[check.as_dict()], next=""))
"""
LATE = """
import time
kernel, publish = get_ipython().kernel, get_ipython().kernel._publish_status
def late(*words, **more):
    time.sleep(2)
    kernel._publish_status = publish
    return publish(*words, **more)
kernel._publish_status = late
"""
IGNORED = {"tags": ["nbval-ignore-output"]}


OUTLINE = """== 0: header
begin: Phase
== 3: conclusion
conclude: ✓ PASS · Phase
"""


def reference(place: Path, name: str, *, compared: str = "the same\neach time\n", said: str = "PASS") -> None:
    """A reference copy from a run before, and its outline."""
    before = new_output("stream", text="of the run before\n")
    cells = [
        new_code_cell(HEAD.format(name=name), metadata=IGNORED, execution_count=11, outputs=[before]),
        new_code_cell(MEASURED, metadata=IGNORED, execution_count=12, outputs=[before]),
        new_code_cell(COMPARED, execution_count=13, outputs=[new_output("stream", text=compared)]),
        new_code_cell(END.format(said=said), metadata=IGNORED, execution_count=14, outputs=[before]),
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), place / f"{name}.ipynb")
    (place / "outlines").mkdir(exist_ok=True)
    (place / "outlines" / f"{name}.txt").write_text(OUTLINE)


@pytest.fixture
def nbval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs nbval, with the hook of this folder, over the notebooks in tmp_path; records go to its folder records."""
    monkeypatch.setenv(EXEMPT_VARIABLE, "1")  # these small notebooks are none of the shipped ones
    for name in ("conftest.py", "outline.py", "sanitize.cfg"):
        shutil.copy(Path(__file__).with_name(name), tmp_path)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "--nbval", "-c", os.devnull, "--rootdir", tmp_path, *words,
                   f"--ignore={tmp_path / 'records'}", tmp_path]  # fmt: skip
        told = os.environ | {"HERA_TEST_RECORDS": str(tmp_path / "records")}
        return subprocess.run(command, env=told, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_the_outputs_of_the_run_become_a_record_that_verifies_and_judges_itself_again(nbval, tmp_path):
    reference(tmp_path, "whole")
    assert "4 passed" in nbval().stdout
    (record,) = records.find(tmp_path / "records")
    assert (record.data["notebook"], record.verdict) == ("whole", "PASS")
    assert [*records.verify(record.folder), *records.recompute(record.folder)] == []
    kept = nbformat.read(record.folder / "notebook.ipynb", as_version=4)
    nbformat.validate(kept)
    assert [cell.execution_count for cell in kept.cells] == [1, 2, 3, 4]
    assert "of the run before" not in str(kept)
    said, plot = kept.cells[1].outputs
    assert said.text == "of this run\n"
    assert plot.data["image/png"] == "iVBORw0KGgo="
    assert "data:image/png;base64,iVBORw0KGgo=" in record.report.read_text()


def test_a_cell_that_failed_or_did_not_run_leaves_no_record(nbval, tmp_path):
    reference(tmp_path, "other_output", compared="something else\n")
    reference(tmp_path, "in_part")
    assert "1 failed, 6 passed" in nbval("--deselect", "in_part.ipynb::Cell 2").stdout
    assert list(records.find(tmp_path / "records")) == []


def test_a_conclusion_that_its_checks_do_not_bear_out_fails_the_last_cell(nbval, tmp_path):
    reference(tmp_path, "untrue", said="HOLD")
    told = nbval().stdout
    assert "1 failed, 3 passed" in told
    assert "untrue.ipynb: BROKEN: the conclusion says HOLD, but its checks come to PASS; see " in told


def test_a_cell_whose_outline_is_another_or_is_not_there_fails_and_leaves_no_record(nbval, tmp_path):
    reference(tmp_path, "whole")
    lines = tmp_path / "outlines" / "whole.txt"
    lines.write_text(OUTLINE.replace("begin: Phase\n", 'begin: Phase\ncheck "error logs": PASS\n'))
    told = nbval().stdout
    assert "1 failed, 3 passed" in told
    assert "cell 0: a reader sees something else" in told
    assert '\n-check "error logs": PASS' in told
    lines.unlink()
    assert "4 failed" in nbval().stdout
    assert list(records.find(tmp_path / "records")) == []


def test_a_late_message_of_a_cell_that_has_ended_fails_it_by_the_limit_of_this_folder(nbval, tmp_path, monkeypatch):
    """It has ended, and what says so is on its way: a busy machine, nbval's issue 231."""
    monkeypatch.setattr(sys.modules[__name__], "COMPARED", COMPARED + LATE)
    reference(tmp_path, "late")
    assert "4 passed" in nbval().stdout
    hook = tmp_path / "conftest.py"
    hook.write_text(hook.read_text().replace("OUTPUT_SECONDS = 60", "OUTPUT_SECONDS = 1"))
    assert "Timeout of 1 seconds exceeded waiting for output" in nbval().stdout
