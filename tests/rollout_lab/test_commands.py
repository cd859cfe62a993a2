"""The command line and what is under it: one sentence, exit code 1, never a stack trace, never a hang."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from rollout_lab import checkout, cli, commands, locking, status
from rollout_lab.errors import CommandFailed, LabError
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster
from rollout_lab.status import Line
from rollout_lab.timeline import Timeline

LAB = [sys.executable, "-m", "rollout_lab.cli"]


def rollout_lab(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real program, on folders of the test's own."""
    own = {"ROLLOUT_LAB_CACHE": f"{folder}/cache", "ROLLOUT_LAB_STATE": f"{folder}/state", "PATH": os.environ["PATH"]}
    return subprocess.run(
        [*LAB, *arguments],
        capture_output=True,
        text=True,
        env={**own, **environment},
        cwd=folder,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    ["up", "build", "down", "status", "kubeconfig", "logs", "kill", "start", "load-image", "build-backend",
     "load-backend", "service-repository"],
)  # fmt: skip
def test_command_is_there_with_help(command: str) -> None:
    result = CliRunner().invoke(cli.main, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_up_before_build_is_one_sentence(tmp_path: Path) -> None:
    done = rollout_lab("up", "--no-backend", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("rollout-lab: The lab is not built")
    assert done.stderr.count("\n") == 1


def test_up_outside_a_checkout_says_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"No checkout of the kit.*--project DIR.*--no-backend"):
        checkout.require(checkout.find(tmp_path))


def test_incomplete_checkout_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "hera-rollout-kit"\n')
    (tmp_path / "deep/er").mkdir(parents=True)
    assert checkout.find(tmp_path / "deep/er") == tmp_path
    with pytest.raises(LabError, match="has no deploy/Containerfile"):
        checkout.require(tmp_path)


def test_kubeconfig_of_a_lab_that_was_never_up_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.Lab, "kubeconfig", property(lambda _: tmp_path / "nothing"))
    result = CliRunner().invoke(cli.main, ["kubeconfig"])
    assert result.exit_code == 1
    assert "never up" in result.output


def test_full_disk_in_the_middle_of_a_command_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        with Path("/dev/full").open("w") as file:
            file.write("x" * 10000)

    monkeypatch.setattr(cli.Lab, "build", full)
    result = CliRunner().invoke(cli.main, ["build"])
    assert result.exit_code == 1
    assert "The disk is full" in result.output
    assert "Traceback" not in result.output


def test_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Lab, "build", interrupted)
    result = CliRunner().invoke(cli.main, ["build"])
    assert result.exit_code == 1
    assert "goes on from here" in result.output


def test_status_names_what_is_down_and_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        Line("etcd", "up", "pid 7"),
        Line("kubelet", "down", "no process"),
        Line("dns", "sick", "0 of 1 pods ready"),
    ]
    monkeypatch.setattr(cli.Lab, "status", lambda _: lines)
    result = CliRunner().invoke(cli.main, ["status"])
    assert result.exit_code == 1
    assert "✓ etcd" in result.output
    assert "not up: kubelet, dns. Run `rollout-lab up`" in result.output


def test_status_table_is_aligned() -> None:
    text = status.table([Line("etcd", "up", "pid 7"), Line("kube-apiserver", "down", "no process")])
    assert [line.index("up" if "pid" in line else "down") for line in text.splitlines()] == [18, 18]


def test_two_at_a_time_are_refused_with_the_others_pid(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    code = (
        "from pathlib import Path; from rollout_lab.locking import exclusive; import sys\n"
        f"with exclusive(Path({str(file)!r})): print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin and other.stdout
    assert other.stdout.readline() == "held\n"
    with (
        pytest.raises(LabError, match=rf"Another rollout-lab is at work here \(pid {other.pid}\)"),
        locking.exclusive(file),
    ):
        pass
    other.stdin.close()
    other.wait(timeout=10)
    with locking.exclusive(file):
        assert file.read_text() == str(os.getpid())


def test_program_that_hangs_is_killed_and_named() -> None:
    with pytest.raises(CommandFailed, match=r"`sleep 60` did not end within 0 s"):
        commands.run(["sleep", "60"], timeout=0.2)


def test_program_that_is_not_there_says_what_installs_it() -> None:
    with pytest.raises(LabError, match=r"`no-such-program` is not there. Run `rollout-lab build`"):
        commands.run(["no-such-program"])


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("ROLLOUT_LAB_CACHE", raising=False)
    monkeypatch.delenv("ROLLOUT_LAB_STATE", raising=False)
    assert Paths.from_environment() == Paths(tmp_path / "xdg/rollout-lab", Path("/var/lib/rollout-lab"))
    monkeypatch.setenv("ROLLOUT_LAB_CACHE", "/a")
    monkeypatch.setenv("ROLLOUT_LAB_STATE", "/b")
    assert Paths.from_environment() == Paths(Path("/a"), Path("/b"))


def test_roster_without_files_runs_nothing_and_stops_without_complaint(paths: Paths) -> None:
    roster = Roster(paths)
    assert not roster.any_running()
    roster.stop("etcd", "kubelet")


def test_boot_times_are_kept(tmp_path: Path) -> None:
    timeline = Timeline(io.StringIO())
    with timeline.stage("etcd"):
        pass
    timeline.save(tmp_path / "boot.json")
    began, ended = json.loads((tmp_path / "boot.json").read_text())["stages"]["etcd"]
    assert 0 <= began <= ended
