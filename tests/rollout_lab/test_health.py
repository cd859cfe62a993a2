"""Asking components: real sockets, a real server, a real process that ends."""

from __future__ import annotations

import http.server
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_lab import health, processes
from rollout_lab.components import Component
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths
from rollout_lab.processes import PidFile


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as found:
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{found.server_address[1]}"
        found.shutdown()


def test_http_200_is_well_and_500_is_not(paths: Paths, server: str) -> None:
    assert health.answers(paths, f"http://{server}/healthz")
    assert not health.answers(paths, f"http://{server}/broken")


def test_tcp_and_refused_tcp(paths: Paths, server: str) -> None:
    assert health.answers(paths, f"tcp://{server}")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert not health.answers(paths, f"tcp://127.0.0.1:{port}")


def test_unix_socket(paths: Paths, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        assert health.answers(paths, f"unix://{path}")
    assert not health.answers(paths, f"unix://{path}")


def test_file_is_well_while_it_is_touched(paths: Paths, tmp_path: Path) -> None:
    file = tmp_path / "targets.json"
    assert not health.answers(paths, f"file://{file}")
    file.touch()
    assert health.answers(paths, f"file://{file}")
    old = time.time() - health.FRESH_SECONDS - 1
    os.utime(file, (old, old))
    assert not health.answers(paths, f"file://{file}")


def test_process_that_ends_at_once_is_reported_with_its_last_words(paths: Paths, tmp_path: Path) -> None:
    pid_file, log = PidFile(tmp_path / "pid"), tmp_path / "log"
    processes.spawn(
        ["/bin/sh", "-c", "sleep 0.2; echo cannot open the data folder; exit 1"], pid_file=pid_file, log=log
    )
    component = Component("etcd", ("/bin/sh",), health="tcp://127.0.0.1:1")
    began = time.monotonic()
    with pytest.raises(LabError, match=r"etcd ended right after its start.*cannot open the data folder"):
        health.wait(paths, component, pid_file, log, 30)
    assert time.monotonic() - began < 20


def test_process_that_never_answers_is_not_waited_for_without_end(paths: Paths, tmp_path: Path) -> None:
    pid_file = PidFile(tmp_path / "pid")
    found = processes.spawn(["/bin/sleep", "60"], pid_file=pid_file, log=tmp_path / "log")
    component = Component("etcd", ("/bin/sleep",), health="tcp://127.0.0.1:1")
    with pytest.raises(LabError, match="did not answer within 0 s"):
        health.wait(paths, component, pid_file, tmp_path / "log", 0.3)
    processes.end([found])
