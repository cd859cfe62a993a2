"""What all tests share: what may run side by side, in which order, and the guide."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

LIVE = (
    "tests/live/",
    "tests/hera_rollout/equivalence/test_pinned_manifests.py",
    "tests/test_hera_integration.py",
)  # where tests marked `live` may be
ARGO = (
    "tests/test_hera_integration.py",  # the guide's own lines
    "tests/live/test_dashboards.py",  # its figures of Argo are of the namespace where the controller is
    "tests/live/test_init.py",  # looks for Argo's own services
    "tests/live/test_notebook_05.py",  # the target's commands deploy the lab's own backend
    "tests/live/test_watch_in_cluster.py",  # deploy/overlays/lab-watch
)  # on the installation in namespace argo, of which there is one; the others on a tenant of the worker's own
LONG = (
    "tests/live/test_notebook_03.py",
    "tests/live/test_rollback.py",
    "tests/live/test_notebook_04.py",
    "tests/live/test_state.py",
    "tests/live/test_full_rollback.py",
    "tests/live/test_notebook_02.py",
    "tests/live/test_backend_flag.py",
)  # first, longest first, or the others wait for one of them at the end
ALONE = ("tests/live/test_outages.py", "tests/live/test_lab.py")
"""Last, and nothing beside them: what they kill is everybody's. The last of all takes the lab itself down."""
ORDER = (*LONG, *ARGO)
DEPLETED = 2  # tests of a worker at which pytest-xdist gives it more
GATE, TURN = Path(__file__), Path(__file__).parent / "live" / "test_lab.py"  # locked, never written


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first, what stands alone last; the rest as it was found."""
    items.sort(key=lambda item: _rank(item.nodeid))
    if lost := [item.nodeid for item in items if item.get_closest_marker("live") and not item.nodeid.startswith(LIVE)]:
        raise pytest.UsageError(f"{lost[0]} is marked live: name its file in LIVE of tests/conftest.py")


def _rank(nodeid: str) -> int:
    file = nodeid.partition("::")[0]
    if file in ALONE:
        return 1 + len(ORDER) + ALONE.index(file)
    return ORDER.index(file) if file in ORDER else len(ORDER)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """`--dist loadgroup`: a worker has a tenant of the lab, and takes one file after the other.

    By path: pytest-xdist 3.8's own groups are lost with pytest 9.2 (pytest-xdist issue 1386), and silently.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling
    from xdist.workermanage import WorkerController

    config.option.loadscopereorder = False  # by how many tests a file has

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scopes = {"argo": ARGO, "alone": ALONE}
            return next((name for name, files in scopes.items() if nodeid.startswith(files)), nodeid.partition("::")[0])

        def _reschedule(self, node: WorkerController) -> None:
            """What stands alone goes to the worker that is at work longest."""
            others = [other for other in self.nodes if other is not node and not other.shutting_down]
            if list(self.workqueue) == ["alone"] and others and self._pending_of(self.assigned_work[node]) <= DEPLETED:
                node.shutdown()
            else:
                super()._reschedule(node)

    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Only workers have somebody to wait for; who started them tells what fails."""
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Turns())
    elif config.getoption("dist", "no") != "no":
        config.pluginmanager.register(Aloud(config))


class Aloud:
    """Says each failure of a long run when it happens: one that is cut off comes to no summary."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The failure, and how long the test took to come to it."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            terminal.write_line("")  # ends the line of dots
            terminal.write_line(f"FAILED in {report.when}, {report.duration:.0f} s: {report.nodeid}")
            terminal.write_line(report.longreprtext)


class Turns:
    """Workers run side by side, but for ALONE: they kill what all share, and want no test beside them.

    Every test holds a shared lock; ALONE holds an exclusive one from its first test to its last. A gate keeps other
    workers' tests from overtaking ALONE again and again. A test's timeout begins when its turn has come.
    """

    def __init__(self) -> None:
        self._held = ExitStack()
        self._alone = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """One test, when its turn has come."""
        if not self._alone:
            self._alone = _is_alone(item)
            self._held.enter_context(_turn(fcntl.LOCK_EX if self._alone else fcntl.LOCK_SH))
        try:
            return (yield)
        finally:
            if not (self._alone and _is_alone(nextitem)):
                self._alone = False
                self._held.close()


def _is_alone(item: pytest.Item | None) -> bool:
    return item is not None and item.nodeid.startswith(ALONE)


@contextmanager
def _turn(kind: int) -> Iterator[None]:
    with TURN.open() as turn:
        with GATE.open() as gate:
            fcntl.flock(gate, kind)
            fcntl.flock(turn, kind)
        yield


@pytest.fixture(scope="module")
def in_argo(request: pytest.FixtureRequest) -> bool:
    """Whether the file's tests need the installation in namespace argo itself."""
    return request.node.nodeid.startswith(ARGO)


@pytest.fixture(scope="session")
def guide() -> str:
    """The rollout guide, as the users wrote it."""
    return (Path(__file__).parents[1] / "docs" / "ROLLOUT_GUIDE.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def prometheus_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """Starts a Prometheus of the test's own over a data folder, on a free port of loopback; answers its address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(data: Path) -> str:
        settings = tmp_path_factory.mktemp("settings") / "prometheus.yaml"
        settings.write_text("scrape_configs: []\n")
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        argv = ["prometheus", f"--config.file={settings}", f"--storage.tsdb.path={data}", "--log.level=error",
                "--storage.tsdb.retention.time=10d", f"--web.listen-address={address}"]  # fmt: skip
        running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(running)
        for _ in range(300):
            assert running.poll() is None, "Prometheus ended"
            with suppress(httpx.TransportError):
                if httpx.get(f"http://{address}/-/ready", timeout=2).is_success:
                    return f"http://{address}"
            time.sleep(0.1)
        raise AssertionError("Prometheus is not ready")

    yield start
    for running in started:
        running.terminate()
        running.wait(30)
