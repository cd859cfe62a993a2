"""A taken port: who holds it, what wanted it, what to do. Real sockets."""

from __future__ import annotations

import os
import socket

import pytest

from rollout_lab import ports
from rollout_lab.addresses import Endpoint
from rollout_lab.errors import PortTaken


def test_taken_port_names_holder_component_and_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint(*server.getsockname())
        with pytest.raises(PortTaken) as refused:
            ports.require_free(endpoint, "etcd")
    text = str(refused.value)
    assert f"127.0.0.1:{endpoint.port} is taken by" in text
    assert f"(pid {os.getpid()})" in text
    assert "etcd" in text
    assert "rollout-lab up" in text


def test_port_held_on_all_addresses_is_taken_on_loopback_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not ports.is_free(Endpoint("127.0.0.1", server.getsockname()[1]))


def test_free_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = Endpoint(*server.getsockname())
    assert ports.is_free(endpoint)
    ports.require_free(endpoint, "etcd")


def test_address_that_is_not_there_yet_counts_as_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert ports.is_free(Endpoint("192.0.2.77", free))
