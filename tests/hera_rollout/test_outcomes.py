"""A record says what ran. Each row is a notebook of tests/fixtures/notebooks, really run by papermill in a kernel."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import nbformat
import pytest
from click.testing import CliRunner, Result

from hera_rollout import records
from hera_rollout.cli import main
from hera_rollout.errors import Refused

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parents[1] / "fixtures" / "notebooks"
COMMAND = Path(sys.executable).parent / "hera-rollout"
PHASE = "01_dev_testing"
FILES = {"notebook.ipynb", "report.html", "record.json", "evidence"}
# Fixture, verdict, exit code, what the reason says.
ENDED = [
    ("passes", "PASS", 0, "2 checks say PASS"),
    ("raises", "BROKEN", 4, "ZeroDivisionError"),
    ("fails", "FAIL", 1, "seen this"),
    ("too_late", "FAIL", 1, "seen this"),
    ("allowed_to_raise", "FAIL", 1, "seen this"),
    ("holds", "HOLD", 3, "seen this"),
    ("refused", "REFUSED", 2, "seen this"),
    ("cell_timeout", "BROKEN", 4, "did not end within 3 s"),
    ("kernel_killed", "BROKEN", 4, "the kernel died"),
    ("sys_exit", "BROKEN", 4, "SystemExit"),
    ("skipped_cell", "BROKEN", 4, "1 code cells never ran"),
    ("no_verdict", "BROKEN", 4, "no verdict"),
    ("overstated", "BROKEN", 4, "its checks come to FAIL"),
]
SIGNALS = [("sigint", signal.SIGINT), ("sigterm", signal.SIGTERM)]
UNRUN = [
    ("unknown_parameter", ["-p", "dry_runn", "true"], "did you mean 'dry_run'"),
    ("no_parameters_cell", [], "no cell tagged 'parameters'"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a target of its own, as an operator's checkout has; the current one."""
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "here.toml").write_text(
        'name = "here"\nbackend_url = "http://127.0.0.1:1"\nargo_url = "http://127.0.0.1:1"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(place: Path, fixture: str) -> Path:
    """The fixture under the name of a phase."""
    return Path(shutil.copy(FIXTURES / f"{fixture}.ipynb", place / f"{PHASE}.ipynb"))


def run(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["run", str(path), "--target", "here", *words])


def the_record(place: Path) -> records.Record:
    """The one there is: complete, to its schema, verified, and judged the same again."""
    (record,) = records.find(place / "records")
    assert {path.name for path in record.folder.iterdir()} == FILES
    assert record.folder.name.endswith(f"-{PHASE}-{record.verdict}")
    jsonschema.validate(record.data, records.SCHEMA)
    assert [*records.verify(record.folder), *records.recompute(record.folder)] == []
    return record


@pytest.mark.parametrize(("fixture", "verdict", "code", "reason"), ENDED)
def test_the_verdict_is_what_ran(place: Path, fixture: str, verdict: str, code: int, reason: str) -> None:
    done = run(put(place, fixture), *(["--cell-timeout", "3"] if fixture == "cell_timeout" else []))
    record = the_record(place)
    assert (record.verdict, record.data["exit_code"], done.exit_code) == (verdict, code, code)
    assert reason in record.data["reason"]
    assert done.output.startswith(f"{verdict}  {PHASE}: ")
    assert str(record.report.relative_to(place)) in done.output


def test_nothing_is_written_beside_the_records_while_it_runs(place: Path) -> None:
    """A pod's root file system is read-only: the kernel's sockets must not be put into the current folder."""
    notebook = put(place, "passes")
    executed = nbformat.read(notebook, as_version=4)
    executed.cells.insert(1, nbformat.v4.new_code_cell("import os; print(*sorted(os.listdir()))"))
    nbformat.write(executed, notebook)
    run(notebook)
    kept = nbformat.read(the_record(place).folder / "notebook.ipynb", as_version=4)
    texts = [output.text for cell in kept.cells if "os.listdir" in cell.source for output in cell.outputs]
    assert texts == [f"{notebook.name} records targets\n"]


@pytest.mark.parametrize(("fixture", "code"), [("holds", 0), ("fails", 1), ("passes", 0), ("raises", 4)])
def test_where_the_next_run_goes_on_only_a_hold_is_fine_and_the_record_still_says_so(
    place: Path, fixture: str, code: int
) -> None:
    assert run(put(place, fixture), "--hold-is-fine").exit_code == code
    record = the_record(place)
    assert record.exit_code == records.EXIT_CODES[record.verdict]


@pytest.mark.parametrize(("fixture", "number"), SIGNALS)
def test_a_run_that_is_ended_from_outside_leaves_a_broken_record(
    place: Path, fixture: str, number: signal.Signals
) -> None:
    words = [COMMAND, "run", put(place, fixture), "--target", "here"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (place / "running").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=60)
    record = the_record(place)
    assert (record.verdict, record.data["exit_code"], process.returncode) == ("BROKEN", 4, 4), out
    assert number.name in record.data["reason"]


def test_a_kernel_that_never_starts_leaves_a_broken_record(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = place / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["false"], "display_name": "Python 3", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(spec.parents[1]))
    done = run(put(place, "passes"))
    record = the_record(place)
    assert (record.verdict, record.data["exit_code"], done.exit_code) == ("BROKEN", 4, 4)
    assert "Kernel died before replying" in record.data["reason"]


@pytest.mark.parametrize(("fixture", "words", "said"), UNRUN)
def test_a_run_that_is_refused_before_its_first_cell_leaves_a_record_of_that(
    place: Path, fixture: str, words: list[str], said: str
) -> None:
    done = run(put(place, fixture), *words)
    record = the_record(place)
    assert (record.verdict, record.data["exit_code"], done.exit_code) == ("REFUSED", 2, 2)
    assert said in record.data["reason"]
    assert record.data["next"]
    assert said in done.stderr
    assert f"Record: {record.report.relative_to(place)}" in done.stderr
    kept = nbformat.read(record.folder / "notebook.ipynb", as_version=4)
    assert not any(cell.get("execution_count") or cell.get("outputs") for cell in kept.cells)


def test_every_fixture_is_run_and_none_carries_what_an_earlier_run_left() -> None:
    run_here = {row[0] for rows in (ENDED, SIGNALS, UNRUN) for row in rows}
    assert {path.stem for path in FIXTURES.iterdir()} == run_here
    for path in FIXTURES.iterdir():
        notebook = nbformat.read(path, as_version=4)
        assert not any(cell.get("execution_count") or cell.get("outputs") for cell in notebook.cells), path.name


def test_a_refusal_takes_nothing_from_what_the_notebook_said_before(place: Path) -> None:
    """Run and saved by hand it carries a verdict; refused parameters are refused all the same."""
    assert run(put(place, "passes")).exit_code == 0
    executed = the_record(place).folder / "notebook.ipynb"
    shutil.copy(executed, place / f"{PHASE}.ipynb")
    shutil.rmtree(place / "records")
    assert run(place / f"{PHASE}.ipynb", "-p", "dry_runn", "true").exit_code == 2
    record = the_record(place)
    assert (record.verdict, record.data["checks"]) == ("REFUSED", [])


@pytest.mark.parametrize(
    ("parameters", "said", "kept"),
    [
        ({"target": "here", "dry_run": "maybe"}, "true, false, yes or no", True),
        ({"target": "here", "rollout": "No Label"}, "DNS-1123", False),
        ({"target": "nowhere"}, "here", False),
        ({"target": "nowhere", "rollout": "backend-2026-11"}, "here", True),
    ],
)
def test_bad_parameters_leave_a_record_where_the_rollout_is_known(
    place: Path, parameters: dict[str, object], said: str, kept: bool
) -> None:
    with pytest.raises(Refused) as refusal:
        records.run(put(place, "passes"), parameters, folder=place / "records", progress=False)
    assert said in str(refusal.value)
    assert (place / "records").exists() == kept
    assert bool(getattr(refusal.value, "__notes__", [])) == kept


def test_a_record_that_cannot_be_kept_hides_no_refusal(place: Path) -> None:
    (place / "records").write_text("in the way")
    with pytest.raises(Refused, match="dry_runn") as refusal:
        records.run(put(place, "passes"), {"target": "here", "dry_runn": 1}, folder=place / "records", progress=False)
    assert refusal.value.__notes__[0].startswith("No record was kept")


def test_records_are_listed_newest_first(place: Path) -> None:
    path = put(place, "passes")
    first = records.run(path, {"target": "here"}, folder=place / "records", progress=False)
    time.sleep(1.1)
    second = records.run(path, {"target": "here"}, folder=place / "records", progress=False)
    assert [record.folder for record in records.find(place / "records")] == [second.folder, first.folder]
    shown = subprocess.run([COMMAND, "records", "list"], capture_output=True, text=True, check=True).stdout
    assert shown.index(second.data["began"][:19]) < shown.index(first.data["began"][:19])
