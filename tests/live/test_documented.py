"""What the notebooks' own runs show is in the reference: a check whose name is put together at run time too."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
REFERENCE = Path(__file__).parents[2] / "docs" / "REFERENCE.md"
HOLES = re.compile(r"\b(CRITERION|MEDIUM|MOMENT|NAME|WHAT|N)\b")


def test_every_check_of_a_run_has_a_row(passed):
    rows = re.findall(r"^\| `(.+?)` \|", REFERENCE.read_text(encoding="utf-8").partition("## Checks")[2], re.MULTILINE)
    patterns = [
        "".join(".+" if HOLES.fullmatch(part) else re.escape(part) for part in HOLES.split(row)) for row in rows
    ]
    made = {check["name"] for record in passed.values() for check in record.data["checks"]}
    assert {"provenance", "scenario simple", "drill (env)"} <= made
    assert sorted(name for name in made if not any(re.fullmatch(one, name) for one in patterns)) == []
