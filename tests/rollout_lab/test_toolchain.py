"""Go from PATH if new enough, else the pinned package, else one sentence."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from rollout_lab import toolchain
from rollout_lab.errors import LabError


def fake_go(folder: Path, version: str) -> Path:
    program = folder / "go"
    program.write_text(f"#!/bin/sh\necho go version go{version} linux/amd64\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/amd64", (1, 27, 0)),
        ("go version go1.26rc1 linux/amd64", (1, 26, 0)),
        ("go: no such thing", None),
    ],
)
def test_version_is_read(text: str, version: tuple[int, ...] | None) -> None:
    assert toolchain.parse_version(text) == version


def test_new_go_on_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = fake_go(tmp_path, "1.26.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert toolchain.find() == toolchain.Go(str(program), "1.26.0")


def test_old_go_on_path_is_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_go(tmp_path, "1.25.9")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(toolchain, "own_command", lambda: tmp_path / "nothing")
    assert toolchain.find() is None


def test_no_way_to_get_go_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A real pip with no index to ask."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(toolchain, "own_command", lambda: tmp_path / "nothing")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(LabError, match=r"No Go of at least 1\.26 on PATH.*Install Go") as refused:
        toolchain.ensure()
    assert "\n" not in str(refused.value)


def test_outside_a_virtual_environment_nothing_is_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    with pytest.raises(LabError, match="not a virtual environment"):
        toolchain.install()


@pytest.mark.slow
def test_pinned_go_is_installed_from_its_package_and_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any Go on PATH, into a real environment of its own: as on a machine with Python only."""
    import venv

    venv.create(tmp_path / "env", with_pip=True, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "env/bin/python"))
    monkeypatch.setattr(toolchain, "own_command", lambda: tmp_path / "env/bin/go")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if shutil.which("go"):
        pytest.fail("this machine has a Go in /usr/bin: the test cannot hide it")
    go = toolchain.ensure()
    assert go.command == str(tmp_path / "env/bin/go")
    assert tuple(int(part) for part in go.version.split(".")) >= (1, 26)
    assert os.access(go.command, os.X_OK)
