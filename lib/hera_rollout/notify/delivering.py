"""One notice to one address, in a thread of its own.

What Apprise says of a failure may hold the very token that it refused. So its words are not passed on: only what is
known to be harmless is read from them, such as a status.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from threading import Thread
from typing import Final

from apprise import Apprise, AppriseAsset, NotificationManager, NotifyBase, NotifyFormat, NotifyType

from hera_rollout.notify import addresses
from hera_rollout.notify.notices import Notice
from hera_rollout.notify.quietness import taken
from hera_rollout.notify.results import Sent

_STATUS: Final = re.compile(r"\berror[=: ]+(\d{3})\b")
_KINDS: Final = NotificationManager()


class Delivery:
    """A notice on its way to one address."""

    def __init__(self, number: int, address: str, notice: Notice) -> None:
        self._number, self._address, self._notice = number, address, notice
        self._told: Sent | None = None
        # A daemon: a service that hangs must not keep the process from ending.
        self._thread = Thread(target=self._run, name=f"notice {number}", daemon=True)

    def start(self) -> None:
        """Set out."""
        self._thread.start()

    def result(self, seconds: float, limit: float) -> Sent:
        """What became of it, after so many seconds at most; `limit` is what is told of them."""
        self._thread.join(seconds)
        late = f"no answer within {limit:g} s; it may have arrived all the same"
        return self._told or self._sent(late)

    def _run(self) -> None:
        try:
            with taken() as said:
                self._told = self._delivered(said)
        except BaseException as error:  # a service's module may raise anything: its type is told, never its words
            self._told = self._sent(f"its Apprise module broke off: {type(error).__name__}")

    def _delivered(self, said: Sequence[str]) -> Sent:
        # No limit of Apprise's own: it would hand over to a pool of threads that the interpreter waits for at its end.
        asset = AppriseAsset(async_mode=False, service_timeout=0)
        service = Apprise.instantiate(self._address, asset=asset)
        if service is None:
            return self._sent(_unusable(self._address))
        took = _notified(service, asset, self._notice)
        return self._sent("" if took else _why(said), service)

    def _sent(self, why: str, service: NotifyBase | None = None) -> Sent:
        """Apprise's names only: what stands in an address' place for a schema may be a token."""
        schema = addresses.schema(self._address)
        if service is not None and schema not in service.schemas():
            schema = min(service.schemas())  # a service's own https address
        known = schema in _KINDS
        name = str(_KINDS[schema].service_name) if known else "address"
        return Sent(schema if known else "unknown", f"{name} (address {self._number})", not why, why)


def _notified(service: NotifyBase, asset: AppriseAsset, notice: Notice) -> bool:
    """Whether the service took it; an address that calls itself optional may still not be told as sent."""
    box = Apprise(asset=asset)
    box.add(service)
    # As text: each service escapes it into its own markup.
    result = box.notify(
        notice.body, notice.title, notify_type=NotifyType(notice.kind), body_format=NotifyFormat.TEXT
    )  # fmt: skip
    attempts = [one.attempts for one in result.results]
    return bool(attempts) and all(made and bool(made[-1]) for made in attempts)


def _unusable(address: str) -> str:
    """Why no service could be made of an address."""
    schema = addresses.schema(address)
    if not schema:
        return "it is no address: it does not begin with a service's name and ://"
    if schema not in _KINDS:
        return "Apprise knows no service by what its address begins with, and it is no service's own web address"
    if not _KINDS[schema].enabled:
        return f"{schema}:// needs a package or a system that is not here"
    return f"the address is not a whole {schema}:// address"


def _why(said: Sequence[str]) -> str:
    """What is harmless in Apprise's words: a status, or that there was no connection."""
    text = "\n".join(said)
    if status := _STATUS.search(text):
        return f"the service answered {_phrase(int(status[1]))}"
    if "onnection error" in text:
        return "no connection to the service, or no answer from it"
    return "the service did not take it, and Apprise gave no status"


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
