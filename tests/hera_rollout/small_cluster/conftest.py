"""The small cluster's fixtures: its API server (`server.py`) with what stands beside it, and runs of phases on it."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
import yaml
from click.testing import CliRunner, Result
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import new_output

from hera_rollout import clock as clocks
from hera_rollout import records
from hera_rollout.cli import rolling_back
from hera_rollout.cluster import Cluster
from hera_rollout.display import Live
from hera_rollout.gates import judge, rules
from hera_rollout.parameters import MODELS, validate
from hera_rollout.phase import Connections, Phase
from hera_rollout.phase.criteria import PLANS
from hera_rollout.records import sources, store
from hera_rollout.target import Target

ROOT = Path(__file__).parents[3]


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


# --- whole runs, as a notebook begins them ----------------------------------------------------------------------------


@pytest.fixture
def service(kube: Any) -> Any:
    """The service's API, Argo and Prometheus, where a test asks for them."""
    return neighbours.Neighbours(kube)


@pytest.fixture
def connections(cluster: Cluster, service: object) -> Connections:
    """The clients of a run on it; its Prometheus is the same server."""
    target = cluster.target.model_copy(update={"prometheus_url": cluster.target.backend_url})
    return Connections.over(Cluster(target, cluster.connection, cluster.version))


@pytest.fixture
def limit(connections: Connections) -> Callable[..., None]:
    """The target with other limits, also such as no file may have: no wait at all."""

    def change(**limits: int) -> None:
        target = connections.target
        changed = target.limits.model_copy(update=limits)
        connections.cluster.target = target.model_copy(update={"limits": changed})

    return change


class Screen:
    """What a run has shown so far."""

    def __init__(self, captured: Any) -> None:
        self._captured = captured

    @property
    def words(self) -> str:
        """All of it, as plain text."""
        return "\n".join(output.data.get("text/plain", "") for output in self._captured.outputs)

    def pieces(self, kind: str) -> list[dict[str, Any]]:
        """The evidence of this kind."""
        found = [(output.metadata or {}).get("hera-rollout", {}) for output in self._captured.outputs]
        return [piece for piece in found if piece.get("kind") == kind]

    @property
    def patches(self) -> str:
        """Every patch that was shown."""
        return "\n".join(piece["patch"] for piece in self.pieces("diff"))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """Where runs show what they do; nobody sits before it, so that nothing can be clicked."""
    InteractiveShell.instance()
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with capture_output() as captured:
        yield Screen(captured)


@pytest.fixture
def begin(connections: Connections, screen: Screen, kept: Any) -> Iterator[Callable[..., Phase]]:
    """`Phase.begin` on it, live, with the kept records; begun again it goes on, as after a kill."""
    phases = []

    def began(notebook: str, over: Connections = connections, **parameters: object) -> Phase:
        usual = {"target": "there", "dry_run": False, "operator": "Ann", "rollout": "r", "records": str(kept.folder),
                 "traffic": 0, "user_issues": "none", "patience_seconds": 1}  # fmt: skip
        known = MODELS[notebook].model_fields
        given = {name: value for name, value in usual.items() if name in known} | parameters
        phases.append(Phase.begin(notebook, over, **given))
        return phases[-1]

    yield began
    for phase in phases:
        if phase.keeping:
            phase.keeping.hold.release()


class Kept:
    """Records of runs of the shipped notebooks, as papermill's output becomes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "records"

    def add(self, notebook: str, *, code: str = "code-1", verdict: str = "PASS", dry_run: bool = False,
            checks: Iterable[str] = (), approvals: Iterable[dict[str, Any]] = ()) -> records.Record:  # fmt: skip
        """The record of a run about this code, whose every check says PASS, and where it is HOLD one more that."""
        names = [*(name for criterion in PLANS[notebook].criteria for name in criterion.checks), *checks]
        passed = [judge(name=name, rule=rules.holds, evidence={"holds": True, "percent": 100}, seen="seen").as_dict()
                  for name in dict.fromkeys(names)]  # fmt: skip
        if verdict == "HOLD":
            held = judge(name="held", rule=rules.withheld, evidence={}, seen="not shown", todo="Wait.")
            passed.append(held.as_dict())
        now, given = datetime.now(UTC).isoformat(), {"target": "there", "dry_run": dry_run}
        begun = {"kind": "begin", "notebook": notebook, "rollout": "r", "operator": "Bo", "target": {},
                 "started": now, "parameters": given, "versions": {}, "code_revision": code}  # fmt: skip
        ended = {"kind": "conclude", "verdict": verdict, "next": "go on", "checks": passed, "ended": now,
                 "executed": {}}  # fmt: skip
        pieces = [begun, *({"kind": "approval", "approval": approval} for approval in approvals), ended]
        executed = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4)
        cells = [cell for cell in executed.cells if cell.cell_type == "code"]
        for count, cell in enumerate(cells, 1):
            cell.execution_count = count
        cells[-1].outputs = [
            new_output("display_data", {"text/plain": "x"}, metadata={"hera-rollout": piece}) for piece in pieces
        ]
        place = self.folder.parent / f"{notebook}.ipynb"
        nbformat.write(executed, place)
        return records.add(place, self.folder)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """The records' folder; nothing is in it yet. A record's picture of itself is left out: it takes a second."""
    monkeypatch.delenv(sources.EXEMPT_VARIABLE, raising=False)
    monkeypatch.setattr(store, "render", lambda *_: "<p>A report.</p>")
    monkeypatch.setattr(store, "_git_revision", str)
    return Kept(tmp_path)
