"""The same cell with a person before it and without: a button only for the person, and nothing of a record in it."""

import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.slow

WATCH = """
import time
import pandas as pd
from hera_rollout import display

def work(live):
    for done in (1, 2, 3):
        live.line(f"{done} of 3 pods report the flag")
        live.frame(pd.DataFrame([(f"pod-{n}", "on") for n in range(1, done + 1)], columns=["pod", "flag"]))
        time.sleep(0.05)
    return pd.DataFrame({"pod": ["a", "b", "c"], "flag": ["on"] * 3})

display.table(await display.watched(work), "Pods")
"""
CONCLUDE = """
from hera_rollout.gates import Verdict, judge, rules
check = judge(name="one", rule=rules.holds, evidence={"holds": True}, seen="so it is").as_dict()
display.banner(Verdict.PASS, "phase", [], kind="conclude", evidence={"verdict": "PASS", "checks": [check]})
"""
STOPPABLE = """
from hera_rollout import display
stopped = await display.watched(lambda live: live.stop.wait(25))
assert stopped, "not stopped"
"""
KERNEL = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def execute(session: str) -> nbformat.NotebookNode:
        monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
        if session:
            monkeypatch.setenv("JPY_SESSION_NAME", session)
        path = tmp_path / "cell.ipynb"
        nbformat.write(new_notebook(cells=[new_code_cell(WATCH)], metadata=KERNEL), path)
        return papermill.execute_notebook(path, None, progress_bar=False, cwd=tmp_path)

    return execute


def shown(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for output in notebook.cells[0].outputs if "data" in output]


def test_headless_there_is_no_widget_and_the_final_table_is_what_stays(executed) -> None:
    notebook = executed("")
    assert not [output for output in shown(notebook) if WIDGET in output.data]
    assert "widgets" not in notebook.metadata
    texts = [output.data["text/plain"] for output in shown(notebook)]
    assert [text.splitlines()[0] for text in texts if text] == ["Pods"], "progress is still there, or the table is not"


def test_the_command_tells_progress_as_plain_lines_once_each_and_none_is_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    text = 'name = "here"\nbackend_url = "http://127.0.0.1:1"\nargo_url = "http://127.0.0.1:1"\n'
    (tmp_path / "targets" / "here.toml").write_text(text)
    head = new_code_cell("target: str = 'here'\ndry_run: bool = True", metadata={"tags": ["parameters"]})
    cells = [head, new_code_cell(WATCH.replace("of 3 pods", "of 3 \\x1b[31mpods")), new_code_cell(CONCLUDE)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), tmp_path / "01_dev_testing.ipynb")
    command = [Path(sys.executable).parent / "hera-rollout", "run", "01_dev_testing.ipynb", "--target", "here"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "pod" in line]
    assert told == [said for n in (1, 2, 3) for said in (f"{n} of 3 pods report the flag", f"pod-{n} · on")]
    (notebook,) = (tmp_path / "records").glob("*/*/notebook.ipynb")
    outputs = [cell.get("outputs") for cell in nbformat.read(notebook, as_version=4).cells]
    assert "report the flag" not in str(outputs)


def test_with_a_person_there_is_a_button_and_the_record_is_the_same(executed) -> None:
    with_button, headless = executed("notebooks/01.ipynb"), executed("")
    assert [output for output in shown(with_button) if WIDGET in output.data]

    def kept(notebook: nbformat.NotebookNode) -> list[tuple[str, object]]:
        return [
            (output.data["text/plain"], output.metadata)
            for output in shown(notebook)
            if WIDGET not in output.data and output.data["text/plain"]
        ]

    assert kept(with_button) == kept(headless) != []


@pytest.mark.timeout(90)
def test_a_click_on_stop_ends_the_wait_of_the_cell_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The click comes over the wire, as JupyterLab sends it, while the cell waits."""
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/01.ipynb")
    manager, kernel = start_new_kernel()
    try:
        request = kernel.execute(STOPPABLE)
        button = _button(kernel)
        began = time.monotonic()
        click = {"comm_id": button, "data": {"method": "custom", "content": {"event": "click"}}}
        kernel.shell_channel.send(kernel.session.msg("comm_msg", click))
        reply = kernel.get_shell_msg(timeout=30)
        while reply["parent_header"].get("msg_id") != request:
            reply = kernel.get_shell_msg(timeout=30)
        assert reply["content"]["status"] == "ok", reply
        assert time.monotonic() - began < 10, "the click was not heard before the wait's own end"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


OFFERED = """
from hera_rollout import display
display.offered("Roll back", lambda tell: tell("under way") or 7, lambda seen: display.note(f"seen {seen}"))
"""


def test_what_a_click_on_an_offered_button_shows_is_in_a_widgets_state():
    """A front end drops what is displayed once the click's own message has been dealt with."""
    manager, kernel = start_new_kernel()
    try:
        kernel.execute(OFFERED)
        click = {"comm_id": _button(kernel), "data": {"method": "custom", "content": {"event": "click"}}}
        kernel.shell_channel.send(kernel.session.msg("comm_msg", click))
        while True:
            state = kernel.get_iopub_msg(timeout=30)["content"].get("data", {}).get("state", {})
            if state.get("outputs"):
                break
        assert "seen 7" in state["outputs"][0]["data"]["text/plain"]
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def _button(kernel) -> str:
    """The comm of the button that the running cell shows."""
    while True:
        message = kernel.get_iopub_msg(timeout=30)
        state = message["content"].get("data", {}).get("state", {}) if message["msg_type"] == "comm_open" else {}
        if state.get("_model_name") == "ButtonModel":
            return message["content"]["comm_id"]
