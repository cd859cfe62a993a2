"""docs/GUIDE.md has each line of the rollout guide, and what it names for it is there: cells, checks, commands."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "GUIDE.md").read_text(encoding="utf-8")
NOTEBOOKS = ROOT / "notebooks"
COMMAND = re.compile(r"(?:kubectl|python|\./)")
OPEN = "to be filled in"


def lines(guide):
    """Every line of the guide that asks for something: (the heading it stands under, its words)."""
    heading, fence = "", ""
    for line in guide.splitlines():
        if line.strip().startswith("```"):
            fence = "" if fence else line.strip()
        elif found := re.match(r"(?:#{2,3} |(Week \d.*))(.*)", line):
            heading = (found[1] or found[2]).strip()
        elif fence in {"```", ""} and (found := re.match(r"\s*(?:-|\d+\.) (?:\[ \] |✅ )?(.+)", line)):
            yield heading, found[1].replace("**", "")
        elif not fence and (found := re.match(r"\*\*(Goal|Duration):\*\* (.+)", line)):
            yield heading, f"{found[1]}: {found[2]}"
        elif fence == "```bash" and COMMAND.match(line.strip()):
            yield heading, f"`{line.strip()}`"


def rows():
    """Every row of the table: (the heading it stands under, the guide's words, what does it)."""
    for part in re.split(r"^#{2,3} ", TABLE, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        yield from (
            (heading.strip(), *row)
            for row in re.findall(r"^\| (?!---|the guide's)(.+?) \| (.+) \|$", body, re.MULTILINE)
        )


ROWS = list(rows())


def test_every_line_of_the_guide_has_its_row_and_no_row_is_of_another_guide(guide):
    asked = list(lines(guide))
    assert len(asked) > 110
    told = [(heading, words) for heading, words, _ in ROWS]
    assert [line for line in asked if line not in told] == []
    assert [row for row in told if row not in asked] == []
    assert len(told) == len(set(told))


@pytest.mark.parametrize("lost", ["- Workflows execute correctly", "- [ ] Network traffic", "  - Plan cleanup",
                                  "4. Remove unused imports and code", "- PVC is available"])  # fmt: skip
def test_the_reading_of_the_guide_misses_no_kind_of_line(guide, lost):
    found = len(list(lines(guide)))
    assert f"{lost}\n" in guide
    assert len(list(lines(guide.replace(f"{lost}\n", "", 1)))) == found - 1


def titles(notebook):
    """The steps, sections and calls of a notebook."""
    cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
    text = "\n".join(cell.source for cell in cells)
    sections = re.findall(r"^#+ (?:\d+ · )?(.+)$", text, re.MULTILINE)
    return {*re.findall(r'phase\.step\("(.+?)"', text), *sections}


def named_cells():
    for heading, words, does in ROWS:
        for title, notebook in re.findall(r"\[(?:\d\d|drill): (.+?)\]\(\.\./notebooks/(.+?)\)", does):
            yield heading, words, title, notebook


def test_each_cell_that_is_named_is_in_its_notebook():
    named = list(named_cells())
    assert len(named) > 60
    wrong = [one for one in named if not (NOTEBOOKS / one[3]).is_file() or one[2] not in titles(one[3])]
    assert wrong == []


def test_each_check_that_is_named_has_a_row_in_the_reference():
    reference = (ROOT / "docs" / "REFERENCE.md").read_text(encoding="utf-8").partition("## Checks")[2]
    known = re.findall(r"^\| `(.+?)` \|", reference, re.MULTILINE)
    patterns = [re.sub(r"\b(NAME|WHAT|MOMENT|N)\b", ".+", name) for name in known]
    named = {name for *_, does in ROWS for group in re.findall(r"checks? ((?:`[^`]+`(?:, | and )?)+)", does)
             for name in re.findall(r"`([^`]+)`", group)}  # fmt: skip
    assert len(named) > 30
    assert sorted(name for name in named if not any(re.fullmatch(one, name) for one in patterns)) == []


def test_every_row_says_who_does_it():
    idle = [
        (words, does) for _, words, does in ROWS if not re.search(r"\]\(|check `|checks `|`hera-rollout|by hand", does)
    ]
    assert [row for row in idle if OPEN not in row[1]] == []


def test_what_waits_for_notebook_05_is_filled_in_once_that_is_there():
    waiting = [words for _, words, does in ROWS if OPEN in does]
    if (NOTEBOOKS / "05_cleanup.ipynb").is_file():
        assert waiting == [], "docs/GUIDE.md: name the cell and the check of 05_cleanup for each of these"
    else:
        assert {heading for heading, _, does in ROWS if OPEN in does} <= {
            "Phase 5: Cleanup (After Stable Period)", "After Rollout", "Week 4+: Monitoring"
        }  # fmt: skip
