"""What a record shows: nothing from cluster or backend is taken for markup or a code, and nothing is loaded."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import sync_playwright

from hera_rollout import records

pytestmark = pytest.mark.slow  # two notebooks are run for it

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J"
# Everything a phase shows, fed with what a pod, a workflow or an answer may carry.
SHOW = """
import pandas as pd
from hera_rollout import display
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Verdict, judge, rules

bad = {hostile!r}
display.header(bad, {{bad: bad}}, kind="begin", evidence=dict(
    notebook="01_dev_testing", rollout="backend-2026-11", operator=bad, started="2026-11-24T10:00:00+00:00",
    parameters=dict(target=bad, dry_run=False), target=dict(name=bad, deployment=bad), versions=dict(hera=bad)))
frame = pd.DataFrame({{bad: [bad, "x" * 300_000], "n": [1.5, 2.5]}})
display.table(frame, bad, command=f"kubectl logs {{bad}}")
display.table(frame, bad, folded=True)
display.diff(f"-{{bad}}\\n+{{bad}}", bad, command=bad)
display.note(bad)
times = dict(scenario=["simple", bad], yaml_seconds=[4.1, 4.0], hera_seconds=[4.2, 4.4])
display.durations_by_path(pd.DataFrame(times))
print(bad)
import ipywidgets, IPython
IPython.display.display(ipywidgets.Button(description="Stop waiting"))
"""
FAIL = """
words = dict(seen=bad, expected=bad, why=bad, todo=bad)
check = judge(name=bad, rule=rules.holds, evidence=dict(holds=False, said=bad), **words)
display.table(display.checks_frame([check]), "Checks")
said = dict(verdict="FAIL", checks=[check.as_dict()], next=bad)
display.banner(Verdict.FAIL, bad, [bad], kind="conclude", evidence=said)
"""
RAISE = "raise ValueError(bad)"


class Page(HTMLParser):
    """A page as a browser reads it: its elements, with their attributes, and what its style sheets say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.styles: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.styles.append(data)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hostile records: one that failed, one that broke off."""
    place = tmp_path_factory.mktemp("hostile")
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    for minute, last in enumerate((FAIL, RAISE)):
        source = SHOW.format(hostile=HOSTILE).replace("T10:00", f"T10:0{minute}")
        notebook = new_notebook(cells=[new_code_cell(source), new_code_cell(last)], metadata=kernel)
        nbformat.write(notebook, place / "in.ipynb")
        try:
            papermill.execute_notebook(place / "in.ipynb", place / "out.ipynb", progress_bar=False, cwd=place)
        except papermill.PapermillExecutionError as error:
            assert "alert(1)" in error.evalue, error
        records.add(place / "out.ipynb", place / "records")
    return place / "records"


@pytest.fixture(scope="module", params=["FAIL", "BROKEN", "index"])
def page(kept: Path, request: pytest.FixtureRequest) -> str:
    pattern = "index.html" if request.param == "index" else f"*/*-{request.param}/report.html"
    (path,) = kept.glob(pattern)
    return path.read_text(encoding="utf-8")


def test_nothing_hostile_is_markup(page: str) -> None:
    assert "alert(1)" in page, "what was seen is not shown at all"
    for tag, attributes in Page(page).elements:
        assert tag not in {"script", "iframe", "object", "embed", "base"}, attributes
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert attributes.get("src") != "x"


def test_nothing_a_terminal_or_a_browser_would_act_upon_is_left(page: str) -> None:
    assert re.findall(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", page) == []


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    found = Page(page)
    named = [
        value
        for tag, attributes in found.elements
        for name, value in attributes.items()
        if name in {"src", "srcset", "href", "data", "poster", "background", "action"}
    ]
    assert [value for value in named if not re.match(r"data:|#|backend-2026-11/", value)] == []
    for style in found.styles:
        assert "@import" not in style
        assert [
            url for url in re.findall(r"url\(\s*['\"]?([^)'\"]*)", style) if not url.startswith(("data:", "#"))
        ] == []
    assert not [value for tag, value in found.elements if tag == "meta" and value.get("http-equiv", "") == "refresh"]


def test_tables_and_plots_are_in_the_report(kept: Path) -> None:
    (path,) = kept.glob("*/*-FAIL/report.html")
    elements = Page(path.read_text(encoding="utf-8")).elements
    assert sum(tag == "table" for tag, _ in elements) >= 4
    (plot,) = [attributes for tag, attributes in elements if tag == "img"]
    assert plot["src"].startswith("data:image/png;base64,")
    assert plot["alt"]


def test_files_of_the_record_carry_no_code_either_and_are_bounded(kept: Path) -> None:
    """300,000 characters in two cells of a table: a few hundred of each are kept."""
    for path in (path for path in kept.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8")
        assert "\x1b" not in text, path
        assert len(text) < 1_200_000, path
        if path.parent.name == "evidence":
            assert len(text) < 20_000, path


def test_the_reason_is_one_plain_line(kept: Path) -> None:
    (path,) = kept.glob("*/*-BROKEN/record.json")
    reason = json.loads(path.read_text())["reason"]
    assert reason.startswith("ValueError: <script>alert(1)")
    assert reason.isprintable()


def test_no_button_is_left_as_code_where_nobody_can_press_it(kept: Path) -> None:
    for page in kept.glob("*/*/report.html"):
        said = page.read_text(encoding="utf-8")
        assert "Button(description" not in said
    assert "Button(description" in next(kept.glob("*/*-FAIL/notebook.ipynb")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, which is not in the lock: where it is missing the tests above are all there is."""
    program = shutil.which("chromium")
    if not program:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.parametrize("width", [1280, 390], ids=["wide", "phone"])
@pytest.mark.parametrize("pattern", ["*/*-FAIL/report.html", "*/*-BROKEN/report.html", "index.html"])
def test_in_a_browser_with_the_network_off(kept: Path, browser, pattern: str, width: int) -> None:
    (path,) = kept.glob(pattern)
    page = browser.new_context(viewport={"width": width, "height": 844}, offline=True).new_page()
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: (trouble.append(f"a script ran: {dialog.message}"), dialog.dismiss()))
    page.goto(path.as_uri())
    assert [url for url in asked if not url.startswith(("data:", path.as_uri()))] == []
    assert trouble == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page is wider than the screen"
    images = page.evaluate("[...document.images].map(one => [one.naturalWidth, one.getBoundingClientRect().right])")
    assert all(natural > 100 and right <= width for natural, right in images)
    if path.name == "report.html":
        assert len(images) == 1
        top = page.locator(".hr-summary").bounding_box()
        assert top["y"] < 100
        assert page.locator("table.hr-table").first.is_visible()
    page.context.close()
