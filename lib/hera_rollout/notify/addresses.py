"""The addresses that a place names: read from the environment, taken apart, and never to be seen again."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import unquote

from hera_rollout.redaction import REDACTOR
from hera_rollout.target import Target

# A comma may stand inside an address (several receivers): it parts two only where another one begins behind it.
_BETWEEN: Final = re.compile(r"[\s,]+(?=[A-Za-z0-9]+://)|\s+")
_PIECES: Final = re.compile(r"[/:@?&=#,]+")
_SHORTEST_TOKEN: Final = 12
_SHORTEST_LETTERS: Final = 20
"""A run of letters, great and small, is a token from this length on; a shorter one may be a name."""


def configured(target: Target) -> list[str]:
    """The place's Apprise addresses, each once; from now on this process masks them, and the tokens in them."""
    given = _BETWEEN.split(os.environ.get(target.notices.variable, ""))
    found = list(dict.fromkeys(piece.strip(",") for piece in given if piece.strip(",")))
    REDACTOR.learn([secret for address in found for secret in _secrets(address)])
    return found


def schema(address: str) -> str:
    """What stands before ``://``, in small letters; empty if nothing does. Not yet known to be no secret."""
    return address.partition("://")[0].lower() if "://" in address else ""


def _secrets(address: str) -> list[str]:
    """The whole, its password, and what looks like a token in it; not its words, which a record may need."""
    rest = address.partition("://")[2] or address
    login, _, place = rest.rpartition("@")
    host, *pieces = [piece for piece in _PIECES.split(place) if piece] or [""]
    # Many services have a token in the host's place, but a host with dots is only a host.
    candidates = [*pieces, *_PIECES.split(login), *([] if "." in host else [host])]
    tokens = [piece for piece in candidates if _like_a_token(piece)]
    # Of a bare host only the address as a whole: the backend may live on that host.
    path = [rest] if "/" in rest.strip("/") else []
    return [address, *path, login.partition(":")[2], *tokens, *(unquote(token) for token in tokens)]


def _like_a_token(piece: str) -> bool:
    """Letters and digits mixed in one run: unlike backend-2026-11, which may be a channel's name and a rollout's."""
    return len(piece) >= _SHORTEST_TOKEN and any(_mixed(run) for run in re.split(r"[-_.]", piece))


def _mixed(run: str) -> bool:
    small, great, digit = (re.search(kind, run) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
    return bool((digit and (small or great)) or (small and great and len(run) >= _SHORTEST_LETTERS))
