"""Real things that go wrong: a port nobody listens on, a server that never answers, one that answers as told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from hera_rollout.records.sources import EXEMPT_VARIABLE
from hera_rollout.target import Target

Text = str | Iterator[str]
Reply = Callable[..., tuple[int, Text] | tuple[int, Text, dict[str, str]]]
"""Of method, path without its query, and body: the answer's status and text, and headers where it has some.

A text that comes in pieces is sent as it comes, after the headers: such as a watch.
"""


@pytest.fixture(autouse=True, scope="module")
def own_notebooks_are_exempt() -> Iterator[None]:
    """These tests' small notebooks are none of the shipped ones; the environment of the live tests is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(EXEMPT_VARIABLE, "1")
        yield


@pytest.fixture
def closed_url() -> str:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def silent_url() -> Iterator[str]:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def serving() -> Iterator[Callable[..., str]]:
    """Servers on loopback that answer by a function of method, path and body; gives each one's address.

    Where `queries` is asked for, the function is given the path's query too, as a dictionary.
    """
    servers: list[ThreadingHTTPServer] = []

    def start(reply: Reply, *, queries: bool = False) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                status, text, *headers = reply(self.command, path, body, *([dict(parse_qsl(query))] if queries else []))
                length = {"Content-Length": str(len(text.encode()))} if isinstance(text, str) else {}
                self.send_response(status)
                for name, value in (length | (headers[0] if headers else {})).items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):  # whoever asked has gone meanwhile
                    for piece in [text] if isinstance(text, str) else text:
                        self.wfile.write(piece.encode())

            def __getattr__(self, name: str) -> Callable[[], None]:
                if name.startswith("do_"):
                    return self.answer
                raise AttributeError(name)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def answering(serving: Callable[[Reply], str]) -> Callable[[dict[str, tuple[int, str]]], str]:
    """A server on loopback that gives each path the status and text it is told to; answers its address."""

    def start(answers: dict[str, tuple[int, str]]) -> str:
        return serving(lambda _method, path, _body: answers.get(path, (404, '{"message": "no such path"}')))

    return start


@pytest.fixture
def make_target() -> Callable[..., Target]:
    def make(**values: object) -> Target:
        given = {"name": "there", "backend_url": "http://127.0.0.1:9", "argo_url": "http://127.0.0.1:9"} | values
        given.setdefault("limits", {"request_timeout_seconds": 1})
        return Target.model_validate(given)

    return make
