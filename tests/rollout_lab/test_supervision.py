"""Starting and asking components: a real process that listens."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from rollout_lab import components, ports, supervision
from rollout_lab.addresses import Endpoint
from rollout_lab.components import Component
from rollout_lab.errors import LabError, NotBuilt, PortTaken
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.supervision import Supervisor

SERVER = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def supervisor(paths: Paths, port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    argv = (sys.executable, "-c", SERVER, str(port))
    etcd = Component("etcd", argv, (Endpoint("127.0.0.1", port),), f"tcp://127.0.0.1:{port}")
    monkeypatch.setattr(supervision, "all_components", lambda *_: {"etcd": etcd})
    made = Supervisor(paths, Inventory())
    yield made
    made.stop("etcd")


def test_start_wait_works_stop(supervisor: Supervisor) -> None:
    assert not supervisor.works("etcd")
    assert supervisor.start("etcd")
    supervisor.wait("etcd", 10)
    assert supervisor.works("etcd")
    assert supervisor.any_running()
    supervisor.stop("etcd")
    assert not supervisor.works("etcd")
    assert not supervisor.pid_file("etcd").path.exists()


def test_running_component_is_not_started_twice(supervisor: Supervisor) -> None:
    supervisor.start("etcd")
    first = supervisor.running("etcd")
    assert not supervisor.start("etcd")
    assert supervisor.running("etcd") == first


def test_ports_are_asked_for_before_anything_starts(
    supervisor: Supervisor, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "GRACE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(PortTaken, match="etcd has to listen there"):
            supervisor.require_free_ports()
        with pytest.raises(PortTaken):
            supervisor.start("etcd")
    assert not supervisor.any_running()


def test_own_listener_is_no_obstacle(supervisor: Supervisor) -> None:
    supervisor.start("etcd")
    supervisor.wait("etcd", 10)
    supervisor.require_free_ports()


def test_unknown_component_is_refused_by_name(supervisor: Supervisor) -> None:
    with pytest.raises(LabError, match=r"no component `etdc`. It has: etcd"):
        supervisor.start("etdc")


def test_missing_program_of_debian_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotBuilt, match=r"`containerd` is not there. Run `rollout-lab build`"):
        components.installed("containerd")
