"""A service that takes notices, on loopback: what it was sent is read back from it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hera_rollout.target import Target


class Service:
    """Takes JSON by POST, and answers as told; `address()` is its Apprise address, with its token in it."""

    token = "Zq81Vw5TtokenLx93Rk7"

    def __init__(self) -> None:
        self.status, self.answer = 200, ""
        self.taken: list[dict[str, object]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(service.answer)))
                self.end_headers()
                self.wfile.write(service.answer.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def address(self, query: str = "") -> str:
        return f"json://127.0.0.1:{self.server.server_address[1]}/{self.token}{query}"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def place(make_target: Callable[..., Target], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Target]:
    """A target whose addresses are these."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def make(addresses: str, seconds: float = 30) -> Target:
        monkeypatch.setenv("OPS_ADDRESSES", addresses)
        return make_target(notices={"variable": "OPS_ADDRESSES", "seconds": seconds})

    return make
