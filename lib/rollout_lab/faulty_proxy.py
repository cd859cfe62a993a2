"""An HTTP proxy in front of a real server, whose faults are drawn by a seeded die: what tests inject faults through."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

import httpx

from rollout_lab.addresses import LOOPBACK

PASSED: Final = "passed"
FAULTS: Final = ("dropped", "delayed", "reset", "409", "429", "500", "503", "500 after")
"""What may become of a request: forwarded, and the answer dropped; forwarded late; the connection reset before anything
is forwarded; answered with a status before anything is forwarded; forwarded, and answered 500 all the same."""
DELAY_SECONDS: Final = 0.5
LIMIT_SECONDS: Final = 30.0
_HOP: Final = frozenset({"connection", "transfer-encoding", "content-length", "content-encoding", "host", "keep-alive"})


class Die:
    """Draws what becomes of each request; the same seed draws the same row of faults.

    Args:
        seed: of the row.
        share: of requests that meet a fault.
        faults: which, drawn evenly.
        methods: only these are drawn for; the others pass.
    """

    def __init__(
        self, seed: int, share: float = 0.3, faults: tuple[str, ...] = FAULTS, methods: tuple[str, ...] = ("POST",)
    ) -> None:
        unknown = set(faults) - set(FAULTS)
        if unknown or not 0 <= share <= 1:
            raise ValueError(f"faults {sorted(unknown)} or share {share} cannot be drawn; known: {', '.join(FAULTS)}")
        self._random, self._lock = random.Random(seed), threading.Lock()  # noqa: S311  (a die for tests)
        self._share, self._faults, self._methods = share, faults, methods
        self.drawn: Counter[str] = Counter()

    def draw(self, method: str) -> str:
        """What becomes of the next request."""
        with self._lock:
            hit = method in self._methods and self._random.random() < self._share
            fault = self._random.choice(self._faults) if hit else PASSED
            self.drawn[fault] += 1
            return fault


class FaultyProxy:
    """The proxy, on a free port of loopback while it is entered.

    Args:
        upstream: the real server, such as ``http://127.0.0.1:8000``.
        die: draws the faults.

    Attributes:
        url: where it listens.
    """

    def __init__(self, upstream: str, die: Die) -> None:
        self.die = die
        self._client = httpx.Client(base_url=upstream, timeout=LIMIT_SECONDS, trust_env=False)
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self._client, die))
        self._server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="faulty proxy", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        self._client.close()


def _handler(client: httpx.Client, die: Die) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # one request a connection: a fault meets nobody else

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = die.draw(self.command)
            if fault == "reset":
                self._reset()
            elif fault.isdigit():
                self._answer(int(fault), b'{"message": "by the die"}', "application/json")
            else:
                self._forward(fault, body)

        def _forward(self, fault: str, body: bytes) -> None:
            if fault == "delayed":
                time.sleep(DELAY_SECONDS)
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
            answer = client.request(self.command, self.path, content=body, headers=headers)
            if fault == "dropped":
                self._reset()
            elif fault == "500 after":
                self._answer(500, b'{"message": "by the die, after it was done"}', "application/json")
            else:
                self._answer(answer.status_code, answer.content, answer.headers.get("Content-Type", "text/plain"))

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _reset(self) -> None:
            # Closed with nothing lingering: the other side gets RST, not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RD)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the die counts."""

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815  (http.server's names)

    return Handler
