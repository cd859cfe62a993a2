"""Takes the notices that Apprise sends to a `json://` address and writes each down as one line of a file.

Run as `python -m rollout_lab.webhook FILE`; a component of the lab, and `rollout-lab notices` by hand. Light on
purpose, as discovery is: the standard library only.
"""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from rollout_lab.addresses import LOOPBACK, NOTICES_PORT

BODY_LIMIT: Final = 64 << 10
FILE_LIMIT: Final = 1 << 20
"""Bytes; the notices before go to a second file, which the next full one replaces."""
THROWN_AWAY: Final = 1 << 20
TIMEOUT_SECONDS: Final = 5.0
FIELDS: Final = ("title", "message", "type")
EXPECTED: Final = f"a JSON object with the texts {', '.join(FIELDS)}, as Apprise's json:// sends it"


def parsed(body: bytes) -> dict[str, str]:
    """Title, message and type of a notice.

    Raises:
        ValueError: it is no notice; the text says what was expected.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError(f"This is no JSON; expected is {EXPECTED}.") from None
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in FIELDS):
        raise ValueError(f"This JSON is no notice; expected is {EXPECTED}.")
    return {name: data[name] for name in FIELDS}


class Inbox:
    """The file of the notices.

    Args:
        file: one JSON line a notice; made now, so that a folder that cannot be written is told at once.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        self._file, self._lock = file, threading.Lock()

    def add(self, notice: dict[str, str]) -> None:
        """Append a notice with the time of its arrival."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **notice}) + "\n"
        with self._lock:
            if self._file.exists() and self._file.stat().st_size + len(line) > FILE_LIMIT:
                self._file.replace(before(self._file))
            with self._file.open("a", encoding="ascii") as opened:
                opened.write(line)


def before(file: Path) -> Path:
    """Where the notices before those in the file are."""
    return file.with_suffix(f".old{file.suffix}")


def server(file: Path, port: int) -> ThreadingHTTPServer:
    """The receiver, bound to a port of loopback (0: a free one) but not yet serving.

    Raises:
        OSError: somebody else listens there, or the file cannot be written.
    """
    made = ThreadingHTTPServer((LOOPBACK, port), _handler(Inbox(file)))
    made.daemon_threads = True
    return made


def _handler(inbox: Inbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_SECONDS  # a sender that stops in the middle holds no thread for ever

        def do_GET(self) -> None:
            self._answer(HTTPStatus.OK, "Send notices here by POST.")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit()):
                self._answer(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing or no number.")
            elif int(length) > BODY_LIMIT:
                # Unread bytes would reset the connection, and the sender would not see the answer.
                self.rfile.read(min(int(length), THROWN_AWAY))
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A notice has at most {BODY_LIMIT} bytes.")
            else:
                self._answer(*_taken(inbox, self.rfile.read(int(length))))

        def _answer(self, status: HTTPStatus, words: str) -> None:
            body = f"{words}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the file says what arrived, and a log would grow with every look at the health."""

    return Handler


def _taken(inbox: Inbox, body: bytes) -> tuple[HTTPStatus, str]:
    """200 only for what is written down: the sender takes it for told."""
    try:
        inbox.add(parsed(body))
    except ValueError as error:
        return HTTPStatus.BAD_REQUEST, str(error)
    except OSError as error:
        return HTTPStatus.INSUFFICIENT_STORAGE, f"The notice could not be written: {error.strerror}."
    return HTTPStatus.OK, "Written down."


if __name__ == "__main__":
    server(Path(sys.argv[1]), NOTICES_PORT).serve_forever()
