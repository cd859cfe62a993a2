"""README_HERA_POC.md says what is so: the figures are the script's, the files and options it names are there."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README_HERA_POC.md").read_text()


def test_the_figures_are_the_scripts() -> None:
    program = [sys.executable, ROOT / "benchmarks" / "path_size.py"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() in README


def test_each_file_it_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert len(links) >= 4
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_each_program_it_names_is_there() -> None:
    named = set(re.findall(r"\b(?:tests|benchmarks|deploy)/[\w.]+\.(?:py|yaml)", README))
    assert {"tests/test_hera_integration.py", "benchmarks/path_size.py"} <= named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_it_says_that_the_compose_file_was_not_run() -> None:
    assert "it has not been run" in README
