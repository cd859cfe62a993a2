"""Walk the notebooks in JupyterLab, in Debian's Chromium, by clicks, and keep pictures of them and of their records.

    python docs/walk.py [--only 01,02] [--records FOLDER] [--pictures FOLDER]

It needs the lab (`make lab`) and turns its flag. Every notebook is opened as `make jupyter` opens it, with the
parameters that an operator would type; then: Run All Cells, each approval by its form, save, `hera-rollout records
add`. The records are looked at without a network, wide and as on a phone. Whoever runs it looks at the pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from hera_rollout import records
from rollout_lab import service_repository

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync")  # fmt: skip
WIDE, PHONE = {"width": 1300, "height": 1000}, {"width": 390, "height": 844}
LONGEST = 900
GOLDEN = ROOT / "tests" / "golden" / "cleaned_backend"
COMMON = {"dry_run": "False", "rollout": '"walk"', "operator": '"ada"'}
WATCHED = {"user_issues": '"none"', "traffic": "0.4", "patience_seconds": "600"}
PHASES = {
    "01_dev_testing": COMMON,
    "02_staging": COMMON,
    "03_canary": COMMON | WATCHED,
    "04_production": COMMON | WATCHED | {"told": '"nobody else is on the lab"'},
    "05_cleanup": COMMON | {
        "repository": '"service"', "known": repr(str(GOLDEN.with_suffix(".toml"))),
        "mends": repr(str(GOLDEN.with_suffix(".patch"))), "templates": "True",
        "experience": '"fewer templates to keep in step"', "asked": '"grace"', "learned": '"begin with the drill"',
    },
}  # fmt: skip


def notebook(phase: str, folder: Path, kept: Path) -> Path:
    """A phase's notebook with an operator's parameters."""
    made = json.loads((ROOT / "notebooks" / f"{phase}.ipynb").read_text(encoding="utf-8"))
    cell = next(one for one in made["cells"] if "parameters" in one["metadata"].get("tags", []))
    given = PHASES[phase] | ({} if phase == "01_dev_testing" else {"records": repr(str(kept))})
    lines = "".join(cell["source"]).splitlines(keepends=True)
    for name, value in given.items():
        (at,) = [number for number, line in enumerate(lines) if line.startswith(f"{name}: ")]
        typed, _, rest = lines[at].partition(" = ")
        lines[at] = f"{typed} = {value}{'  # ' + rest.partition('  # ')[2] if '  # ' in rest else chr(10)}"
    cell["source"] = lines
    path = folder / f"{phase}.ipynb"
    path.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return path


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """JupyterLab on loopback; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [BIN / "jupyter", "lab", "--allow-root", "--ip", "127.0.0.1", "--port", str(port), "--no-browser",
               "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]  # fmt: skip
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as server,
    ):
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/api"), 60, "JupyterLab answers")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def answers(where: str) -> bool:
    """Whether something answers there."""
    try:
        return httpx.get(where, timeout=5).is_success
    except httpx.HTTPError:
        return False


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until it is so."""
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            raise SystemExit(f"Not within {seconds:.0f} s: {what}")
        time.sleep(0.5)


class Walk:
    """One notebook after the other in one browser."""

    def __init__(self, page: Page, address: str, pictures: Path) -> None:
        self.page, self.address, self.pictures = page, address, pictures

    def run(self, path: Path) -> None:
        """Open it, run all cells, answer every form, and save it once its kernel has nothing more to do."""
        page = self.page
        page.goto(f"{self.address}/lab/tree/{path.name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=90_000)
        self.picture(f"{path.stem}-opened")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        ends, answered = time.monotonic() + LONGEST, 0
        while not self.over(path):
            if time.monotonic() > ends:
                self.picture(f"{path.stem}-stuck")
                raise SystemExit(f"{path.stem} did not end within {LONGEST} s")
            form = page.locator(".jp-OutputArea-output", has=page.get_by_placeholder("what you looked at")).last
            if form.count():
                answered += 1
                self.approve(form, f"{path.stem}-approval-{answered}")
            time.sleep(1)
        self.picture(f"{path.stem}-ended")

    def approve(self, form: Locator, name: str) -> None:
        """As a person does: a reason, then the button."""
        reason = form.get_by_placeholder("what you looked at")
        reason.scroll_into_view_if_needed(timeout=30_000)
        reason.click()
        self.page.keyboard.type("looked at the figures")
        self.picture(name)
        form.get_by_role("button", name="Approve").click()
        reason.wait_for(state="detached", timeout=30_000)

    def over(self, path: Path) -> bool:
        """Whether no cell waits any more; then the notebook is saved by its keys."""
        if self.page.locator(".jp-InputPrompt", has_text="[*]").count():
            return False
        self.page.keyboard.press("Control+s")
        cells = [one for one in json.loads(path.read_text())["cells"] if one["cell_type"] == "code" and one["source"]]
        time.sleep(2)
        return all(one["execution_count"] for one in cells) or any(
            output["output_type"] == "error" for one in cells for output in one["outputs"]
        )

    def picture(self, name: str) -> None:
        """What is on the screen."""
        self.page.screenshot(path=self.pictures / f"{name}.png")


def looked_at(browser: Browser, report: Path, name: str, pictures: Path) -> None:
    """A record without a network: wide, and as on a phone."""
    for kind, size in (("wide", WIDE), ("phone", PHONE)):
        context = browser.new_context(viewport=size, offline=True)
        page = context.new_page()
        failed: list[str] = []
        page.on("requestfailed", lambda request, failed=failed: failed.append(request.url))
        page.goto(report.as_uri())
        page.screenshot(path=pictures / f"record-{name}-{kind}.png")
        page.screenshot(path=pictures / f"record-{name}-{kind}-whole.png", full_page=True)
        beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        print(
            f"record {name} {kind}: {len(failed)} requests failed, {max(0, beyond)} pixels beyond the edge", flush=True
        )
        context.close()


def main() -> None:
    """Walk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(phase[:2] for phase in PHASES))
    parser.add_argument("--records", type=Path, default=ROOT / "records")
    parser.add_argument("--pictures", type=Path, default=ROOT / "records" / "pictures")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # else JupyterLab would go on
    kept, pictures = chosen.records.resolve(), chosen.pictures.resolve()
    folder = kept / "walk"
    for one in (folder, pictures):
        one.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "targets", folder / "targets", dirs_exist_ok=True)
    with jupyterlab(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(CHROMIUM))
        page = browser.new_page(viewport=WIDE)
        page.add_locator_handler(
            page.get_by_text("official Jupyter news"), page.get_by_role("button", name="No").first.click
        )
        for phase in PHASES:
            if phase[:2] not in chosen.only.split(","):
                continue
            if phase == "03_canary":
                drill(kept)
            if phase == "05_cleanup":
                shutil.rmtree(folder / "service", ignore_errors=True)
                service_repository.make(ROOT, folder / "service")
            Walk(page, address, pictures).run(notebook(phase, folder, kept))
            record = records.add(folder / f"{phase}.ipynb", kept)
            print(phase, record.verdict, record.data["reason"], flush=True)
            looked_at(browser, record.report, phase[:2], pictures)
        browser.close()
    if "05" in chosen.only.split(","):  # the cleaned backend took the place of the checkout's own
        subprocess.run([BIN / "rollout-lab", "load-backend"], cwd=ROOT, check=True, timeout=LONGEST)


def drill(kept: Path) -> None:
    """03 asks for the drill's record."""
    words = ["run", "drill", "--target", "lab", "--records", kept, "-p", "dry_run", "False", "-p", "rollout", "walk",
             "-p", "seconds", "6", "-p", "per_second", "0.5"]  # fmt: skip
    subprocess.run([BIN / "hera-rollout", *words], cwd=ROOT, check=True, capture_output=True, timeout=LONGEST)


if __name__ == "__main__":
    main()
