"""What a record is called stays in the records' folder: nothing that a notebook or an operator says leads out of it."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook, new_output

from hera_rollout import records
from hera_rollout.cli import main
from hera_rollout.errors import Refused


def executed(folder: Path, **values: object) -> Path:
    """A notebook whose only cell says that a phase began, and concluded it."""
    begin = {"kind": "begin", "notebook": "01_dev_testing", "rollout": "backend-2026-11", "operator": "ann",
             "started": "2026-11-24T10:00:00+00:00", "parameters": {"target": "here", "dry_run": True}, "target": {},
             "versions": {}} | values  # fmt: skip
    conclude = {"kind": "conclude", "verdict": "HOLD", "next": "", "checks": []}
    outputs = [
        new_output("display_data", {"text/plain": "x"}, metadata={"hera-rollout": piece}) for piece in (begin, conclude)
    ]
    path = folder / "out.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1", execution_count=1, outputs=outputs)]), path)
    return path


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name != "out.ipynb")


@pytest.mark.parametrize(
    "values",
    [
        {"rollout": "../../evil"},
        {"rollout": "/tmp/evil-absolute"},
        {"rollout": ".."},
        {"rollout": "."},
        {"rollout": ""},
        {"rollout": "a\x00b"},
        {"rollout": "a/b"},
        {"rollout": "a\\b"},
        {"rollout": ["a"]},
        {"rollout": "a" * 300},
        {"notebook": "../../../evil"},
        {"notebook": "01/../../x"},
        {"notebook": "/etc/x"},
        {"notebook": "a\x00"},
        {"notebook": ""},
        {"notebook": 7},
        {"started": "../../x"},
        {"started": "2026-11-24T10:00:00"},
        {"started": None},
        {"parameters": "../../x"},
    ],
)
def test_a_notebook_whose_names_lead_out_is_refused_before_anything_is_written(tmp_path: Path, values: dict) -> None:
    place = tmp_path / "a" / "b" / "records"
    place.mkdir(parents=True)
    before = everything(tmp_path)
    path = executed(tmp_path, **values)
    with pytest.raises(Refused) as refused:
        records.add(path, place)
    assert refused.value.expected
    assert refused.value.todo
    assert everything(tmp_path) == before
    answer = CliRunner().invoke(main, ["records", "add", str(path), "--records", str(place)])
    assert (answer.exit_code, everything(tmp_path)) == (2, before)


def pieces(notebook: dict) -> list[dict]:
    return [output["metadata"]["hera-rollout"] for output in notebook["cells"][0]["outputs"]]


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", "null", "7", '{"cells": null, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "[" * 100_000,
     '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
     '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}'],
)  # fmt: skip
def test_a_file_that_is_no_notebook_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "out.ipynb").write_text(content)
    answer = CliRunner().invoke(main, ["records", "add", str(tmp_path / "out.ipynb"), "--records", str(tmp_path / "r")])
    assert answer.exit_code == 2, answer.exception
    assert answer.output.startswith("Refused: ")
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook: pieces(notebook)[1].pop("checks"),
        lambda notebook: pieces(notebook)[1].update(checks=[{"name": "a", "verdict": "MAYBE"}]),
        lambda notebook: pieces(notebook)[1].update(checks=[1]),
        lambda notebook: pieces(notebook)[1].update(executed={"1": 2}),
        lambda notebook: pieces(notebook)[1].update(ended=5),
        lambda notebook: pieces(notebook)[0].update(operator=5),
        lambda notebook: pieces(notebook)[0].update(operator="a\udc80"),
        lambda notebook: pieces(notebook)[0].update(target="x"),
        lambda notebook: pieces(notebook)[1].pop("kind"),
        lambda notebook: notebook["cells"][0]["outputs"][1]["metadata"].update({"hera-rollout": "x"}),
        lambda notebook: notebook["cells"][0]["outputs"][1].update(metadata=None),
        lambda notebook: notebook["cells"][0]["metadata"].update(tags=None),
        lambda notebook: notebook["cells"][0].pop("outputs"),
    ],
)
def test_evidence_that_no_phase_writes_is_refused_and_leaves_nothing_so_that_a_second_try_works(
    tmp_path: Path, change: Callable[[dict], object]
) -> None:
    path, place = executed(tmp_path), tmp_path / "records"
    good = path.read_text()
    notebook = json.loads(good)
    change(notebook)
    path.write_text(json.dumps(notebook))
    answer = CliRunner().invoke(main, ["records", "add", str(path), "--records", str(place)])
    assert answer.exit_code == 2, answer.exception
    assert answer.output.startswith("Refused: ")
    assert [left for left in everything(place) if left.is_file() or "RUNNING" in left.name] == []
    path.write_text(good)
    assert records.add(path, place).verdict == "HOLD"


@pytest.mark.parametrize("data", [{"operator": "[/bold]\x1b[31mx"}, {"target": {"name": 5}}, {"files": [1]}])
def test_a_record_with_odd_names_is_listed_and_verified(tmp_path: Path, data: dict) -> None:
    kept = records.add(executed(tmp_path), tmp_path / "records")
    (kept.folder / "record.json").write_text(json.dumps(kept.data | data))
    listed = CliRunner().invoke(main, ["records", "list", "--records", str(tmp_path / "records")])
    assert (listed.exit_code, "\x1b" in listed.output) == (0, False), listed.exception
    assert data.get("operator", "").partition("\x1b")[0] in listed.output
    checked = CliRunner().invoke(main, ["records", "verify", "--recompute", "--records", str(tmp_path / "records")])
    assert checked.exit_code == 1, checked.exception
    assert "✗" in checked.output


@pytest.mark.parametrize("place", ["a" * 300, "a/" * 2500])
def test_a_folder_of_records_that_no_folder_can_be_called_is_refused(place: str, tmp_path: Path) -> None:
    for command in (["list"], ["show", "last"], ["verify"], ["add", str(executed(tmp_path))]):
        answer = CliRunner().invoke(main, ["records", *command, "--records", place])
        assert answer.exit_code == 2, (command, answer.exception)


def test_a_link_in_the_folder_that_leads_out_gets_no_record(tmp_path: Path) -> None:
    place, outside = tmp_path / "records", tmp_path / "outside"
    place.mkdir()
    outside.mkdir()
    (place / "backend-2026-11").symlink_to(outside)
    with pytest.raises(Refused, match="leads out of"):
        records.add(executed(tmp_path), place)
    assert list(outside.iterdir()) == []


def test_a_record_that_a_link_leads_to_is_not_one_of_this_folder_and_verify_names_it(tmp_path: Path) -> None:
    elsewhere = records.add(executed(tmp_path), tmp_path / "elsewhere")
    place = tmp_path / "records"
    kept = records.add(executed(tmp_path, started="2026-11-24T11:00:00+00:00"), place)
    (kept.folder.parent / elsewhere.folder.name).symlink_to(elsewhere.folder)
    assert [record.folder for record in records.find(place)] == [kept.folder]
    assert [fault for _, fault in records.unreadable(place) if "leads out" in fault]
    answer = CliRunner().invoke(main, ["records", "verify", "--records", str(place)])
    assert answer.exit_code == 1
    assert "leads out" in answer.output


def test_a_file_of_a_record_that_is_a_link_is_named_by_verify(tmp_path: Path) -> None:
    kept = records.add(executed(tmp_path), tmp_path / "records")
    report = (kept.folder / "report.html").rename(tmp_path / "moved.html")
    (kept.folder / "report.html").symlink_to(report)
    assert [fault for fault in records.verify(kept.folder) if "report.html is a link" in fault]


def test_the_index_is_written_in_the_folder_and_not_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "precious.html").write_text("precious")
    (tmp_path / "records" / "index.html").symlink_to(tmp_path / "precious.html")
    records.add(executed(tmp_path), tmp_path / "records")
    assert (tmp_path / "precious.html").read_text() == "precious"
    assert "backend-2026-11" in (tmp_path / "records" / "index.html").read_text()


def test_a_records_name_is_no_way_out_and_an_empty_one_means_none(tmp_path: Path) -> None:
    place = tmp_path / "records"
    kept = records.add(executed(tmp_path), place)
    other = records.add(executed(tmp_path), tmp_path / "other")
    for name in (str(kept.folder), kept.folder.name, kept.folder.name[:12], "last",
                 f"backend-2026-11/{kept.folder.name}", f"{kept.folder}/"):  # fmt: skip
        assert records.named(place, name).folder == kept.folder
    for name in ("", ".", "/", "..", "a\x00b", f"/etc/\x00/{kept.folder.name}", str(other.folder),
                 f"../../{kept.folder.name}", f"/tmp/{kept.folder.name}"):  # fmt: skip
        with pytest.raises(Refused, match="0 records in"):
            records.named(place, name)
        if "\x00" not in name:
            for command in ("show", "verify"):
                answer = CliRunner().invoke(main, ["records", command, name, "--records", str(place)])
                assert answer.exit_code == 2, (command, name, answer.output)
    assert json.loads((kept.folder / "record.json").read_text())["verdict"] == kept.verdict
