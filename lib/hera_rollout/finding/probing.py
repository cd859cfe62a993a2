"""Who answers at an address. No token is ever sent: the address is a guess."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from hera_rollout.asking import Caller
from hera_rollout.errors import RolloutError

SECONDS: Final = 2.0
_AT_ONCE: Final = 8
_GRPC_UNAUTHENTICATED: Final = 16


@dataclass(frozen=True)
class Kind:
    """What is looked for: the route that is asked, and how its answer is known."""

    name: str
    route: str
    port: int
    knows: Callable[[int, dict[str, Any]], bool]


def _is_argo(status: int, answer: dict[str, Any]) -> bool:
    # Without a token it refuses, in its gateway's own words.
    return "gitCommit" in answer or (not _good(status) and answer.get("code") == _GRPC_UNAUTHENTICATED)


def _is_backend(status: int, answer: dict[str, Any]) -> bool:
    return _good(status) and isinstance(answer.get("tasks"), list)


def _is_prometheus(status: int, answer: dict[str, Any]) -> bool:
    return _good(status) and "version" in (answer.get("data") or {})


def _good(status: int) -> bool:
    return status < 300  # noqa: PLR2004 the successes of HTTP


ARGO: Final = Kind("Argo Server", "/api/v1/version", 2746, _is_argo)
BACKEND: Final = Kind("backend", "/api/v1/tasks", 8000, _is_backend)
PROMETHEUS: Final = Kind("Prometheus", "/api/v1/status/buildinfo", 9090, _is_prometheus)


@dataclass(frozen=True)
class Answered:
    """An address at which what was looked for answers; `trusted` unless its certificate is not."""

    url: str
    trusted: bool


def first(kind: Kind, addresses: Iterable[str]) -> Answered | None:
    """The first address at which it answers; all are asked side by side, so that dead ones cost one time limit."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda url: _asked(kind, url), addresses))
    return next(filter(None, found), None)


def _asked(kind: Kind, url: str) -> Answered | None:
    for trusted in (True, False) if url.startswith("https:") else (True,):
        try:
            caller = Caller(kind.name, url, SECONDS, verify=trusted)
            status, data = caller.answer("GET", kind.route)
            answer = json.loads(data)
        except (RolloutError, ValueError):
            continue
        if isinstance(answer, dict) and kind.knows(status, answer):
            return Answered(url, trusted)
    return None
