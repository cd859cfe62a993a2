"""Ports: free or not, and who holds one."""

from __future__ import annotations

import re
import socket
import time

from rollout_lab.addresses import Endpoint
from rollout_lab.commands import run
from rollout_lab.errors import PortTaken

GRACE_SECONDS = 3.0
UNKNOWN = "another process"


def is_free(endpoint: Endpoint) -> bool:
    """Whether one could listen there now. An address this machine does not have (yet) counts as free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(endpoint)
        except OSError:
            return _holder_line(endpoint.port) == ""
    return True


def _holder_line(port: int) -> str:
    lines = run(["ss", "-Hltnp", f"sport = :{port}"], check=False).stdout.splitlines()
    return lines[0] if lines else ""


def holder(port: int) -> str:
    """Who listens on a port, in words."""
    found = re.search(r'\(\("([^"]+)",pid=(\d+)', _holder_line(port))
    return f"{found[1]} (pid {found[2]})" if found else UNKNOWN


def require_free(endpoint: Endpoint, component: str, *, patient: bool = False) -> None:
    """Refuse to start a component where somebody else listens; a process that is just ending gets a moment for it.

    Args:
        endpoint: where the component has to listen.
        component: its name.
        patient: whether whoever holds it gets the moment too: a large process that was killed has no command line any
            more, and so is not known as the lab's own, before the kernel has closed its sockets.
    """
    deadline = time.monotonic() + GRACE_SECONDS
    while not (free := is_free(endpoint)) and time.monotonic() < deadline:
        if not patient and holder(endpoint.port) != UNKNOWN:
            break
        time.sleep(0.05)
    if not free:
        raise PortTaken(
            f"Port {endpoint} is taken by {holder(endpoint.port)}, and the lab's {component} has to listen there. "
            "Stop that process, then run `rollout-lab up` again."
        )
