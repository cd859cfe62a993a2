"""Around every request: a deadline, an answer whatever happens, and its figures for Prometheus."""

import asyncio
import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_backend.faults import Faults
from reference_backend.metrics import FAULTS_ON, REQUEST_SECONDS, REQUESTS

log = logging.getLogger(__name__)
UNAVAILABLE = 503


class Observed:
    """ASGI middleware; websockets pass through."""

    def __init__(self, app: ASGIApp, seconds: float, faults: Faults) -> None:
        self._app = app
        self._seconds = seconds
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        exchange = _Exchange(send)
        started = time.monotonic()
        try:
            await self._serve(scope, receive, exchange)
        finally:
            self._record(scope, exchange.status or 500, time.monotonic() - started)

    async def _serve(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        # A route that hangs in its thread cannot be cancelled, only left behind: hence wait, not wait_for.
        work = asyncio.create_task(self._await(scope, receive, exchange))
        done, _ = await asyncio.wait({work}, timeout=self._seconds)
        if done:
            work.result()
        elif not exchange.status:
            await _too_late(exchange, self._seconds)
            exchange.closed = True
            work.cancel()
        else:
            await work

    async def _await(self, scope: Scope, receive: Receive, exchange: "_Exchange") -> None:
        try:
            await self._app(scope, receive, exchange)
        except Exception as error:
            log.exception("500 on %s %s", scope["method"], scope["path"])
            if exchange.status:
                raise
            # Answered here and not passed on: the server would cut the connection under the client's next request.
            await _answer(exchange, 500, f"{type(error).__name__}: {error}")

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        path = scope["state"].get("path", "none")
        REQUESTS.labels(scope["method"], route, str(status), path).inc()
        REQUEST_SECONDS.labels(scope["method"], route, path).observe(seconds)
        if route.startswith("/api/"):
            for fault in self._faults.active():
                FAULTS_ON.labels(fault).inc()


class _Exchange:
    """The way to the client, which remembers the status and can be closed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.closed = False

    async def __call__(self, message: Message) -> None:
        """Pass the message on, unless the client was answered already."""
        if self.closed:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


async def _too_late(send: Send, seconds: float) -> None:
    log.error("a request took longer than %s s and was given up", seconds)
    detail = f"No answer within {seconds:g} s: the database or the Argo Server does not answer in time"
    await _answer(send, UNAVAILABLE, detail)


async def _answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    if status == UNAVAILABLE:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
