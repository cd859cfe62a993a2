"""The faulty proxy in front of a real server: what reached the server, and what its client saw."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from rollout_lab.faulty_proxy import FAULTS, Die, FaultyProxy


class Real(ThreadingHTTPServer):
    """Counts what reaches it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Real)
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(201)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    do_GET = do_POST  # noqa: N815  (http.server's name)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def real() -> Iterator[Real]:
    server = Real()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def asked(real: Real, fault: str, method: str = "POST") -> httpx.Response:
    with FaultyProxy(real.url, Die(1, share=1, faults=(fault,))) as proxy:
        return httpx.request(method, f"{proxy.url}/tasks", content=b"one", timeout=10)


@pytest.mark.parametrize("fault", ["409", "429", "500", "503"])
def test_a_status_is_answered_and_nothing_reaches_the_server(real: Real, fault: str) -> None:
    assert asked(real, fault).status_code == int(fault)
    assert real.bodies == []


def test_an_answer_is_dropped_after_the_server_did_it(real: Real) -> None:
    with pytest.raises(httpx.TransportError):
        asked(real, "dropped")
    assert real.bodies == [b"one"]


def test_a_reset_reaches_nobody(real: Real) -> None:
    with pytest.raises(httpx.TransportError):
        asked(real, "reset")
    assert real.bodies == []


def test_500_after_it_was_done(real: Real) -> None:
    assert asked(real, "500 after").status_code == 500
    assert real.bodies == [b"one"]


def test_delayed_and_passed_requests_are_the_servers_own(real: Real) -> None:
    assert (asked(real, "delayed").status_code, asked(real, "503", method="GET").text) == (201, "done")
    assert real.bodies == [b"one", b"one"]


def test_the_same_seed_draws_the_same_faults_and_counts_them() -> None:
    first, again, other = Die(7), Die(7), Die(8)
    drawn = [first.draw("POST") for _ in range(300)]
    assert drawn == [again.draw("POST") for _ in range(300)]
    assert drawn != [other.draw("POST") for _ in range(300)]
    assert set(first.drawn) == {*FAULTS, "passed"}
    assert 60 < 300 - first.drawn["passed"] < 120


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="gone"):
        Die(1, faults=("gone",))
