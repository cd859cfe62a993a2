"""The frame: one source of dependencies, a lock without addresses, notebooks without outputs, commands that exist."""

import re
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SEVEN = {"jupyterlab", "papermill", "hera", "kubernetes", "pandas", "ipywidgets", "nbval"}


def test_environment_yml_has_the_same_packages_as_pyproject() -> None:
    packages = _environment_packages()
    nbval = [line for line in PROJECT["optional-dependencies"]["dev"] if Requirement(line).name == "nbval"]
    assert packages == sorted([*PROJECT["dependencies"], *nbval])


def test_environment_yml_has_all_seven_packages_that_the_kit_is_asked_for() -> None:
    names = {Requirement(line).name for line in _environment_packages()}
    assert SEVEN - names == set()


def _environment_packages() -> list[str]:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    return list(next(item["pip"] for item in environment["dependencies"] if isinstance(item, dict)))


def test_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^[a-z0-9._-]+==", lock, re.MULTILINE)
    assert len(pinned) > 50
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "--index-url" not in lock
    assert "://" not in lock


@pytest.mark.parametrize("extra", ["", *PROJECT["optional-dependencies"]])
def test_lock_satisfies_pyproject(extra: str) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", lock, re.MULTILINE))
    wanted = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for line in wanted:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[requirement.name.lower()]), line


def test_readme_names_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "test"} <= named
    assert named <= targets


def test_make_help_lists_the_commands() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"demo", "test", "lab", "lint", "jupyter", "help"} <= {line.split()[0] for line in shown.splitlines()}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs_and_read_like_a_runbook(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    steps = [cell for cell in code if "parameters" not in cell.metadata.get("tags", [])]
    assert steps
    assert max(len(cell.source.splitlines()) for cell in steps) <= 8
    assert [cell for cell in code if "parameters" in cell.metadata.get("tags", [])] == [code[0]]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_say_who_what_and_how_to_undo_it_and_why_before_each_group_of_steps(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for row in ("Who runs it", "Who approves", "Minutes", "What it changes", "Blast radius", "How to undo it"):
        assert f"| {row} |" in cells[0].source, row
    told: set[str] = set()
    for cell in cells[1:]:
        if cell.cell_type == "markdown":
            told = set() if cell.source.startswith("## ") else told
            told |= {word for word in ("**Why:**", "**Look for:**", "**Stop if**") if word in cell.source}
        elif "phase.step(" in cell.source:
            assert len(told) == 3, cell.source
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    back = ("steps.rollback(phase)", "steps.walk_back(phase)", "steps.put_back(phase)")  # a drill is the way back
    assert any(one in source for source in code for one in back), "no cell takes the way back"
    assert [source for source in code if re.search(r"^\s*(for|while|def|class) ", source, re.MULTILINE)] == []


def test_nothing_committed_names_this_machine_or_a_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    # Spelt in two halves, so that this file does not match itself.
    forbidden = [re.compile(a + b) for a, b in (("py" + "pi", r"\.org"), ("proxy" + r"\.golang", r"\.org"),
                                                ("deb" + r"\.debian", r"\.org"), ("/wo" + "rk/", "main"))]  # fmt: skip
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".png", ".ico"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        assert not [pattern.pattern for pattern in forbidden if pattern.search(text)], name
