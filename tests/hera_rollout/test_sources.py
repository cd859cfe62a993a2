"""A notebook whose code cells are not the shipped ones is never PASS, says which differ, and opens no gate."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import papermill
import pytest
from click.testing import CliRunner
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from hera_rollout import records
from hera_rollout.cli import main
from hera_rollout.gates import judge, rules
from hera_rollout.phase.criteria import PLANS
from hera_rollout.phase.steps import entering, following_canary, qualifying
from hera_rollout.records import sources
from hera_rollout.records.redacting import redacted

ROOT = Path(__file__).parents[2]
NAMES = sorted(PLANS)
CODE = "sha256:abc hera 7.1"


@pytest.fixture(autouse=True)
def nothing_is_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(sources.EXEMPT_VARIABLE, raising=False)


def shipped(name: str) -> NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def checks_of(name: str) -> list[dict]:
    asked = [check for criterion in PLANS[name].criteria for check in criterion.checks]
    return [
        judge(name=check, rule=rules.holds, evidence={"holds": True, "percent": 100}, seen="seen").as_dict()
        for check in asked
    ]


def executed(name: str, notebook: NotebookNode, *, checks: list[dict] | None = None, ran: dict | None = None,
             approvals: list[dict] | None = None) -> NotebookNode:  # fmt: skip
    """The notebook as if each cell had run, with the evidence of a PASS in its last cell."""
    begin = {"kind": "begin", "notebook": name, "rollout": "backend-2026-11", "operator": "ann", "target": {},
             "started": "2026-11-24T10:00:00+00:00", "parameters": {"target": "here", "dry_run": False},
             "versions": {}, "code_revision": CODE}  # fmt: skip
    made = checks_of(name) if checks is None else checks
    conclude = {"kind": "conclude", "verdict": "PASS", "next": "go on", "checks": made, "executed": ran or {}}
    pieces = [begin, *({"kind": "approval", "approval": one} for one in approvals or []), conclude]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.execution_count = count
    code[-1].outputs = [
        new_output("display_data", {"text/plain": "x"}, metadata={"hera-rollout": piece}) for piece in pieces
    ]
    return notebook


def add(place: Path, notebook: NotebookNode) -> records.Record:
    place.mkdir(exist_ok=True)
    nbformat.write(notebook, place / "out.ipynb")
    return records.add(place / "out.ipynb", place / "records")


def forged(name: str) -> NotebookNode:
    """Two cells that print what a phase says, run without a cluster."""
    cells = [new_code_cell("show(begin)"), new_code_cell("show(conclude)")]
    check = judge(name="success rate", rule=rules.holds, evidence={"holds": True}, seen="all good").as_dict()
    return executed(name, new_notebook(cells=cells), checks=[check])


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_notebook_of_two_cells_is_no_pass_and_opens_no_gate(tmp_path, name):
    record = add(tmp_path, forged(name))
    assert (record.verdict, record.exit_code) == ("HOLD", 3)
    assert f"code cell 1 differs from the shipped {name}.ipynb" in record.data["reason"]
    assert "cells of the shipped" in record.data["reason"]
    assert "git checkout" in record.data["next"]
    assert record.data["source"] == sources.DIFFERENT
    assert entering.judged(record, name, CODE).verdict == "HOLD"


def test_a_forged_record_that_says_pass_is_no_tick_and_opens_no_gate(tmp_path):
    record = add(tmp_path, forged("03_canary"))
    data = record.data | {"verdict": "PASS", "exit_code": 0, "source": "shipped", "source_differences": []}
    path = record.folder.rename(record.folder.with_name(record.folder.name.replace("HOLD", "PASS")))
    data["seal"] = records.chain.seal_of(data)
    (path / "record.json").write_text(json.dumps(data))
    answer = CliRunner().invoke(main, ["records", "verify", "--recompute", "--records", str(tmp_path / "records")])
    assert answer.exit_code == 1, answer.output
    assert "✓" not in answer.output
    assert "not the shipped one" in answer.output
    assert entering.judged(records.Record(path, data), "03_canary", CODE).verdict == "FAIL"


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_notebook_is_pass_and_opens_the_gate(tmp_path, name):
    notebook = shipped(name)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("a note of my own"))
    notebook.cells.append(new_code_cell("  \n"))
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    code[1].source = code[1].source.replace("\n", "\r\n") + "  \n\n"
    code[0].source = code[0].source.replace('"lab"', '"prod"').replace("bool = True", "bool = False")
    after = notebook.cells.index(code[0]) + 1
    injected = new_code_cell(
        '# Parameters\ntarget = "lab"\ndry_run = False\n', metadata={"tags": ["injected-parameters"]}
    )
    notebook.cells.insert(after, injected)
    notebook.cells.pop()
    record = add(tmp_path, executed(name, notebook))
    assert (record.verdict, record.data["source_differences"]) == ("PASS", [])
    assert record.data["source"] == "shipped"
    assert len(record.data["source_cells"]) == len(code) + 1
    assert [*records.verify(record.folder), *records.recompute(record.folder)] == []
    assert entering.judged(record, name, CODE).verdict == "PASS"


def edited(change: Callable[[list[NotebookNode]], object]) -> NotebookNode:
    notebook = shipped("03_canary")
    change(notebook.cells)
    return executed("03_canary", notebook)


def cell(cells: list[NotebookNode], word: str) -> NotebookNode:
    return next(one for one in cells if one.cell_type == "code" and word in one.source)


def injected(source: str) -> NotebookNode:
    return new_code_cell(source, metadata={"tags": ["injected-parameters"]})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cells: cell(cells, "phase, 25").update(source="pass"), "code cell 10 differs from the shipped"),
        (lambda cells: cells.remove(cell(cells, "leftovers")), "1 cells of the shipped 03_canary.ipynb are missing"),
        (lambda cells: cells.insert(3, new_code_cell("import evil")), "is not in the shipped 03_canary.ipynb"),
        (lambda cells: cells.reverse(), "the shipped 03_canary.ipynb"),
        (lambda cells: cell(cells, "target: str").update(source="target: str = open('x').read()"), "code cell 1"),
        (lambda cells: cell(cells, "target: str").update(source=cell(cells, "target: str").source + "\nimport os"),
         "code cell 1 differs"),
        (lambda cells: cells.insert(2, injected("target = __import__('os').getcwd()")), "is not in the shipped"),
        (lambda cells: cells.insert(2, injected("target: exit() = 'a'")), "is not in the shipped"),
        (lambda cells: cells.insert(2, injected("target: [print('x')] = 'a'")), "is not in the shipped"),
        (lambda cells: cells.insert(2, injected("steps = None")), "is not in the shipped"),
        (lambda cells: cells.insert(2, injected("target = 'a'\nimport os")), "is not in the shipped"),
        (lambda cells: cell(cells, "leftovers").update(cell_type="raw"), "missing"),
    ],
)  # fmt: skip
def test_a_cell_that_is_changed_missing_or_more_is_named_and_no_pass(tmp_path, change, said):
    record = add(tmp_path, edited(change))
    assert record.verdict == "HOLD"
    assert said in "; ".join(record.data["source_differences"])
    assert entering.judged(record, "03_canary", CODE).verdict == "HOLD"


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cell(cells, "target: str").update(source="target = 'prod'\ndry_run = False"),
        lambda cells: cell(cells, "target: str").update(source="target: str = 'prod'"),
        lambda cells: cells.insert(2, injected('PAPERMILL_INPUT_PATH = "a"\nPAPERMILL_OUTPUT_PATH = "b"')),
    ],
)
def test_parameters_that_are_given_by_hand_or_by_papermill_are_no_other_source(tmp_path, change):
    record = add(tmp_path, edited(change))
    assert (record.verdict, record.data["source_differences"]) == ("PASS", [])


def ran(notebook: NotebookNode) -> dict[str, dict]:
    code = [one for one in notebook.cells if one.cell_type == "code"]
    return {
        str(count): {"sha256": sources.digest(one.source), "assigns": sources._assigned(one.source)}
        for count, one in enumerate(code, 1)
    }


def test_what_was_executed_counts_and_not_what_was_saved_afterwards(tmp_path):
    notebook = shipped("01_dev_testing")
    history = ran(notebook)
    good = add(tmp_path / "good", executed("01_dev_testing", deepcopy(notebook), ran=history))
    assert good.verdict == "PASS", good.data["reason"]
    other = history | {"4": {"sha256": sources.digest("phase.check(fake)"), "assigns": None}}
    record = add(tmp_path / "other", executed("01_dev_testing", deepcopy(notebook), ran=other))
    assert record.verdict == "HOLD"
    assert "code cell 4 was executed from another source than the saved one" in record.data["source_differences"]
    beside = history | {"99": {"sha256": sources.digest("phase.checks.clear()"), "assigns": None}}
    record = add(tmp_path / "beside", executed("01_dev_testing", deepcopy(notebook), ran=beside))
    assert record.verdict == "HOLD"
    assert record.data["source_differences"] == ["In [99] executed code that is not in the shipped notebook"]
    again = history | {"98": {"sha256": sources.digest("dry_run = True"), "assigns": ["dry_run"]}}
    assert add(tmp_path / "again", executed("01_dev_testing", notebook, ran=again)).verdict == "PASS"


@pytest.mark.slow
def test_a_cell_that_is_no_python_ran_nothing_and_is_no_evidence_of_other_code(tmp_path):
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    code = """import json
from IPython import get_ipython
from hera_rollout.records.sources import executed_cells
for typed in ("target: str = 'lab", "target: str = 'lab'", "await x", "phase?", "!true", "%%bash\\ntrue", "%pwd",
              "x = !ls"):
    get_ipython().history_manager.store_inputs(10 + len(typed), typed)
print(json.dumps(list(executed_cells().values())))"""
    nbformat.write(new_notebook(cells=[new_code_cell(code)], metadata=kernel), tmp_path / "in.ipynb")
    done = papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", progress_bar=False)
    told = [entry["sha256"] for entry in json.loads(done.cells[-1].outputs[0].text)]
    ran = ("target: str = 'lab'", "await x", "phase?", "!true", "%%bash\ntrue", "%pwd", "x = !ls")
    assert told == [sources.digest(code), *map(sources.digest, ran)]


@pytest.mark.slow
def test_a_kernel_tells_what_it_executed(tmp_path):
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    last = "import json\nfrom hera_rollout.records.sources import executed_cells\nprint(json.dumps(executed_cells()))"
    notebook = new_notebook(cells=[new_code_cell("target = 'a'"), new_code_cell("x = len('a')"), new_code_cell(last)],
                            metadata=kernel)  # fmt: skip
    nbformat.write(notebook, tmp_path / "in.ipynb")
    done = papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", progress_bar=False)
    assert json.loads(done.cells[-1].outputs[0].text) == {
        "1": {"sha256": sources.digest("target = 'a'"), "assigns": ["target"]},
        "2": {"sha256": sources.digest("x = len('a')"), "assigns": None},
        "3": {"sha256": sources.digest(last), "assigns": None},
    }


@pytest.mark.parametrize("content", [None, "", "[]", "x"])
@pytest.mark.parametrize("name", ["record.json", "notebook.ipynb", "evidence/checks.json"])
def test_a_record_that_cannot_be_read_any_more_is_a_fail_of_the_gate_and_no_crash(tmp_path, name, content):
    record = add(tmp_path, executed("drill", shipped("drill")))
    path = record.folder / name
    path.write_text(content) if content is not None else path.unlink()
    gate = entering.judged(record, "drill", CODE)
    assert gate.verdict == "FAIL"
    assert "is not as it was kept" in gate.seen
    if name != "record.json":
        data = record.data | {"files": records.chain.digests(record.folder)}
        text = json.dumps(data | {"seal": records.chain.seal_of(data)})
        (record.folder / "record.json").write_text(text)
        assert entering.judged(record, "drill", CODE).verdict == "FAIL"


def test_a_testing_checklist_of_a_forged_record_is_run_again(tmp_path, monkeypatch):
    notebook = forged("01_dev_testing")
    notebook.cells[-1].outputs[-1].metadata["hera-rollout"]["checks"] = checks_of("01_dev_testing")
    notebook.cells[-1].outputs[0].metadata["hera-rollout"]["started"] = datetime.now(UTC).isoformat()
    record = add(tmp_path, notebook)
    honest = executed("01_dev_testing", shipped("01_dev_testing"))
    code = [one for one in honest.cells if one.cell_type == "code"]
    code[-1].outputs[0].metadata["hera-rollout"]["started"] = datetime.now(UTC).isoformat()
    for data, doubt in ((record.data, True), (record.data | {"source": "shipped", "source_differences": []}, True)):
        text = json.dumps(data | {"seal": records.chain.seal_of(data)})
        (record.folder / "record.json").write_text(text)
        assert qualifying._doubt(records.Record(record.folder, data)) is doubt
    assert not qualifying._doubt(add(tmp_path / "honest", honest))


def test_a_criterion_without_its_checks_is_no_pass(tmp_path):
    fewer = [check for check in checks_of("03_canary") if check["name"] != "sample ratio"]
    record = add(tmp_path, executed("03_canary", shipped("03_canary"), checks=fewer))
    assert record.verdict == "HOLD"
    assert "criteria without checks: sample ratio" in record.data["reason"]
    assert list(records.recompute(record.folder)) == []


def test_a_fail_stays_a_fail(tmp_path):
    notebook = forged("03_canary")
    notebook.cells[-1].outputs.append(new_output("error", ename="PhaseFailed", evalue="no", traceback=[]))
    assert add(tmp_path, notebook).verdict == "FAIL"


def test_an_exempt_record_says_so_and_opens_no_gate(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.EXEMPT_VARIABLE, "1")
    record = add(tmp_path, forged("03_canary"))
    assert record.verdict == "PASS"
    assert record.data["source"].startswith("exempt: HERA_ROLLOUT_EXEMPT_SOURCE is set")
    gate = entering.judged(record, "03_canary", CODE)
    assert gate.verdict == "HOLD"
    assert "exempt" in gate.seen
    assert add(tmp_path / "real", executed("drill", shipped("drill"))).data["source"] == "shipped"
    monkeypatch.delenv(sources.EXEMPT_VARIABLE)
    assert any("exempt" in fault for fault in records.recompute(record.folder))
    assert entering.judged(record, "03_canary", CODE).verdict != "PASS"


def test_a_canary_that_was_skipped_in_another_notebook_is_not_skipped(tmp_path):
    skip = {"what": following_canary.SKIP, "approver": "Ann", "reason": "small", "at": "2026-11-24T10:00:00+00:00"}
    for notebook, verdict in ((shipped("03_canary"), "PASS"), (forged("03_canary"), "HOLD")):
        made = executed("03_canary", notebook, approvals=[skip])
        code = [one for one in made.cells if one.cell_type == "code"]
        code[-1].outputs.append(new_output("error", ename="PhaseOnHold", evalue="skipped", traceback=[]))
        record = add(tmp_path / verdict, made)
        assert record.verdict == "HOLD"
        assert following_canary._skipped(record, CODE).verdict == verdict


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "nbval").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_executed_reference_copies_are_the_shipped_source(path):
    notebook = nbformat.reads(redacted(path.read_text()), as_version=4)
    assert sources.differences(notebook, path.stem) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_cell_of_a_shipped_notebook_is_changed_by_redaction(name):
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
    cells = nbformat.reads(redacted(text), as_version=4).cells
    assert [one.source for one in cells] == [one.source for one in shipped(name).cells]
