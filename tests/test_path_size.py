"""The measure of both paths: whole, in the right direction, and with a last line that says what it comes to."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
import path_size  # noqa: E402

TEMPLATES = ROOT / "lib" / "reference_backend" / "templates"


def test_every_template_and_every_path_is_measured():
    named = set(path_size.PATHS["yaml"])
    assert {f"templates/{path.name}" for path in TEMPLATES.iterdir()} <= named
    assert {path.name for path in (ROOT / "lib" / "reference_backend").glob("*_path.py")} == {
        name for names in path_size.PATHS.values() for name in names if name.endswith(".py")
    }


def test_blank_lines_and_comments_of_yaml_are_not_counted(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("# comment\n\na: 1\n  # another\nb:\n  - c\n")
    assert path_size.measure([file]).yaml_lines == 3


def test_python_is_measured_by_radon(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("def a(x):\n    if x:\n        return 1\n    return 2\n")
    size = path_size.measure([file])
    assert (size.python_sloc, size.functions, size.complexity, size.worst) == (4, 1, 2, 2)


@pytest.mark.parametrize(("before", "after", "less"), [(100, 30, 70), (10, 15, -50), (0, 5, 0)])
def test_a_reduction_is_of_what_was_before(before, after, less):
    assert path_size.reduction(before, after) == less


def test_the_last_line_says_what_ours_is_beside_the_guides_claim(guide, tmp_path):
    assert "70% reduction" in guide
    command = [sys.executable, ROOT / "benchmarks" / "path_size.py", "--json", tmp_path / "x.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    figures = json.loads((tmp_path / "x.json").read_text())
    last = done.stdout.splitlines()[-1]
    assert last.startswith("summary: ")
    assert f"{figures['lines_less']:.0f} % fewer lines" in last
    assert f"{figures['complexity_less']:.0f} % less" in last
    assert "guide's 70 %" in last
