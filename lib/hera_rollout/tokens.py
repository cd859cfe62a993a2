"""A token as a server wants it: stripped, with `Bearer` once, and masked wherever it may turn up from now on."""

from __future__ import annotations

import re
from typing import Final

from hera_rollout.errors import Refused
from hera_rollout.redaction import REDACTOR, bare, token_forms

_SENDABLE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*(?: +[\x21-\x7e]+)*|[\x21-\x7e]+)")
"""Visible ASCII, and blanks behind a scheme: what a header may hold and every client here can send."""


def clean(value: str, source: str) -> str | None:
    """A token without what pasting adds: line ends, blanks and quotes around it, and the word `Bearer`, also twice.

    Another scheme than Bearer, such as Basic, stays in front of its value.

    Args:
        value: as it was set.
        source: where it was set, for the error; the value itself is never shown.

    Returns:
        The token, masked in every text from now on; None where there is nothing but white space.

    Raises:
        Refused: no header can carry it.
    """
    REDACTOR.learn(token_forms(value))
    token, bearer = bare(value)
    if not token and not bearer:
        return None
    if not _SENDABLE.fullmatch(token) or (bearer and " " in token):
        raise Refused(
            f"The token in {source} cannot be sent: {_fault(token)}.",
            expected="one line of visible ASCII characters, with or without `Bearer ` before it.",
            why="No HTTP header can carry it, so that nothing was asked of the server.",
            todo=f"Copy the token again, whole and without its line ends, into {source}; it is not shown here.",
        )
    return token


def _fault(token: str) -> str:
    """What is wrong with it, in words that show nothing of it."""
    if not token:
        return "there is nothing behind the word Bearer"
    if any(ord(character) < ord(" ") or ord(character) == 0x7F for character in token):  # noqa: PLR2004
        return "it has a line end or another control character inside"
    return "it has a character that is not ASCII" if not token.isascii() else "it has a blank inside"


def header(token: str) -> str:
    """A clean token as the value of the Authorization header; one that names its scheme stays as it is."""
    return token if " " in token else f"Bearer {token}"
