"""A run that is ended from outside leaves no kernel behind; its record says where the flag stands, and the way back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from hera_rollout import records
from hera_rollout.records import RecordVerdict, classify
from hera_rollout.state import processes

COMMAND = Path(sys.executable).parent / "hera-rollout"
KERNEL = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
STUBBORN = """
import os, pathlib, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
pathlib.Path("kernel").write_text(str(os.getpid()))
time.sleep(120)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a target whose cluster cannot be reached; the current one."""
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "here.toml").write_text(
        'name = "here"\nbackend_url = "http://127.0.0.1:1"\nargo_url = "http://127.0.0.1:1"\n'
        f'kubeconfig = "{tmp_path}/none"\n'
    )
    parameters = new_code_cell('target: str = "here"\ndry_run: bool = True', metadata={"tags": ["parameters"]})
    notebook = new_notebook(cells=[parameters, new_code_cell(STUBBORN)], metadata=KERNEL)
    nbformat.write(notebook, tmp_path / "01_dev_testing.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alive(number: int) -> bool:
    try:
        return (Path("/proc") / str(number) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "timeout", "kernel"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_no_kernel_goes_on_and_next_says_where_the_flag_stands(place: Path, how: str, dry_run: bool) -> None:
    words = [COMMAND, "run", place / "01_dev_testing.ipynb", "--target", "here", "-p", "dry_run", str(dry_run)]
    process = subprocess.Popen([*words, *(["--cell-timeout", "3"] if how == "timeout" else [])],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
    ends = time.monotonic() + 60
    while not (place / "kernel").exists() or not (place / "kernel").read_text():
        assert time.monotonic() < ends
        time.sleep(0.05)
    kernel = int((place / "kernel").read_text())
    if how.startswith("SIG"):
        os.kill(process.pid, signal.Signals[how])
    elif how == "kernel":
        os.kill(kernel, signal.SIGKILL)
    said, _ = process.communicate(timeout=90)
    (record,) = records.find(place / "records")
    assert record.verdict == "BROKEN", said
    assert not alive(kernel), "it would go on with the rollout, and keep its lease"
    if dry_run:
        assert record.data["next"] == ""
    else:
        assert record.data["next"].startswith("Where the flag stands is not known: ")
        assert "hera-rollout rollback --target here --yes" in record.data["next"]
    assert list(records.recompute(record.folder)) == []


def test_a_kernel_that_is_dead_and_not_reaped_keeps_no_lease() -> None:
    with subprocess.Popen(["sleep", "0"]) as child:
        me = processes.own()
        mine = processes.Process(me.place, child.pid, processes.started(child.pid))
        ends = time.monotonic() + 10
        while alive(child.pid) and time.monotonic() < ends:
            time.sleep(0.02)
        assert processes.dead(mine, me), "a zombie turns no flag"
    assert not processes.dead(me, processes.Process(me.place, 1, "-"))


# --- a refusal after a change -----------------------------------------------------------------------------------------


def shown(kind: str, **evidence: object) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={}, metadata={"hera-rollout": {"kind": kind, **evidence}})


def refused_run(*, dry_run: bool, changed: list[str], verdict: str = "") -> nbformat.NotebookNode:
    """A run whose cell ended with a refusal of the kit."""
    check = {"name": "error rate", "verdict": verdict}
    outputs = [
        shown("begin", parameters={"dry_run": dry_run}), *([shown("check", check=check)] if verdict else []),
        shown("step", ended="failed", changed=changed),
        nbformat.v4.new_output("error", ename="Conflicting", evalue="was changed since it was read", traceback=[]),
    ]  # fmt: skip
    return new_notebook(cells=[new_code_cell("watch()", outputs=outputs, execution_count=1)])


@pytest.mark.parametrize(("changed", "check", "dry_run", "verdict"), [
    (["the flag"], "FAIL", False, "FAIL"), (["the flag"], "PASS", False, "BROKEN"),
    (["submissions"], "", False, "BROKEN"),
    ([], "PASS", False, "REFUSED"), ([], "FAIL", False, "REFUSED"), (["the flag"], "", True, "REFUSED"),
])  # fmt: skip
def test_only_who_changed_nothing_is_refused(changed: list[str], check: str, dry_run: bool, verdict: str) -> None:
    outcome = classify(refused_run(dry_run=dry_run, changed=changed, verdict=check))
    assert outcome.verdict is RecordVerdict(verdict)
    assert ("had changed" in outcome.reason) == (verdict != "REFUSED")
