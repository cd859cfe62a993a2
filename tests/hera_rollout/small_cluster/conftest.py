"""The small cluster's fixtures: its API server (`server.py`) with what stands beside it, and runs of phases on it."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from hera_rollout import clock as clocks
from hera_rollout.cli import rolling_back
from hera_rollout.cluster import Cluster
from hera_rollout.display import Live
from hera_rollout.parameters import validate
from hera_rollout.phase import Connections, Phase
from hera_rollout.target import Target


def _beside(name: str) -> ModuleType:
    """A module of this folder: the tests are no package."""
    spec = importlib.util.spec_from_file_location(f"small_cluster_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


server, neighbours = _beside("server"), _beside("neighbours")


class QuickClock:
    """The machine's clock, but that waiting on it takes no time: it is put on instead.

    Attributes:
        waited: the seconds that were waited for.
    """

    def __init__(self) -> None:
        self.waited = 0.0

    def monotonic(self) -> float:
        """The time that it would be if all of the waiting had been done."""
        return time.monotonic() + self.waited

    def sleep(self, seconds: float) -> None:
        """Put the clock on."""
        self.waited += seconds

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Put the clock on, unless it is stopped."""
        if not stop.is_set():
            self.sleep(seconds)
        return stop.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> QuickClock:
    """The kit's waits take no time."""
    quick = QuickClock()
    for name in ("monotonic", "sleep", "wait"):
        monkeypatch.setattr(clocks, name, getattr(quick, name))
    return quick


@pytest.fixture
def kube() -> Any:
    """The API server: what it has, and what goes wrong with it."""
    return server.Kube()


@pytest.fixture
def cluster(kube: Any, serving: Callable[..., str], make_target: Callable[..., Any], tmp_path: Path) -> Cluster:
    """The kit's view of it; the backend's address is the same server."""
    url = serving(kube.reply, queries=True)
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({
        "clusters": [{"name": "c", "cluster": {"server": url}}], "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}], "current-context": "here",
    }))  # fmt: skip
    limits = {"request_timeout_seconds": 2, "rollout_deadline_seconds": 2, "scrape_seconds": 1}
    return Cluster.connect(make_target(kubeconfig=str(path), backend_url=url, argo_url=url, limits=limits))


@pytest.fixture
def begun(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Phase]]:
    """Begin a live run of a notebook on it, which remembers in the cluster what it does."""
    InteractiveShell.instance()
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    holds = []

    def begin(notebook: str, **parameters: object) -> Phase:
        given = validate(notebook, {"target": "there", "dry_run": False, "operator": "Ann", **parameters})
        phase = Phase(notebook, given, Connections.over(cluster))
        phase._keep()
        assert phase.keeping
        holds.append(phase.keeping.hold)
        return phase

    with capture_output():
        yield begin
    for hold in holds:
        hold.release()


@pytest.fixture
def live(begun: object) -> Iterator[Live]:
    """A cell's live area."""
    with Live() as area:
        yield area


@pytest.fixture
def command(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`hera-rollout rollback` on it; it watches for no time."""
    limits = cluster.target.limits.model_copy(update={"workflow_deadline_seconds": 1})
    cluster.target = cluster.target.model_copy(update={"limits": limits})
    monkeypatch.setattr(Target, "load", lambda _name: cluster.target)
    monkeypatch.setattr(Cluster, "connect", lambda _target: cluster)
    return lambda *words: CliRunner().invoke(rolling_back.rollback, ["--target", "there", "--observe", "0", *words])
