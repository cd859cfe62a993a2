"""Notebook 03 in a real JupyterLab, in Debian's Chromium: approved by a click it goes on, declined by keys it does not.

Pictures of it go to the folder that HERA_TEST_PICTURES names, for somebody to look at.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
REASON = "looked at the figures"
TABS = 60
FOCUSED = "(document.activeElement.placeholder || '') + ' ' + (document.activeElement.innerText || '').slice(0, 80)"
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture
def notebook(passed, target_path: str, tmp_path: Path) -> Path:
    """The notebook with the parameters that an operator would type, and the place's target beside it."""
    records = str(passed["02_staging"].folder.parent.parent)
    given = {"dry_run: bool = True": "dry_run: bool = False", 'rollout: str = ""': 'rollout: str = "jupyterlab"',
             'records: str = ""': f"records: str = {records!r}", "traffic: float = 0.0": "traffic: float = 0.4",
             'user_issues: str = ""': 'user_issues: str = "none"'}  # fmt: skip
    text = (ROOT / "notebooks" / "03_canary.ipynb").read_text(encoding="utf-8")
    for before, after in given.items():
        quoted, wanted = (json.dumps(one)[1:-1] for one in (before, after))
        assert text.count(quoted) == 1, before
        text = text.replace(quoted, wanted)
    (tmp_path / "targets").mkdir()
    shutil.copyfile(target_path, tmp_path / "targets" / "lab.toml")
    made = tmp_path / "03_canary.ipynb"
    made.write_text(text, encoding="utf-8")
    return made


@pytest.fixture
def address(notebook: Path) -> Iterator[str]:
    """JupyterLab on loopback, as `make jupyter` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "jupyter", "lab", "--allow-root", "--ip", "127.0.0.1", "--port", str(port),
               "--no-browser", "--IdentityProvider.token=", f"--ServerApp.root_dir={notebook.parent}"]  # fmt: skip
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (
        (notebook.parent / "server.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PATH": path}) as server,
    ):
        where = f"http://127.0.0.1:{port}"
        try:
            _until(lambda: _answers(f"{where}/api"), 60, "JupyterLab answers")
            yield f"{where}/lab/tree/{notebook.name}?reset"
        finally:
            server.terminate()


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(OPTIONS))
        shown = browser.new_page(viewport={"width": 1300, "height": 1000})
        shown.goto(address)
        shown.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        expect(shown.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=90_000)  # else it runs nothing
        shown.add_locator_handler(
            shown.get_by_text("official Jupyter news"), shown.get_by_role("button", name="No").first.click
        )
        yield shown
        browser.close()


def _answers(where: str) -> bool:
    try:
        return httpx.get(where).is_success
    except httpx.HTTPError:
        return False


def _until(true, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


def picture(page: Page, name: str) -> None:
    """For somebody to look at."""
    if folder := os.environ.get("HERA_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def approved_by_clicks(page: Page, rung: str) -> None:
    """Fill in a reason and press the button of the form, as a person does."""
    form = page.locator(".jp-OutputArea", has_text=f"Approve rung {rung} %").last
    reason = form.get_by_placeholder("what you looked at, and why it may go on")
    reason.scroll_into_view_if_needed(timeout=120_000)
    reason.click()
    page.keyboard.type(REASON)
    picture(page, f"approval-{rung}")
    form.get_by_role("button", name="Approve").click()


def by_keys(page: Page) -> None:
    """Run all cells by the command palette, without the mouse."""
    page.keyboard.press("Control+Shift+c")
    page.keyboard.type("run all cells")
    page.keyboard.press("Enter")


def declined_by_keys(page: Page, rung: str) -> None:
    """Without the mouse: Tab to the form's reason, Tab to its buttons, Enter."""
    form = page.locator(".jp-OutputArea", has_text=f"Approve rung {rung} %").last
    form.get_by_placeholder("what you looked at, and why it may go on").wait_for(timeout=120_000)
    tab_to(page, "what you looked at")
    page.keyboard.type(REASON)
    tab_to(page, "Decline")
    picture(page, f"decline-{rung}-keys")
    page.keyboard.press("Enter")


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what has the focus says so."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if words in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"{TABS} times Tab do not reach {words!r}")


def flags(lab) -> set[tuple[bool, int]]:
    return {(said["enabled"], said["percent"]) for said in lab.flags()}


def test_approved_by_a_click_the_next_cells_run_and_declined_by_keys_they_do_not(clean_backend, page: Page):
    by_keys(page)
    assert flags(clean_backend) == {(False, 0)}
    approved_by_clicks(page, "10")
    _until(lambda: flags(clean_backend) == {(True, 10)}, 60, "the flag at 10 %")
    expect(page.locator(".jp-Notebook").get_by_text(f"rung 10 %. {REASON}")).to_be_attached(timeout=10_000)
    picture(page, "watching-10")
    declined_by_keys(page, "25")
    text = page.locator(".jp-Notebook")
    expect(text.get_by_text(f"rung 25 %. {REASON}")).to_be_attached(timeout=10_000)
    expect(text.get_by_text("PhaseOnHold", exact=False).first).to_be_attached(timeout=60_000)
    picture(page, "declined-25")
    time.sleep(3)
    assert flags(clean_backend) == {(True, 10)}, "what was declined was not done"
    assert text.get_by_text("Go to 25 %").count()
    assert not text.get_by_text("Go to 50 %").count(), "the cells after it do not run"
