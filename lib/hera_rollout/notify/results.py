"""What became of a notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    """What became of a notice at one address, without the address.

    Attributes:
        service: Apprise's schema, such as ``slack``; ``unknown`` if Apprise knows none of that name.
        name: the service's name and the address' place in the list.
        sent: whether the service took it.
        why: why it is not known to have; empty if it has.
    """

    service: str
    name: str
    sent: bool
    why: str = ""
