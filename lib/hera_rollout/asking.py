"""HTTP to the Argo Server and the backend: JSON, every call on a connection of its own and within a time limit.

No connection is kept: during a rolling update a kept one ends in a reset, and "what does the service answer" must mean
whichever pod it picks now.
"""

from __future__ import annotations

import functools
import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from hera_rollout import tokens
from hera_rollout.answers import Asked, plain, reason, refusal, silence

_MOST_BYTES = 64 * 1024 * 1024
_WHOLE_ANSWER = 6  # times the time limit, for an answer that trickles
_BAD_GATEWAY = 502
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)


@functools.cache
def _trust(verify: bool, _file: str | None, _folder: str | None) -> ssl.SSLContext:
    """What certificates are trusted; one for all callers, since to read the authorities takes 20 ms.

    Args:
        verify: whether a certificate is verified at all.
        _file: the environment's authorities, which httpx reads by itself; another value is another context.
        _folder: the same, of a folder.
    """
    return httpx.create_ssl_context(verify=verify)


class Caller:
    """One server."""

    def __init__(
        self,
        who: str,
        base_url: str,
        timeout: float,
        *,
        verify: bool = True,
        token: Callable[[], str | None] = lambda: None,
        unreachable_todo: str = "",
    ) -> None:
        self.who = f"{who} at {base_url}"
        self._token = token
        self._timeout = timeout
        self._todo = unreachable_todo
        self._client = httpx.Client(
            base_url=base_url,
            timeout=timeout,
            verify=_trust(verify, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def json(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str] | None = None,
        creates: str = "",
    ) -> dict[str, Any]:
        """Send, and read a JSON object back; `creates` names what may be left behind if the answer is lost."""
        asked = Asked(self.who, f"{method} {path}", creates=creates, changes=method != "GET")
        if self._todo:
            asked = Asked(asked.who, asked.what, creates, asked.changes, self._todo)
        status, data = self._exchange(asked, method, path, body, query)
        if not httpx.codes.is_success(status):
            raise refusal(asked, status, reason(data))
        return _document(asked, data, status)

    def answer(self, method: str, path: str, *, body: object = None, text: str | None = None) -> tuple[int, bytes]:
        """Send, and give back whatever status and body come; for checks of the statuses themselves.

        Args:
            method: the HTTP method.
            path: the path with its query.
            body: sent as JSON.
            text: sent as it is in the place of `body`, though declared as JSON.
        """
        asked = Asked(self.who, f"{method} {path}", creates="", changes=method != "GET")
        return self._exchange(asked, method, path, body, None, text=text)

    def _exchange(
        self,
        asked: Asked,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None,
        *,
        text: str | None = None,
    ) -> tuple[int, bytes]:
        token = self._token()
        headers = {"Authorization": tokens.header(token)} if token else {}
        headers |= {"Content-Type": "application/json"} if text is not None else {}
        ends = time.monotonic() + _WHOLE_ANSWER * self._timeout
        try:
            with self._client.stream(method, path, json=body, content=text, params=query, headers=headers) as response:
                return response.status_code, _read(response, ends)
        except _UNSENT as error:
            raise silence(asked, _short(error), sent=False) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise silence(asked, _short(error), sent=True) from None


def _read(response: httpx.Response, ends: float) -> bytes:
    data = bytearray()
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > _MOST_BYTES:
            raise TimeoutError("its answer is too large")
        if time.monotonic() > ends:
            raise TimeoutError("its answer did not end")
    return bytes(data)


def _document(asked: Asked, data: bytes, status: int) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # also lists without end
        document = None
    if not isinstance(document, dict):
        # As bad as a gateway's own trouble, so it is that kind of error; but its words say what came.
        error, came = refusal(asked, _BAD_GATEWAY, ""), plain(data[:200].decode("utf-8", "replace"))
        page = "an HTML page, " if data.lstrip().startswith(b"<") else ""
        error.seen = f"{asked.who} answered {status} to: {asked.what}, with {page}no JSON object: {came}"
        raise error
    return document


def _short(error: Exception) -> str:
    said = plain(str(error)) or type(error).__name__
    return f"no answer in time: {said}" if isinstance(error, httpx.TimeoutException) else said
