"""The WebSocket of a task's logs: listened to until it is complete; bounded in time, frames and bytes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.sync.client import ClientConnection, connect

from hera_rollout.answers import plain

OPEN_SECONDS: Final = 10.0
SLICE_SECONDS: Final = 1.0
MOST_FRAMES: Final = 5_000
MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass
class Heard:
    """What came over the socket.

    Attributes:
        frames: the frames, in order.
        closed: whether the backend closed it.
        refused: why it could not be opened; empty if it could.
        trouble: what broke it off otherwise.
    """

    frames: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    refused: str = ""
    trouble: str = ""

    @property
    def kinds(self) -> list[str]:
        """The frames' types, repetitions left out."""
        kinds = [str(frame.get("type")) for frame in self.frames]
        return [kind for number, kind in enumerate(kinds) if number == 0 or kinds[number - 1] != kind]

    @property
    def text(self) -> str:
        """The logs of the last frame that had some."""
        data = [frame["data"] for frame in self.frames if frame.get("type") == "logs" and frame.get("data")]
        entries = data[-1] if data and isinstance(data[-1], list) else []
        if data and isinstance(data[-1], str):
            return str(data[-1])
        return "\n".join(str(entry.get("logs", "")) for entry in entries if isinstance(entry, dict))


def address(backend_url: str, task: str) -> str:
    """The socket's address: ws(s)://…/ws/tasks/TASK/logs of a backend at http(s)://…."""
    parts = urlsplit(backend_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws/tasks/{quote(task, safe='')}/logs", "", ""))


def listen(backend_url: str, task: str, *, seconds: float, stop: threading.Event | None = None) -> Heard:
    """Listen until the backend closes, a bound is met, or `stop` is set. Never raises."""
    heard = Heard()
    try:
        with connect(
            address(backend_url, task), open_timeout=min(seconds, OPEN_SECONDS), close_timeout=2.0, max_size=MOST_BYTES,
            proxy=None,
        ) as socket:  # fmt: skip
            _hear(socket, heard, time.monotonic() + seconds, stop or threading.Event())
    except (InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
        heard.refused = plain(str(error)) or type(error).__name__
    return heard


def _hear(socket: ClientConnection, heard: Heard, ends: float, stop: threading.Event) -> None:
    while len(heard.frames) < MOST_FRAMES:
        left = ends - time.monotonic()
        if left <= 0 or stop.is_set():
            heard.trouble = "it was not complete in time"
            return
        try:
            heard.frames.append(_frame(socket.recv(timeout=min(left, SLICE_SECONDS))))
        except TimeoutError:
            continue
        except ConnectionClosed as closed:
            heard.closed = closed.rcvd is not None
            heard.trouble = "" if heard.closed else "the connection broke"
            return
        except ValueError:
            heard.trouble = "a frame was no JSON object"
            return
    heard.trouble = f"more than {MOST_FRAMES} frames"


def _frame(data: str | bytes) -> dict[str, Any]:
    frame = json.loads(data)
    if not isinstance(frame, dict):
        raise ValueError
    return frame


def faults(heard: Heard, first: str, last: str, phase: str) -> Iterator[str]:
    """What is wrong with what was heard of a run that ended in that phase."""
    if heard.refused:
        yield f"the socket could not be opened: {heard.refused}"
        return
    if heard.trouble:
        yield f"{heard.trouble} (frames: {', '.join(heard.kinds) or 'none'})"
    missing = [line.split("] ")[-1] for line in (first, last) if line not in heard.text]
    if missing:
        yield f"the frames of logs do not hold the {' and the '.join(missing)}"
    final = heard.frames[-1] if heard.frames else {}
    if final.get("type") != "complete":
        yield f"the last frame is {final.get('type') or 'none'!r} and not 'complete'"
    elif final.get("workflow_phase") != phase:
        yield f"the frame complete says {final.get('workflow_phase')!r}, the workflow is {phase}"
    if not heard.closed and not heard.trouble:
        yield "the backend did not close it"
