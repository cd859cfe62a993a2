"""Applying: a new branch, the service's own tests around it, and nothing at all when something is amiss."""

import importlib.util
import sys
import time
from pathlib import Path

import pytest

from hera_rollout import cleanup
from hera_rollout.errors import Conflicting, Refused, RolloutError

_spec = importlib.util.spec_from_file_location("cleanup_conftest", Path(__file__).with_name("conftest.py"))
conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(conftest)

PYTEST = f"env PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest"
TESTS = f"{PYTEST} -q -p no:cacheprovider --rootdir . -c /dev/null tests"
ALLOWED = {"*.md": "prose"}


@pytest.fixture
def plan(service: Path) -> cleanup.CleanupPlan:
    return cleanup.plan(service, "USE_HERA_SDK", templates=True, allowed=ALLOWED)


def approval(plan: cleanup.CleanupPlan) -> cleanup.Approval:
    return cleanup.Approval("Ada", "stable for four weeks", plan.digest)


def state(service: Path) -> tuple[str, str, str, str]:
    asked = (
        ("rev-parse", "HEAD"),
        ("branch", "--list"),
        ("status", "--porcelain"),
        ("worktree", "list", "--porcelain"),
    )
    return tuple(conftest.run_git(service, *words) for words in asked)


def test_a_new_branch_and_main_untouched(service: Path, plan: cleanup.CleanupPlan, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ".")
    before = state(service)
    applied = cleanup.apply(plan, approval(plan), tests=TESTS)
    now = state(service)
    assert (now[0], now[2], now[3]) == (before[0], before[2], before[3])
    assert conftest.run_git(service, "branch", "--show-current").strip() == "main"
    assert applied.branch == "cleanup/use-hera-sdk"
    assert applied.before.passed
    assert applied.after.passed
    diff = conftest.run_git(service, "diff", "--name-status", f"main..{applied.branch}")
    assert "D\tservice/by_yaml.py" in diff
    assert "Approved by Ada: stable for four weeks" in conftest.run_git(
        service, "log", "-1", "--format=%B", applied.branch
    )
    left = conftest.run_git(service, "grep", "-l", "USE_HERA_SDK", applied.branch)
    assert left.split() == [f"{applied.branch}:README.md"]


def refused(service: Path, plan: cleanup.CleanupPlan, kind: type[RolloutError], match: str, **more: object) -> None:
    before = state(service)
    with pytest.raises(kind, match=match):
        cleanup.apply(plan, more.pop("approval", approval(plan)), **{"tests": TESTS, **more})
    assert state(service) == before


def test_dirty_tree(service: Path, plan: cleanup.CleanupPlan) -> None:
    (service / "new.txt").write_text("x")
    refused(service, plan, Refused, r"dirty \(\?\? new.txt\); nothing was changed")


def test_places_left(service: Path) -> None:
    plan = cleanup.plan(service, "USE_HERA_SDK")
    refused(service, plan, Refused, r"1 places are left to a person; nothing was changed.\n  README.md:3: ")


@pytest.mark.parametrize("text", ["getattr(config, 'USE_HERA_SDK')", "os.getenv('USE_' + 'HERA_SDK')"])
def test_getattr_and_strings(service: Path, text: str) -> None:
    (service / "service" / "more.py").write_text(f"import os\nfrom service import config\nX = {text}\n")
    conftest.run_git(service, "add", "-A")
    conftest.run_git(service, "commit", "-qm", "more")
    plan = cleanup.plan(service, "USE_HERA_SDK", allowed=ALLOWED)
    refused(service, plan, Refused, r"service/more.py:3: reference, by hand: (read by getattr|built from strings)")


def test_approval_of_another_plan(service: Path, plan: cleanup.CleanupPlan) -> None:
    refused(service, plan, Refused, "no approval of plan", approval=cleanup.Approval("Ada", "ok", "0" * 16))
    refused(service, plan, Refused, "no approval of plan", approval=cleanup.Approval(" ", "ok", plan.digest))


def test_branch_exists(service: Path, plan: cleanup.CleanupPlan) -> None:
    conftest.run_git(service, "branch", "cleanup/use-hera-sdk")
    refused(service, plan, Conflicting, "There is a branch cleanup/use-hera-sdk already")


def test_main_is_refused_as_the_branch(service: Path, plan: cleanup.CleanupPlan) -> None:
    refused(service, plan, Conflicting, "There is a branch main already", branch="main")


def test_file_changed_since_the_plan(service: Path, plan: cleanup.CleanupPlan) -> None:
    (service / "service" / "build.py").write_text("x = 1\n")
    conftest.run_git(service, "commit", "-qam", "change")
    refused(service, plan, Conflicting, "service/build.py changed since the plan was made")


def test_tests_that_fail_before(service: Path, plan: cleanup.CleanupPlan) -> None:
    refused(service, plan, Refused, "fail before anything was changed", tests="false")


def test_tests_that_fail_after(service: Path, plan: cleanup.CleanupPlan) -> None:
    refused(service, plan, RolloutError, "fail on the cleaned source", tests="grep -q USE_HERA_SDK service/config.py")


def test_a_command_that_is_not_there(service: Path, plan: cleanup.CleanupPlan) -> None:
    refused(service, plan, Refused, "cannot be started", tests="no-such-command-here")


def test_tests_that_hang_are_ended(service: Path, plan: cleanup.CleanupPlan) -> None:
    began = time.monotonic()
    refused(service, plan, Refused, "was stopped after 1 s", tests="sh -c 'sleep 60 & sleep 60'", seconds=1)
    assert time.monotonic() - began < 20
