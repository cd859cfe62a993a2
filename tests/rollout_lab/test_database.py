"""The lab's PostgreSQL: made whole or not at all. The real initdb."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rollout_lab import database
from rollout_lab.paths import Paths


@pytest.fixture
def lab(public_folder: Path, as_root: None) -> Paths:
    (public_folder / "state").mkdir()
    return Paths(public_folder / "cache", public_folder / "state", public_folder / "run")


def test_passwords_are_made_once_differ_and_are_for_root_only(lab: Paths) -> None:
    first = database.passwords(lab)
    assert database.passwords(lab) == first
    assert len(set(first.values())) == len(database.DATABASES)
    assert lab.secrets.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["999999\n/data\n", "", "half", f"{os.getpid()}\n"], ids=["gone", "empty", "half", "another's"]
)
def test_pid_file_of_a_killed_server_is_removed(lab: Paths, content: str) -> None:
    """Also when the pid is another program's by now."""
    file = lab.state / "postgres/postmaster.pid"
    file.parent.mkdir()
    file.write_text(content)
    database.forget_crash(lab)
    assert not file.exists()


def test_pid_file_of_a_server_that_runs_is_left(lab: Paths) -> None:
    file = lab.state / "postgres/postmaster.pid"
    file.parent.mkdir()
    server = subprocess.Popen(["/x/postgres", "-c", "import time; time.sleep(60)"], executable=sys.executable)
    file.write_text(f"{server.pid}\n")
    try:
        time.sleep(0.1)
        database.forget_crash(lab)
        assert file.exists()
    finally:
        server.kill()
        server.wait()


def test_url_is_on_the_bridge(lab: Paths) -> None:
    assert database.url(lab, "backend").startswith("postgresql+psycopg://backend:")
    assert database.url(lab, "backend").endswith("@10.244.0.1:5433/backend")


def test_cluster_is_made_once_after_a_cut_off_try_and_listens_on_the_bridge_only(lab: Paths) -> None:
    (lab.state / ".postgres.unfinished/half").mkdir(parents=True)
    database.ensure(lab)
    folder = lab.state / "postgres"
    settings = (folder / "postgresql.conf").read_text()
    assert "listen_addresses = '10.244.0.1'" in settings
    assert "unix_socket_directories = ''" in settings
    assert (folder / "pg_hba.conf").read_text() == "host all all 10.244.0.0/16 scram-sha-256\n"
    made = (folder / "PG_VERSION").stat().st_mtime_ns
    database.ensure(lab)
    assert (folder / "PG_VERSION").stat().st_mtime_ns == made
    assert sorted(path.name for path in lab.state.iterdir()) == ["postgres", "secrets.json"]
