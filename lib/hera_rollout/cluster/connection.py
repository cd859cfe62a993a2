"""Requests to the API server: raw JSON in and out, a time limit on each, one kind of error.

Raw documents and not the client's models: models drop what they do not know, and evidence must not.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Literal

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config import incluster_config

from hera_rollout import tokens
from hera_rollout.answers import Asked, plain, reason, refusal, silence
from hera_rollout.errors import Refused, Retryable, RolloutError
from hera_rollout.target import Target

Document = dict[str, Any]
PatchKind = Literal["strategic-merge-patch", "merge-patch", "json-patch"]
_UNSENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.SSLError)
_OK_BELOW = 300
_USUAL = Path("~/.kube/config")
AGENT = "hera-rollout"
"""Kubernetes keeps this as the manager of every field the kit writes: whatever carries another was not the kit."""
ACCOUNT = "the kubeconfig or the ServiceAccount's file"
"""Where the user's token comes from, as an error about it says."""
_MOST_BYTES = 128 * 1024 * 1024
_WHOLE_ANSWER = 6  # times the time limit, for an answer that trickles


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    asked: Asked
    query: dict[str, object] = field(default_factory=dict)
    body: object = None
    content: str = "application/json"


class Connection:
    """One API server, as one user."""

    def __init__(self, api: client.ApiClient, timeout: float) -> None:
        self._api = api
        self._timeout = timeout
        self.host: str = api.configuration.host
        self.who = f"The Kubernetes API server at {self.host}"

    def get(self, path: str, what: str = "", **query: object) -> Document:
        """Read one document."""
        return self._document(_Request("GET", path, Asked(self.who, what or f"get {path}"), query))

    def items(
        self, path: str, what: str = "", *, page: int = 250, most: int = 20_000, **query: object
    ) -> list[Document]:
        """Read a list; cut at `most` entries."""
        return list(itertools.islice(self.pages(path, what, page=page, **query), most))

    def pages(self, path: str, what: str = "", *, page: int = 250, **query: object) -> Iterator[Document]:
        """Read a list entry by entry, holding one page at a time."""
        more: dict[str, object] = {}
        while True:
            answer = self.get(path, what or f"list {path}", limit=page, **more, **query)
            yield from answer.get("items") or []
            more = {"continue": answer.get("metadata", {}).get("continue")}
            if not more["continue"]:
                return

    def text(self, path: str, what: str, max_bytes: int, **query: object) -> str:
        """Read text, at most `max_bytes` of it."""
        data = self._exchange(_Request("GET", path, Asked(self.who, what), query), max_bytes)
        return data.decode("utf-8", "replace")

    def create(self, path: str, body: Document, *, name: str = "", what: str = "") -> Document:
        """Create; `name` is what may be left behind if the answer is lost (empty: nothing is)."""
        return self._document(
            _Request("POST", path, Asked(self.who, what or f"create {path}", creates=name), body=body)
        )

    def patch(self, path: str, body: Document | list[Document], kind: PatchKind, what: str = "") -> Document:
        """Patch one document."""
        asked = Asked(self.who, what or f"patch {path}", changes=True)
        return self._document(_Request("PATCH", path, asked, body=body, content=f"application/{kind}+json"))

    def replace(self, path: str, body: Document, what: str = "") -> Document:
        """Write one document whole; Conflicting if it is no longer the one whose resourceVersion `body` carries."""
        asked = Asked(self.who, what or f"replace {path}", changes=True)
        return self._document(_Request("PUT", path, asked, body=body))

    def delete(self, path: str, what: str = "", *, version: str = "") -> None:
        """Delete one object; given a resourceVersion, Conflicting if it is another one by now."""
        only = {"preconditions": {"resourceVersion": version}} if version else None
        asked = Asked(self.who, what or f"delete {path}", changes=True)
        self._exchange(_Request("DELETE", path, asked, body=only))

    def watch(self, path: str, seconds: float, **query: object) -> Iterator[Document]:
        """Yield events for at most `seconds`; the caller reads afresh when it ends, however it ends."""
        ends = time.monotonic() + seconds
        query = {**query, "watch": "true", "timeoutSeconds": max(1, round(seconds))}
        request = _Request("GET", path, Asked(self.who, f"watch {path}"), query)
        response = self._sent(request, seconds + 0.1)
        try:
            if response.status == HTTPStatus.GONE:
                return  # the version to watch from is too old: reading afresh gives a newer one
            if response.status == HTTPStatus.FORBIDDEN:
                self._not_starting(request)
            if response.status >= _OK_BELOW:
                raise refusal(request.asked, response.status, reason(response.read()))
            for line in _lines(response):
                yield json.loads(line)
                if time.monotonic() >= ends:
                    return
        except (urllib3.exceptions.HTTPError, ValueError):
            return  # the time is over, or the connection broke: reading afresh tells which
        finally:
            response.close()

    def token(self) -> str | None:
        """The user's bearer token, renewed if the kubeconfig says how; None if the user has none."""
        setting = self._api.configuration.auth_settings().get("BearerToken") or {}
        return tokens.clean(str(setting.get("value") or ""), ACCOUNT)

    def _document(self, request: _Request) -> Document:
        data = self._exchange(request)
        try:
            answer = json.loads(data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):  # through a pod's proxy it may be anything
            raise refusal(request.asked, 502, f"no JSON object: {plain(data[:200].decode('utf-8', 'replace'))}")
        return answer

    def _exchange(self, request: _Request, most: int = _MOST_BYTES) -> bytes:
        status, data = self._answer(request, most)
        if status == HTTPStatus.FORBIDDEN:
            self._not_starting(request)
            status, data = self._answer(request, most)  # it may have come up just now; what is forbidden was not done
        if status >= _OK_BELOW:
            raise refusal(request.asked, status, reason(data))
        return data

    def _answer(self, request: _Request, most: int) -> tuple[int, bytes]:
        response = self._sent(request, self._timeout)
        try:
            return int(response.status), _read(response, most, time.monotonic() + _WHOLE_ANSWER * self._timeout)
        except (urllib3.exceptions.HTTPError, TimeoutError) as error:
            raise silence(request.asked, _short(error), sent=True) from None
        finally:
            # Unread bytes would be taken for the next answer on this connection.
            response.release_conn() if response.isclosed() else response.close()

    def _not_starting(self, request: _Request) -> None:
        """A server that only just started forbids what it will allow: that is to be tried again.

        Raises:
            Retryable: it only just started.
        """
        if self._starting():
            raise Retryable(
                f"{self.who} has only just started, and knows nobody's rights yet; it answered 403 to: "
                f"{request.asked.what}.",
                after=1.0, todo="Wait a moment and try again.",
            )  # fmt: skip

    def _starting(self) -> bool:
        """Whether it says so itself, or lets us not even see its version, which everybody may."""
        ready = self._status("/readyz")
        denied = ready == HTTPStatus.FORBIDDEN and self._status("/version") == HTTPStatus.FORBIDDEN
        return denied or ready >= HTTPStatus.INTERNAL_SERVER_ERROR

    def _status(self, path: str) -> int:
        """What it answers there; 0 if nothing."""
        try:
            response = self._sent(_Request("GET", path, Asked(self.who, f"get {path}")), self._timeout)
        except RolloutError:
            return 0
        response.close()
        return int(response.status)

    def _sent(self, request: _Request, read_timeout: float) -> Any:
        ready = self._api.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query.items()),
            header_params={"Accept": "application/json, */*", "Content-Type": request.content},
            body=request.body,
            auth_settings=["BearerToken"],
        )
        limits = (self._timeout, read_timeout)
        try:
            try:
                return self._api.call_api(*ready, _request_timeout=limits).response
            except urllib3.exceptions.ProtocolError:
                if request.method != "GET":
                    raise
                # A kept connection that the server had closed meanwhile; a read may be sent again.
                return self._api.call_api(*ready, _request_timeout=limits).response
        except client.ApiException as error:  # the client's own word for a failed TLS handshake
            raise _not_trusted(request.asked, error) from None
        except _UNSENT as error:
            raise silence(request.asked, _short(error), sent=False) from None
        except urllib3.exceptions.HTTPError as error:
            raise silence(request.asked, _short(error), sent=True) from None


def _not_trusted(asked: Asked, error: client.ApiException) -> Refused:
    return Refused(
        f"{asked.who} was not asked to: {asked.what}. The kubeconfig does not trust it: {plain(str(error.reason))}",
        expected="the cluster this kubeconfig was made for.",
        todo="If the cluster was made anew, get its kubeconfig anew and connect again; else see who answers there.",
    )


def _read(response: Any, most: int, ends: float) -> bytes:
    data = bytearray()
    while chunk := response.read1(65_536):  # what has come, where `stream` waits until there is so much
        data += chunk
        if len(data) >= most:
            break
        if time.monotonic() > ends:
            raise TimeoutError("its answer did not end")
    return bytes(data[:most])


def _short(error: Exception) -> str:
    # The pool's and connection's repr say nothing to a person.
    return plain(str(error).rpartition("): ")[2] or type(error).__name__)


def _lines(response: Any) -> Iterator[bytes]:
    buffer = b""
    for chunk in response.stream(amt=None):
        buffer += chunk
        *whole, buffer = buffer.split(b"\n")
        yield from (line for line in whole if line.strip())


def load(target: Target) -> Connection:
    """Read the target's kubeconfig, or the pod's own account; nothing is asked of the server yet."""
    settings = client.Configuration()
    try:
        if _is_pods_own(target):
            config.load_incluster_config(client_configuration=settings)  # it reads the token again each minute
        else:
            config.load_kube_config(
                config_file=_kubeconfig(target),
                context=target.context,
                client_configuration=settings,
                persist_config=False,
            )
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise (_no_account(error) if _is_pods_own(target) else _no_kubeconfig(target, error)) from None
    settings.refresh_api_key_hook = _cleaning(settings.refresh_api_key_hook)  # type: ignore[assignment]  # the client declares no type for its own hook
    settings.retries = False  # a retry of urllib3's own would multiply every time limit
    api = client.ApiClient(settings)
    api.user_agent = f"{AGENT}/{version_of('hera-rollout-kit')}"
    return Connection(api, float(target.limits.request_timeout_seconds))


def _cleaning(renew: Callable[[client.Configuration], None] | None) -> Callable[[client.Configuration], None]:
    """What is done before each request: the client renews the token, and it is made one that a header can carry.

    A file or an exec plugin often ends its token with a line end, which Python's HTTP refuses, the token in its words.
    """

    def cleaned(settings: client.Configuration) -> None:
        if renew is not None:
            renew(settings)
        token = tokens.clean(str(settings.api_key.get("BearerToken") or ""), ACCOUNT)
        if token:
            settings.api_key["BearerToken"] = tokens.header(token)

    return cleaned


def _kubeconfig(target: Target) -> str:
    """The target's; else, as for kubectl, the environment's or the usual one."""
    return str(target.kubeconfig or os.environ.get("KUBECONFIG") or _USUAL)


def _is_pods_own(target: Target) -> bool:
    """Whether the ServiceAccount of the pod that this runs in is meant: as for kubectl, if nothing names another."""
    if target.kubeconfig or target.context or os.environ.get("KUBECONFIG") or _USUAL.expanduser().exists():
        return False
    return bool(os.environ.get(incluster_config.SERVICE_HOST_ENV_NAME))


def _no_account(error: Exception) -> Refused:
    return Refused(
        f"This pod has no ServiceAccount to ask the API server with: {plain(str(error))}",
        expected="the account's token where Kubernetes mounts it, or a kubeconfig that the target names.",
        todo="Give the pod a serviceAccountName, and leave automountServiceAccountToken on.",
    )


def _no_kubeconfig(target: Target, error: Exception) -> Refused:
    path = _kubeconfig(target)
    if target.kubeconfig and not target.kubeconfig.is_file():
        seen = f"There is no kubeconfig at {path}, which target {target.name} names."
    else:
        seen = f"The kubeconfig {path} cannot be used with context {target.context or '(current)'}: {plain(str(error))}"
    start = f"Start it ({target.commands.start}), or correct" if target.commands.start else "Correct"
    todo = f"{start} `kubeconfig` and `context` in the target's file."
    return Refused(seen, expected="a kubeconfig that has this context.", todo=todo)


def version(connection: Connection, target: Target) -> str:
    """The server's version; Refused if it is not there, for nothing has been touched yet."""
    try:
        return str(connection.get("/version", "read its version").get("gitVersion", "unknown"))
    except Retryable as error:
        start = target.commands.start
        todo = (
            f"Start it ({start})."
            if start
            else "See whether it is up and whether your network reaches it (VPN, proxy)."
        )
        raise Refused(error.seen, expected=f"the cluster of target {target.name}.", todo=todo) from None
