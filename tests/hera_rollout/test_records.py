"""A record is what was kept, or verify says what is not; it judges itself again; no secret is in any of its files."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import nbformat
import papermill
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from hera_rollout import records
from hera_rollout.cli import main
from hera_rollout.errors import Refused
from hera_rollout.parameters import MODELS
from hera_rollout.records import chain, running

SECRETS = {
    "token": "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ",
    "password": "hunter2hunter2",
    "key": "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt",
    "apprise": "TIiajkdnlazkcOXrIdevi7FQ",
}
LEAKY = """
import pandas as pd
from hera_rollout.display import table
leaks = ["Bearer {token}", "postgresql://backend:{password}@10.0.0.1/x", "client-key-data: {key}", "slack://T1JJ3T3L2/A1BRTD4JD/{apprise}"]
print(leaks)
table(pd.DataFrame(dict(leak=leaks)), "Leaks")
raise ValueError(leaks)
"""
PHASE = """
from hera_rollout.display import banner, header, table
from hera_rollout.gates import Verdict, judge, rules
import pandas as pd
header("Phase", {}, kind="begin", evidence=dict(notebook="01_dev_testing", rollout="backend-2026-11", operator="ann",
       started="2026-11-24T10:00:00+00:00", parameters=dict(target="here", dry_run=False), target={}, versions={}))
table(pd.DataFrame(dict(pod=["a", "b"])), "Pods")
check = judge(name="quiet", rule=rules.holds, evidence=dict(holds=True), seen="0 of 3")
banner(Verdict.PASS, "Phase", [], kind="conclude", evidence=dict(verdict="PASS", checks=[check.as_dict()], next="02"))
"""
FIELDS = ["notebook.ipynb", "report.html", "record.json", "evidence/01-pods.csv", "evidence/checks.json"]


def notebook(place: Path, source: str) -> Path:
    (place / "targets").mkdir(exist_ok=True)
    text = 'name = "here"\nbackend_url = "http://127.0.0.1:1"\nargo_url = "http://127.0.0.1:1"\n'
    (place / "targets" / "here.toml").write_text(text)
    head = new_code_cell("target: str = 'here'\ndry_run: bool = False", metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    nbformat.write(new_notebook(cells=[head, new_code_cell(source)], metadata=kernel), place / "01_dev_testing.ipynb")
    return place / "01_dev_testing.ipynb"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records of three runs of one rollout."""
    place = tmp_path_factory.mktemp("kept")
    executed = place / "out.ipynb"
    papermill.execute_notebook(notebook(place, PHASE), executed, progress_bar=False, cwd=place)
    for minute in range(3):
        text = executed.read_text().replace("2026-11-24T10:00", f"2026-11-24T10:0{minute}")
        (place / "again.ipynb").write_text(text)
        records.add(place / "again.ipynb", place / "records")
    return place / "records"


def faults(folder: Path) -> list[str]:
    return [fault for record in records.find(folder) for fault in records.verify(record.folder)]


@pytest.mark.slow
def test_what_plain_papermill_ran_becomes_a_record_that_verifies_and_judges_itself_again(kept: Path) -> None:
    found = list(records.find(kept))
    assert [record.verdict for record in found] == ["PASS"] * 3
    assert faults(kept) == []
    assert [fault for record in found for fault in records.recompute(record.folder)] == []
    newest = found[0]
    jsonschema.validate(newest.data, records.SCHEMA)
    assert newest.data["operator"] == "ann"
    assert newest.data["previous"]["record"] == found[1].folder.name
    assert found[2].data["previous"] is None
    assert set(newest.data["files"]) | {"record.json"} == set(FIELDS)
    assert (newest.folder / "evidence" / "01-pods.csv").read_text() == "pod\na\nb\n"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_is_found(kept: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    place = tmp_path_factory.mktemp("flipped") / "records"
    shutil.copytree(kept, place)
    record = data.draw(st.sampled_from(sorted(path.parent for path in place.glob("*/*/record.json"))))
    victim = record / data.draw(st.sampled_from(FIELDS))
    content = bytearray(victim.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    before = victim.read_bytes()
    victim.write_bytes(bytes(content))
    found = [fault for path in place.glob("*/*/record.json") for fault in records.verify(path.parent)]
    # A byte of record.json may change its layout and not its content: then the hash in the next record tells, or,
    # for the newest, nothing that it says has changed.
    same = victim.name == "record.json" and _same_content(before, bytes(content))
    assert found or same
    shutil.rmtree(place.parent)


def _same_content(before: bytes, after: bytes) -> bool:
    try:
        return bool(json.loads(before) == json.loads(after))
    except ValueError:
        return False


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda record: (record / "evidence" / "01-pods.csv").unlink(), "is missing"),
        (lambda record: (record / "evidence" / "more.csv").write_text("x"), "was not there when"),
        (lambda record: record.rename(record.with_name(record.name.replace("PASS", "HOLD"))), "the record is of"),
        (shutil.rmtree, "the record before it was"),
        (lambda record: record.rename(record.with_name(record.name.replace("T1001", "T0900"))), "the record before it"),
    ],
)
def test_missing_added_renamed_and_reordered_records_are_found(
    kept: Path, tmp_path: Path, harm: object, said: str
) -> None:
    shutil.copytree(kept, tmp_path / "records")
    harm(sorted(path.parent for path in (tmp_path / "records").glob("*/*/record.json"))[1])
    assert any(said in fault for fault in faults(tmp_path / "records")), faults(tmp_path / "records")


def test_a_verdict_that_its_evidence_does_not_bear_out_is_found(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "records")
    record = next(records.find(tmp_path / "records"))
    checks = json.loads((record.folder / "evidence" / "checks.json").read_text())
    checks[0]["evidence"]["holds"] = False
    (record.folder / "evidence" / "checks.json").write_text(json.dumps(checks))
    (fault,) = records.recompute(record.folder)
    assert "'quiet' says PASS, its evidence gives FAIL" in fault


@pytest.mark.slow
def test_no_seeded_secret_is_in_any_file_of_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = LEAKY
    for name in SECRETS:
        # Spelt backwards in the source, which is part of the record too.
        source = source.replace("{" + name + "}", "%s")
    backwards = [secret[::-1] for secret in SECRETS.values()]
    source = source.replace(
        "print(leaks)", f"leaks = [a % b[::-1] for a, b in zip(leaks, {backwards!r})]\nprint(leaks)"
    )
    record = records.run(notebook(tmp_path, source), {"target": "here"}, folder=tmp_path / "records", progress=False)
    assert "ValueError" in record.data["reason"]
    files = [path for path in record.folder.rglob("*") if path.is_file()]
    assert len(files) >= 5
    for path in files:
        text = path.read_text()
        assert not [name for name, secret in SECRETS.items() if secret in text], path


SECRET_MEANWHILE = """
import pathlib, time
print("said " + "aloud: Bearer " + {backwards!r}[::-1])
while not pathlib.Path("enough").exists():
    time.sleep(0.2)
    print("and on", flush=True)
"""


@pytest.mark.slow
def test_what_is_written_while_the_notebook_runs_is_redacted_before_it_touches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is killed leaves what papermill saved on the way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "AUTOSAVE_SECONDS", 1)
    source = notebook(tmp_path, SECRET_MEANWHILE.format(backwards=SECRETS["token"][::-1]))
    seen: list[str] = []

    def look() -> None:
        """From the moment it was said until it is saved: every state of every file."""
        ends = time.monotonic() + 60
        while time.monotonic() < ends and not any("said aloud" in text for text in seen):
            seen.extend(path.read_text() for path in (tmp_path / "records").rglob("*.ipynb"))
            time.sleep(0.05)
        (tmp_path / "enough").touch()

    looking = threading.Thread(target=look)
    looking.start()
    records.run(source, {"target": "here"}, folder=tmp_path / "records", progress=False)
    looking.join()
    assert any("said aloud" in text for text in seen), "nothing was saved on the way: this proves nothing"
    assert not [text for text in seen if SECRETS["token"] in text]


def test_the_index_is_newest_first_and_links_to_reports_that_exist(kept: Path) -> None:
    html = (kept / "index.html").read_text()
    names = [record.folder.name for record in records.find(kept)]
    places = [html.index(f"{name}/report.html") for name in names]
    assert places == sorted(places)
    assert "http" not in html.replace("http-equiv", "")
    assert '<meta name="viewport"' in html


@pytest.mark.parametrize("phase", list(MODELS))
def test_the_index_links_to_a_run_of_every_notebook(kept: Path, tmp_path: Path, phase: str) -> None:
    text = (kept.parent / "again.ipynb").read_text().replace("01_dev_testing", phase)
    (tmp_path / "again.ipynb").write_text(text)
    record = records.add(tmp_path / "again.ipynb", tmp_path / "records")
    html = (tmp_path / "records" / "index.html").read_text()
    assert f'href="{record.report.relative_to(tmp_path / "records")}">✓ PASS</a>' in html


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        ("02_staging", "ann, who approved the change by dry_run=False"),
        ("04_production", "ann; this attempt asked for no approval"),
    ],
)
def test_a_report_says_of_nobody_that_they_approved_what_they_were_not_asked(
    kept: Path, tmp_path: Path, phase: str, said: str
) -> None:
    text = (kept.parent / "again.ipynb").read_text().replace("01_dev_testing", phase)
    (tmp_path / "again.ipynb").write_text(text)
    record = records.add(tmp_path / "again.ipynb", tmp_path / "records")
    assert f"<dt>Run by</dt><dd>{said}</dd>" in record.report.read_text(encoding="utf-8")


def test_the_cli_lists_shows_verifies_and_adds(kept: Path, tmp_path: Path) -> None:
    def call(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, ["records", *words])
        return answer.exit_code, answer.output

    assert call("verify", "--recompute", "--records", str(kept))[0] == 0
    code, shown = call("show", "last", "--records", str(kept))
    assert code == 0
    assert "PASS  quiet: 0 of 3" in shown
    assert json.loads(call("show", "last", "--json", "--records", str(kept))[1])["verdict"] == "PASS"
    assert call("show", "../../etc", "--records", str(kept))[0] == 2
    assert call("list", "--records", str(tmp_path))[1].startswith("No records")
    shutil.copytree(kept, tmp_path / "records")
    (next(records.find(tmp_path / "records")).folder / "report.html").write_text("")
    code, said = call("verify", "--records", str(tmp_path / "records"))
    assert code == 1
    assert "report.html was changed" in said
    assert call("verify", "--records", str(tmp_path / "nothing"))[0] == 1


def test_a_run_whose_record_is_kept_gets_no_second_one(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "records")
    before = sorted((tmp_path / "records").rglob("*"))
    with pytest.raises(Refused, match="is there already: of a run of this phase") as refused:
        records.add(kept.parent / "again.ipynb", tmp_path / "records")
    assert f"records show {next(records.find(kept)).folder.name}" in refused.value.todo
    assert sorted((tmp_path / "records").rglob("*")) == before, "nothing half made is left"


def test_a_notebook_that_no_phase_began_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="carries no evidence of a phase"):
        records.add(notebook(tmp_path, "1"), tmp_path / "records")


def _added(kept: Path, place: Path, began: str) -> records.Record:
    """One more record in a folder, of a run that began then."""
    executed = place.parent / f"began-{began}.ipynb"
    executed.write_text((kept.parent / "again.ipynb").read_text().replace("2026-11-24T10:02", f"2026-11-24T{began}"))
    return records.add(executed, place)


@pytest.fixture(scope="module")
def overlapping(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> list[records.Record]:
    """Five records in the order they were kept: the run that began first may end last, or be added later."""
    place = tmp_path_factory.mktemp("overlapping") / "records"
    return [_added(kept, place, began) for began in ("10:30", "10:00", "11:00", "09:00", "12:00")]


def test_runs_that_overlap_and_one_that_is_added_later_are_as_they_were_kept(
    overlapping: list[records.Record],
) -> None:
    assert faults(overlapping[0].folder.parent.parent) == []
    linked = [(record.data["previous"] or {}).get("record") for record in overlapping]
    assert linked == [None, *(record.folder.name for record in overlapping[:-1])]


def test_records_that_are_kept_at_the_same_moment_follow_each_other(kept: Path, tmp_path: Path) -> None:
    place = tmp_path / "records"
    keepers = [threading.Thread(target=_added, args=(kept, place, f"10:{n}")) for n in range(10, 15)]
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.join()
    assert len(list(records.find(place))) == len(keepers)
    assert faults(place) == []


@pytest.mark.parametrize("victim", range(4))
def test_of_runs_that_overlapped_each_that_was_taken_away_or_changed_is_found(
    overlapping: list[records.Record], tmp_path: Path, victim: int
) -> None:
    place = tmp_path / "records"
    shutil.copytree(overlapping[0].folder.parent.parent, place)
    folder = place / overlapping[victim].folder.parent.name / overlapping[victim].folder.name
    content = {**overlapping[victim].data, "reason": "all was well"}
    content["seal"] = chain.seal_of(content)
    (folder / "record.json").write_text(json.dumps(content))
    assert any("was changed" in fault for fault in faults(place))
    shutil.rmtree(folder)
    assert any("and is not there" in fault for fault in faults(place))


def test_a_record_that_was_made_elsewhere_and_put_between_is_found(kept: Path, tmp_path: Path) -> None:
    place, other = tmp_path / "records", tmp_path / "other" / "records"
    first = _added(kept, place, "10:00")
    shutil.copytree(first.folder, other / first.folder.parent.name / first.folder.name)
    forged = _added(kept, other, "10:30")
    _added(kept, place, "11:00")
    assert faults(place) == faults(other) == []
    shutil.copytree(forged.folder, first.folder.with_name(forged.folder.name))
    assert any("one of them was not kept here" in fault for fault in faults(place))


def _without(key: str) -> object:
    return lambda data: {name: value for name, value in data.items() if name != key}


@pytest.mark.parametrize(
    "change",
    [
        lambda _: [],
        lambda _: {"verdict": "PASS"},
        *(_without(key) for key in ("notebook", "parameters", "verdict", "seal", "operator", "began")),
        lambda data: {**data, "verdict": "PASSED"},
        lambda data: {**data, "checks": [{"name": "quiet"}]},
        lambda data: {**data, "began": "yesterday"},
        lambda data: {**data, "began": "2026-11-24T10:00:00"},
    ],
)
def test_json_that_is_no_record_is_passed_over_and_verify_names_it(
    kept: Path, tmp_path: Path, change: Callable[[object], object]
) -> None:
    shutil.copytree(kept, tmp_path / "records")
    newest = next(records.find(tmp_path / "records"))
    (newest.folder / "record.json").write_text(json.dumps(change(newest.data)))
    assert len(list(records.find(tmp_path / "records"))) == 2
    _added(kept, tmp_path / "records", "12:00")
    assert newest.folder.name not in (tmp_path / "records" / "index.html").read_text()
    answer = CliRunner().invoke(main, ["records", "verify", "--records", str(tmp_path / "records")])
    assert answer.exit_code == 1
    assert f"✗ {newest.folder.name}: record.json is no record: " in answer.output
