"""The reference backend, cleaned, is the tree that was cleaned by hand; its own suite passes before and after.

Whoever changes lib/reference_backend changes tests/golden/cleaned_backend/ the same way, by hand. cleaned_backend.patch
is what a person mends beside the codemod: there the backend hands the flag on as an object, which nothing can follow.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hera_rollout import cleanup

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "cleaned_backend"
MENDS = GOLDEN.with_suffix(".patch")
FLAG = "USE_HERA_SDK"
FACTS = cleanup.known(GOLDEN.with_suffix(".toml")).facts
ELSEWHERE = {"lib/reference_backend/tests/ruff.toml"}  # the project's linter would read it here


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "lib/reference_backend"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in listed:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def planned(repository: Path) -> cleanup.CleanupPlan:
    return cleanup.plan(repository, FLAG, facts=FACTS, templates=True, mends=MENDS.read_text())


def texts(folder: Path, names: list[str]) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in names}


def test_the_cleaned_backend_is_the_golden_tree(repository: Path) -> None:
    names = subprocess.run(
        ["git", "ls-files"], cwd=repository, capture_output=True, text=True, check=True
    ).stdout.split()
    found = texts(repository, [name for name in names if name not in ELSEWHERE])
    plan = planned(repository)
    for edit in plan.edits:
        found.pop(edit.file)
        if edit.after is not None:
            found[edit.file] = edit.after
    golden = [path for path in GOLDEN.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {f"lib/reference_backend/{path.relative_to(GOLDEN).as_posix()}": path.read_text() for path in golden}
    assert found.keys() == wanted.keys()
    for name, text in wanted.items():
        assert found[name] == text, name
    assert plan.open_places == ()


def test_without_the_patch_every_place_it_cannot_follow_is_named(repository: Path) -> None:
    plan = cleanup.plan(repository, FLAG, facts=FACTS, templates=True)
    left = {place.file.rpartition("/")[2]: place.why for place in plan.open_places}
    assert left["services.py"].startswith("passed on as an argument")
    assert left["submission.py"].startswith("the old path may still be called")
    assert left.keys() == {
        "flag.py",
        "services.py",
        "settings.py",
        "submission.py",
        "test_service.py",
        "test_submission.py",
    }


@pytest.mark.soak  # tests/run has notebook 05 do the same in the lab
def test_applied_its_own_suite_passes_and_main_is_untouched(repository: Path) -> None:
    plan = planned(repository)
    command = f"sh -c 'cd lib/reference_backend && {sys.executable} -m pytest -q -x -p no:cacheprovider'"
    applied = cleanup.apply(plan, cleanup.Approval("Ada", "stable", plan.digest), tests=command, seconds=280)
    assert applied.after.passed
    grep = subprocess.run(
        ["git", "grep", "-il", FLAG, applied.branch], cwd=repository, capture_output=True, check=False
    )
    assert grep.stdout == b""
    branch = subprocess.run(
        ["git", "branch", "--show-current"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert branch.stdout.strip() == "main"
