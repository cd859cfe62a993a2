"""A process is ours by pid, start time and command line; nothing else is ever signalled."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_lab import processes
from rollout_lab.errors import LabError
from rollout_lab.processes import Identity, PidFile

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["/bin/sleep", "60"])
    yield process
    process.kill()
    process.wait()


def identity_of(process: subprocess.Popen[bytes]) -> Identity:
    found = Identity.of(process.pid)
    assert found is not None
    return found


def test_identity_of_a_running_process_is_alive(sleeper: subprocess.Popen[bytes]) -> None:
    assert identity_of(sleeper).alive()


def test_reused_pid_is_not_ours_and_is_never_killed(sleeper: subprocess.Popen[bytes]) -> None:
    earlier = dataclasses.replace(identity_of(sleeper), started=identity_of(sleeper).started - 1)
    assert not earlier.alive()
    processes.end([earlier], number=signal.SIGKILL, patience=0.1)
    assert sleeper.poll() is None


def test_other_program_under_the_same_pid_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    assert not dataclasses.replace(identity_of(sleeper), program="/usr/bin/etcd").alive()


def test_zombie_is_not_alive() -> None:
    process = subprocess.Popen(["/bin/true"])
    for _ in range(200):
        if Identity.of(process.pid) is None:
            break
        time.sleep(0.01)
    assert Identity.of(process.pid) is None
    process.wait()


def test_end_kills_what_ignores_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "log"
    found = processes.spawn([sys.executable, "-c", STUBBORN], pid_file=PidFile(tmp_path / "pid"), log=log)
    while "ready" not in log.read_text():
        time.sleep(0.01)
    processes.end([found], patience=0.2)
    assert not found.alive()


def test_spawned_process_has_a_session_of_its_own_and_outlives_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rollout_lab.processes import *;"
        "folder = Path(sys.argv[1]); spawn(['/bin/sleep', '60'], pid_file=PidFile(folder / 'pid'), log=folder / 'log')"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, timeout=20)
    found = PidFile(tmp_path / "pid").running()
    assert found is not None
    assert found.program == "/bin/sleep"
    assert os.getsid(found.pid) == found.pid
    processes.end([found])


def test_log_that_has_grown_large_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 10)
    (tmp_path / "etcd.log").write_text("a long story")
    found = processes.spawn(["/bin/sleep", "60"], pid_file=PidFile(tmp_path / "pid"), log=tmp_path / "etcd.log")
    processes.end([found])
    assert (tmp_path / "etcd.log").read_text() == ""
    assert (tmp_path / "etcd.log.old").read_text() == "a long story"


def test_spawn_as_another_account(tmp_path: Path, as_root: None) -> None:
    found = processes.spawn(
        ["/bin/sleep", "60"], pid_file=PidFile(tmp_path / "pid"), log=tmp_path / "log", user="daemon"
    )
    assert Path(f"/proc/{found.pid}").stat().st_uid != 0
    processes.end([found])


def test_spawn_of_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((LabError, OSError)):
        processes.spawn(["/no/such/program"], pid_file=PidFile(tmp_path / "pid"), log=tmp_path / "log")


def test_unreadable_pid_file_means_not_running(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("half a li")
    assert PidFile(tmp_path / "pid").running() is None


def test_strays_are_lab_programs_with_a_lab_folder_and_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    mine = subprocess.Popen(["sleep", "60"], executable="/bin/sleep")
    stray = subprocess.Popen(
        ["etcd", "-c", "import time; time.sleep(60)", f"--data-dir={folder}/etcd"], executable=sys.executable
    )
    reader = subprocess.Popen(
        ["less", "-c", "import time; time.sleep(60)", f"{folder}/logs/etcd.log"], executable=sys.executable
    )
    try:
        time.sleep(0.2)
        found = {one.pid for one in processes.strays(frozenset({"etcd"}), str(folder))}
        assert found == {stray.pid}
    finally:
        for process in (mine, stray, reader):
            process.kill()
            process.wait()
