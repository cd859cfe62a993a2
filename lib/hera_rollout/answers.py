"""What an HTTP answer, or none at all, means: one table for cluster, Argo Server and backend.

Pure: every client turns its own exceptions into a status and a reason, or into "no answer", and asks here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from hera_rollout.errors import Ambiguous, Conflicting, Missing, Refused, Retryable, RolloutError

REASON_LENGTH = 256
"""Raw text of a server is cut here: enough to know what is wrong, too little to leak a manifest."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNREACHABLE_TODO = "See whether it runs and whether its address in the target is right, then run this again."


@dataclass(frozen=True)
class Asked:
    """One request: whom, for what, and what it may leave behind if the answer is lost."""

    who: str
    what: str
    creates: str = ""
    changes: bool = False
    unreachable_todo: str = _UNREACHABLE_TODO


def plain(text: str, length: int = REASON_LENGTH) -> str:
    """Text from elsewhere, without control characters and ANSI codes, on one line, cut to a length."""
    flat = " ".join(_CONTROL.sub("", text).split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def printable(text: str) -> str:
    """Text from elsewhere, without control characters and ANSI codes; its lines and tabs stay."""
    return _CONTROL.sub("", text)


def reason(body: str | bytes) -> str:
    """The server's own words: the message of a JSON answer, else its text."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        document = json.loads(text)
    except ValueError:
        return plain(text)
    if isinstance(document, dict):
        for key in ("message", "detail", "error"):
            if document.get(key):
                said = document[key]
                return plain(said if isinstance(said, str) else json.dumps(said))
    return plain(text)


def refusal(asked: Asked, status: int, said: str) -> RolloutError:
    """The error for an answer that is no success; it carries the answer's status."""
    error = _refusal(asked, status, said)
    error.status = status
    return error


def _refusal(asked: Asked, status: int, said: str) -> RolloutError:
    seen = f"{asked.who} answered {status} to: {asked.what}." + (f" It said: {said}" if said else "")
    if status in _MEANING:
        kind, todo = _MEANING[status]
        return kind(seen, todo=todo)
    if status in {429, 503}:
        return Retryable(seen, after=2.0, todo="Wait a moment and try again; if it stays so, look at its logs.")
    if status >= 500 and (asked.creates or asked.changes):  # noqa: PLR2004
        return _lost(asked, seen)
    if status >= 500:  # noqa: PLR2004
        return Retryable(seen, after=2.0, todo="Look at its logs, then try again.")
    return Refused(seen, todo="Correct what was asked for.")


def silence(asked: Asked, detail: str, *, sent: bool) -> RolloutError:
    """The error for no answer; `sent` if the request may have arrived."""
    seen = f"{asked.who} did not answer to: {asked.what} ({plain(detail)})."
    if sent and (asked.creates or asked.changes):
        return _lost(asked, seen)
    return Retryable(seen, after=1.0, expected="an answer within the time limit.", todo=asked.unreachable_todo)


def _lost(asked: Asked, seen: str) -> Ambiguous:
    subject = asked.creates or "The change"
    return Ambiguous(
        seen,
        name=asked.creates,
        why=f"{subject} may be there all the same.",
        todo="Look it up before anything else; do not send it again under another name.",
    )


_MEANING: dict[int, tuple[type[Refused], str]] = {
    400: (Refused, "Correct what was asked for; the reason says what is wrong with it."),
    401: (
        Refused,
        "The token or certificate is not accepted: renew the kubeconfig's, or set HERA_ROLLOUT_ARGO_TOKEN.",
    ),
    403: (
        Refused,
        "The right named above is missing: grant it (deploy/rbac lists all that are needed), or use another user.",
    ),
    404: (Missing, "Check the name and the namespace."),
    409: (Conflicting, "Look at what is there now before changing it."),
    422: (Refused, "Correct what was asked for; the reason says what is wrong with it."),
}
