"""Not root, not Linux, no Debian, another lab: one sentence each, before anything is touched."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rollout_lab import preflight
from rollout_lab.addresses import Endpoint
from rollout_lab.errors import LabError, PortTaken
from rollout_lab.paths import Paths
from rollout_lab.processes import Identity, PidFile

COMMANDS = (["build"], ["up"], ["up", "--no-backend"], ["down"], ["status"], ["kill", "etcd"], ["start", "etcd"])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_not_root_is_one_sentence_and_exit_code_1(command: list[str], public_folder: Path, as_root: None) -> None:
    """As a real other user, through the real command line."""
    code = "import sys; sys.argv[0] = 'rollout-lab'; from rollout_lab.cli import main; main()"
    drop = (
        "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.path[:0] = " + repr(sys.path) + "; "
    )
    environment = {
        "ROLLOUT_LAB_CACHE": f"{public_folder}/cache",
        "ROLLOUT_LAB_STATE": f"{public_folder}/state",
        "HOME": "/",
    }
    preload = "import rollout_lab.cli, pathlib; pathlib.Path.cwd(); "
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {preload}{drop}{code}", *command],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "You are user 65534" in done.stderr
    assert "needs root" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(public_folder.iterdir()) == []


def test_not_linux_is_one_sentence() -> None:
    with pytest.raises(LabError, match=r"This is darwin.*Linux machine"):
        preflight.require_linux_root("darwin")


def test_other_processor_is_one_sentence() -> None:
    with pytest.raises(LabError, match=r"processor is aarch64.*x86_64"):
        preflight.require_linux_root("linux", "aarch64")


def test_linux_without_apt_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"no apt-get.*Debian 12"):
        preflight.require_debian()


def test_taken_node_port_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(preflight, "NODE_PORT_ENDPOINTS", (Endpoint(*server.getsockname()),))
        with pytest.raises(PortTaken, match="node port"):
            preflight.require_free_node_ports()


def test_second_lab_with_another_state_folder_is_refused(paths: Paths) -> None:
    preflight.claim(paths)
    me = Identity.of(os.getpid())
    assert me
    PidFile(paths.pids / "etcd.json").write(me)
    other = Paths(paths.cache, paths.state / "other", paths.runtime)
    with pytest.raises(LabError, match=r"one lab a machine.*rollout-lab down"):
        preflight.claim(other)
    assert json.loads(preflight.owner_file(paths).read_text())["state"] == str(paths.state)


def test_lab_that_is_gone_is_no_reason_to_refuse(paths: Paths) -> None:
    preflight.claim(paths)
    other = Paths(paths.cache, paths.state / "other", paths.runtime)
    preflight.claim(other)
    assert preflight.running_paths(paths) == other


def test_down_and_status_find_the_lab_that_runs(paths: Paths) -> None:
    preflight.claim(paths)
    other = Paths(paths.cache, paths.state / "other", paths.runtime)
    assert preflight.running_paths(other) == paths
