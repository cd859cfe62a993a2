"""Packages are installed without starting a service, and the policy file is put back as it was found."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rollout_lab import debian
from rollout_lab.progress import Step


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    return tmp_path / "policy-rc.d", tmp_path / "aside", tmp_path / "absent"


def test_services_are_denied_inside_the_block(files: tuple[Path, Path, Path]) -> None:
    with debian.services_denied(*files):
        assert subprocess.run([files[0], "containerd", "start"], check=False).returncode == 101


def test_policy_that_was_there_comes_back_unchanged(files: tuple[Path, Path, Path]) -> None:
    files[0].write_text("#!/bin/sh\nexit 104\n")
    files[0].chmod(0o750)
    with debian.services_denied(*files):
        assert "rollout-lab" in files[0].read_text()
    assert files[0].read_text() == "#!/bin/sh\nexit 104\n"
    assert files[0].stat().st_mode & 0o777 == 0o750
    assert not files[1].exists()


def test_no_policy_before_is_no_policy_after(files: tuple[Path, Path, Path]) -> None:
    with debian.services_denied(*files):
        assert files[0].exists()
    assert not any(file.exists() for file in files)


def test_policy_comes_back_after_an_error(files: tuple[Path, Path, Path]) -> None:
    files[0].write_text("theirs")
    with pytest.raises(RuntimeError), debian.services_denied(*files):
        raise RuntimeError
    assert files[0].read_text() == "theirs"


@pytest.mark.parametrize("theirs", ["theirs", None])
def test_policy_of_a_run_that_was_killed_is_restored_by_the_next(
    files: tuple[Path, Path, Path], theirs: str | None
) -> None:
    if theirs:
        files[1].write_text(theirs)
    else:
        files[2].touch()
    files[0].write_text(debian.DENY)
    with debian.services_denied(*files):
        pass
    assert (files[0].read_text() if files[0].exists() else None) == theirs


def test_installed_packages_are_left_alone() -> None:
    assert debian.missing_packages(("dpkg", "no-such-package-at-all")) == ["no-such-package-at-all"]
    step = Step("packages")
    debian.ensure_packages(step)
    assert step.outcome == "all installed"


@pytest.mark.slow
def test_mirror_is_the_one_this_machine_uses() -> None:
    assert (debian.mirror("bookworm") or "http").startswith(("http", "file", "copy", "cdrom", "mirror"))
    assert debian.mirror("no-such-suite") is None
