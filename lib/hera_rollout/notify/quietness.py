"""What libraries log while an address is used goes nowhere: they name hosts, paths and tokens that they refuse."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_SAID: Final[ContextVar[list[str] | None]] = ContextVar("said", default=None)
_LOGGERS: Final = ("apprise", "urllib3.connectionpool", "urllib3.util.retry", "requests_oauthlib.oauth1_auth",
                   "requests_oauthlib.oauth2_session", "oauthlib")  # fmt: skip


class _Taking(logging.Filter):
    """Takes what is logged inside :func:`taken`, and lets everybody else's through."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a record that was taken."""
        said = _SAID.get()
        if said is None:
            return True
        said.append(record.getMessage())
        return False


_TAKING: Final = _Taking()


@contextmanager
def taken() -> Iterator[list[str]]:
    """What is logged in this thread until the end, as a list that grows; no handler sees it."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_TAKING)  # a filter that is there already is not added again
    said: list[str] = []
    token = _SAID.set(said)
    try:
        yield said
    finally:
        _SAID.reset(token)
