"""A notice to every address that a place names, within one limit of time."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

from hera_rollout.notify.addresses import configured
from hera_rollout.notify.notices import Notice
from hera_rollout.notify.results import Sent
from hera_rollout.redaction import REDACTOR
from hera_rollout.target import Target


def send(target: Target, notice: Notice) -> list[Sent]:
    """Send a notice to every address of the place, side by side; a service that fails is told, never raised.

    Args:
        target: names the environment variable that holds the addresses, and the limit of time for all of them.
        notice: what is told; known secrets leave it first.

    Returns:
        One row an address, in their order, without the address itself; none if the place names none.
    """
    found = configured(target)
    if not found:
        return []
    from hera_rollout.notify.delivering import Delivery  # Apprise costs what only somebody with an address should pay

    told = replace(notice, title=REDACTOR.text(notice.title), body=REDACTOR.text(notice.body))
    deliveries = [Delivery(number, address, told) for number, address in enumerate(found, 1)]
    limit = target.notices.seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a certificate that is not verified: it names the address' host
        for delivery in deliveries:
            delivery.start()
        ends = time.monotonic() + limit
        sent = [delivery.result(max(0.0, ends - time.monotonic()), limit) for delivery in deliveries]
    return [Sent(**REDACTOR.data(vars(one))) for one in sent]
