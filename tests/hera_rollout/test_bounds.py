"""Whoever answers without end is cut: in bytes, in time and in what is held. Real servers that really go on."""

import json
import time
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from hera_rollout import asking, logclasses
from hera_rollout.asking import Caller
from hera_rollout.cluster import Cluster, connection
from hera_rollout.errors import Retryable, RolloutError
from hera_rollout.workflows import logs

GIGABYTE = 1024**3
LINE = b"2026-11-24T22:10:00Z INFO app: nothing new " + b"x" * 80 + b"\n"
CHUNK = LINE * (65_536 // len(LINE))
MIB = 1024**2


class Endless:
    """A server that writes a gigabyte, or a little now and then, into each answer; it counts what it got rid of."""

    def __init__(self) -> None:
        self.sent = 0
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if self.path.startswith("/version"):
                    body = b'{"gitVersion": "v1.35.4"}'
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                self.send_response(200)
                self.end_headers()
                self.close_connection = True
                try:
                    self._go_on()
                except OSError:
                    return  # whoever asked has left

            def _go_on(self) -> None:
                while outer.sent < GIGABYTE:
                    trickle = "/trickle" in self.path
                    time.sleep(0.05 if trickle else 0)
                    outer.sent += self.wfile.write(b"x" if trickle else CHUNK)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def endless() -> Iterator[Endless]:
    server = Endless()
    yield server
    server.end()


@pytest.fixture
def cluster(make_target, endless: Endless, tmp_path: Path) -> Cluster:
    settings = {
        "apiVersion": "v1", "kind": "Config", "current-context": "there",
        "clusters": [{"name": "there", "cluster": {"server": endless.url}}],
        "users": [{"name": "me", "user": {"token": "sesame"}}],
        "contexts": [{"name": "there", "context": {"cluster": "there", "user": "me"}}],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(settings))
    return Cluster.connect(make_target(kubeconfig=str(path)))


def test_a_pod_that_logs_a_gigabyte_costs_a_quarter_of_a_megabyte(cluster: Cluster, endless: Endless) -> None:
    began = time.monotonic()
    tracemalloc.start()
    text = cluster.logs("pod-a", "main")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text) == 262_144
    assert peak < 4 * MIB
    assert endless.sent < 32 * MIB, "it was read on"
    assert time.monotonic() - began < 20
    assert "limitBytes=262144" in endless.asked[-1]


def test_a_workflows_logs_are_bounded_too(cluster: Cluster, endless: Endless) -> None:
    assert len(logs._logs(cluster, {"metadata": {"name": "pod-a"}})) == logs.MAX_BYTES
    assert endless.sent < 32 * MIB


@pytest.mark.timeout(30)
def test_logs_that_trickle_end_in_time(cluster: Cluster, endless: Endless, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_WHOLE_ANSWER", 1)
    began = time.monotonic()
    with pytest.raises(Retryable, match="did not end"):
        cluster.connection.text("/trickle", "logs", 262_144)
    assert time.monotonic() - began < 20


def test_an_answer_of_backend_or_argo_server_without_end_is_refused(
    endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_MOST_BYTES", MIB)
    with pytest.raises(RolloutError, match="too large"):
        Caller("The backend", endless.url, 2).json("GET", "/api/v1/tasks/t/logs")
    assert endless.sent < 32 * MIB
    monkeypatch.setattr(asking, "_WHOLE_ANSWER", 0.5)
    with pytest.raises(Retryable, match="did not end"):
        Caller("The backend", endless.url, 2).json("GET", "/trickle")


def test_of_a_log_full_of_long_errors_the_checks_keep_a_few_short_ones() -> None:
    found = logclasses.LogClasses({"pod-a": logclasses.classify(f"ERROR app: {'x' * 10_000}\n" * 200)})
    checks = logclasses.judged(found, restarted=False)
    assert {check.name: check.verdict for check in checks}["error logs"] == "FAIL"
    assert "200 errors" in next(check.seen for check in checks if check.name == "error logs")
    assert len(json.dumps([check.as_dict() for check in checks])) < 20_000
    assert found.frame["example"].str.len().max() < 500
