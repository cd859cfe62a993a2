"""A record says what ran. Each row is a real notebook, really run by papermill in a real kernel."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from hera_rollout import records
from hera_rollout.errors import Refused

pytestmark = pytest.mark.slow

PARAMETERS = "target: str = 'here'\ndry_run: bool = True"
CONCLUDE = """
from hera_rollout.display import banner
from hera_rollout.gates import Check, Verdict
checks = [Check(name="one", verdict=Verdict.PASS).as_dict(), Check(name="two", verdict=Verdict.{second}).as_dict()]
banner(Verdict.{said}, "phase", [], kind="conclude", evidence={{"verdict": "{said}", "checks": checks}})
"""
RAISE = "from hera_rollout.errors import {kind}\nraise {kind}('seen this', todo='do that')"
PASS = CONCLUDE.format(second="PASS", said="PASS")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a target of its own, as an operator's checkout has."""
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "here.toml").write_text(
        'name = "here"\nbackend_url = "http://127.0.0.1:1"\nargo_url = "http://127.0.0.1:1"\n'
    )
    return tmp_path


def write(place: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    """A notebook of these code cells, under the name of a phase."""
    cells = [new_markdown_cell("# A fixture")]
    for index, source in enumerate((PARAMETERS, *sources)):
        wanted = ["parameters"] if index == 0 else (tags or {}).get(index, [])
        cells.append(new_code_cell(source, metadata={"tags": wanted}))
    path = place / "01_dev_testing.ipynb"
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), path)
    return path


def run(place: Path, path: Path, monkeypatch: pytest.MonkeyPatch, **options: int) -> records.Record:
    monkeypatch.chdir(place)
    return records.run(path, {"target": "here"}, folder=place / "records", progress=False, **options)


@pytest.mark.parametrize(
    ("source", "verdict", "reason"),
    [
        (PASS, "PASS", "2 checks say PASS"),
        ("1 / 0", "BROKEN", "ZeroDivisionError"),
        ("import sys; sys.exit(0)", "BROKEN", "SystemExit"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "BROKEN", "the kernel died"),
        (RAISE.format(kind="PhaseFailed"), "FAIL", "seen this"),
        (RAISE.format(kind="DeadlineExceeded"), "FAIL", "seen this"),
        (RAISE.format(kind="PhaseOnHold"), "HOLD", "seen this"),
        (RAISE.format(kind="Refused"), "REFUSED", "seen this"),
        ("done = True", "BROKEN", "no verdict"),
        (CONCLUDE.format(second="FAIL", said="PASS"), "BROKEN", "its checks come to FAIL"),
    ],
)
def test_the_verdict_is_what_ran(
    place: Path, monkeypatch: pytest.MonkeyPatch, source: str, verdict: str, reason: str
) -> None:
    record = run(place, write(place, source), monkeypatch)
    assert (record.verdict, record.data["exit_code"]) == (
        verdict,
        {"PASS": 0, "FAIL": 1, "REFUSED": 2, "HOLD": 3, "BROKEN": 4}[verdict],
    )
    assert reason in record.data["reason"]
    assert record.folder.name.endswith(f"-01_dev_testing-{verdict}")
    names = {path.name for path in record.folder.iterdir()}
    assert names == {"notebook.ipynb", "report.html", "record.json", "evidence"}


def test_a_cell_that_runs_too_long_is_broken_even_before_a_passing_conclusion(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = run(place, write(place, "import time; time.sleep(60)", PASS), monkeypatch, cell_timeout=2)
    assert record.verdict == "BROKEN"
    assert "did not end within 2 s" in record.data["reason"]


def test_a_failure_that_is_allowed_to_raise_is_still_a_failure(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(place, RAISE.format(kind="PhaseFailed"), PASS, tags={1: ["raises-exception"]})
    assert run(place, path, monkeypatch).verdict == "FAIL"


def test_a_cell_that_was_skipped_breaks_the_verdict(place: Path) -> None:
    path = write(place, "x = 1", PASS)
    notebook = nbformat.read(path, as_version=4)
    import papermill

    papermill.execute_notebook(path, place / "out.ipynb", progress_bar=False, cwd=place)
    executed = nbformat.read(place / "out.ipynb", as_version=4)
    assert records.classify(executed).verdict is records.Verdict.PASS
    executed.cells[2].execution_count = None
    outcome = records.classify(executed)
    assert outcome.verdict is records.Verdict.BROKEN
    assert "never ran" in outcome.reason
    assert len(notebook.cells) + 0 == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_from_outside_leaves_a_broken_record(place: Path, number: signal.Signals) -> None:
    write(place, f"import pathlib, time; pathlib.Path({str(place / 'running')!r}).touch(); time.sleep(60)", PASS)
    command = [Path(sys.executable).parent / "hera-rollout", "run", "01_dev_testing.ipynb", "--target", "here"]
    process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (place / "running").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 4, out
    (record,) = records.find(place / "records")
    assert record.verdict == "BROKEN"
    assert number.name in record.data["reason"]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"target": "here", "dry_runn": True}, "did you mean 'dry_run'"),
        ({"target": "here", "dry_run": "maybe"}, "true, false, yes or no"),
        ({"target": "nowhere"}, "here"),
    ],
)
def test_bad_parameters_are_refused_before_anything_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, object], said: str
) -> None:
    path = write(place, PASS)
    monkeypatch.chdir(place)
    with pytest.raises(Refused) as refusal:
        records.run(path, parameters, folder=place / "records", progress=False)
    assert said in str(refusal.value)
    assert not (place / "records").exists()


def test_a_notebook_without_a_parameters_cell_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(place, PASS)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = []
    nbformat.write(notebook, path)
    with pytest.raises(Refused, match="no cell tagged 'parameters'"):
        run(place, path, monkeypatch)


def test_the_report_needs_no_network_and_escapes_what_it_shows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show = "import pandas as pd\nfrom hera_rollout.display import table\n"
    show += "table(pd.DataFrame({'a': ['<script>alert(1)</script>']}), 'T<b>')"
    record = run(place, write(place, show, PASS), monkeypatch)
    html = record.report.read_text()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html
    for reference in ('src="http', 'href="http', "src='http", "@import", "cdnjs", "unpkg", "<script src"):
        assert reference not in html
    assert "PASS · 01_dev_testing" in html


def test_records_are_listed_newest_first(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(place, PASS)
    first = run(place, path, monkeypatch)
    time.sleep(1.1)
    second = run(place, path, monkeypatch)
    assert [record.folder for record in records.find(place / "records")] == [second.folder, first.folder]
    command = shutil.which("hera-rollout") or str(Path(sys.executable).parent / "hera-rollout")
    shown = subprocess.run([command, "records", "list"], cwd=place, capture_output=True, text=True, check=True).stdout
    assert shown.index(second.data["began"][:19]) < shown.index(first.data["began"][:19])
