"""Three workers: a file stays in one of them, files side by side, and nothing beside what kills parts of the lab."""

import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SUITE = {
    "live/test_a.py": (4, 0.2),
    "live/test_b.py": (4, 0.2),
    "live/test_init.py": (3, 0.2),
    "live/test_lab.py": (3, 0.1),
    "live/test_outages.py": (2, 0.1),
    "live/test_rollback.py": (6, 0.2),
    "live/test_y.py": (2, 1.0),
    "live/test_z.py": (2, 0.1),
    "test_hera_integration.py": (3, 0.2),
}
"""Of each file how many tests, and how long each takes."""
ARGO = ("live/test_init.py", "test_hera_integration.py")
ALONE = ("live/test_outages.py", "live/test_lab.py")
MODULE = """\
import os, time
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    began = time.monotonic()
    time.sleep({seconds})
    with Path("log").open("a") as log:
        print("{name}", number, os.environ["PYTEST_XDIST_WORKER"], began, time.monotonic(), file=log)
"""
SESSION = """\
import os
from pathlib import Path

import pytest

@pytest.fixture(scope="session", autouse=True)
def once():
    with Path("sessions").open("a") as log:
        print(os.environ["PYTEST_XDIST_WORKER"], file=log)
"""


@dataclass(frozen=True)
class Ran:
    name: str
    number: int
    worker: str
    began: float
    ended: float

    def beside(self, other: "Ran") -> bool:
        return self.began < other.ended and other.began < self.ended


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    for name, (count, seconds) in SUITE.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MODULE.format(count=count, seconds=seconds, name=name))
    shutil.copy(HERE / "conftest.py", folder / "tests")
    (folder / "conftest.py").write_text(SESSION)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\nmarkers = live: needs the lab\n")
    return folder


@pytest.fixture(scope="module")
def output(folder: Path) -> str:
    last = (HERE / "run").read_text().splitlines()[-1]
    assert last.startswith("exec pytest ")
    words = shlex.split(last)[2:]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--durations=3", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def ran(folder: Path, output: str) -> list[Ran]:
    lines = [line.split() for line in (folder / "log").read_text().splitlines()]
    return [Ran(name, int(number), worker, float(a), float(b)) for name, number, worker, a, b in lines]


def of(ran: list[Ran], *names: str) -> list[Ran]:
    return sorted((one for one in ran if one.name in names), key=lambda one: one.began)


def test_each_file_stays_in_order_in_one_worker_and_files_run_side_by_side(ran: list[Ran]) -> None:
    for name, (count, _) in SUITE.items():
        assert len({one.worker for one in of(ran, name)}) == 1
        assert [one.number for one in of(ran, name)] == list(range(count))
    assert len({one.worker for one in ran}) == 3
    assert any(one.beside(other) for one in of(ran, "live/test_a.py") for other in of(ran, "live/test_rollback.py"))


def test_those_on_the_installation_in_namespace_argo_are_never_side_by_side(ran: list[Ran]) -> None:
    assert len({one.worker for one in of(ran, *ARGO)}) == 1


def test_the_longest_begins_first(ran: list[Ran]) -> None:
    assert of(ran, "live/test_rollback.py")[0].began < of(ran, "live/test_z.py")[0].began


def test_what_kills_parts_of_the_lab_is_last_alone_and_in_order_the_lab_itself_at_the_end(ran: list[Ran]) -> None:
    alone = of(ran, *ALONE)
    assert [(one.name, one.number) for one in alone] == [(name, number) for name in ALONE for number in range(5)
                                                         if number < SUITE[name][0]]  # fmt: skip
    others = [one for one in ran if one not in alone]
    assert not [one for one in others if any(one.beside(other) for other in alone)]
    assert len([one for one in others if one.began > alone[0].began]) <= 4, "two tests a worker may still be to come"


def test_a_session_fixture_is_made_once_a_worker(folder: Path, output: str) -> None:
    assert sorted((folder / "sessions").read_text().split()) == ["gw0", "gw1", "gw2"]


def test_the_summary_is_the_last_line_and_the_slowest_tests_are_named(output: str) -> None:
    assert "29 passed" in output.splitlines()[-1]
    assert "slowest 3 durations" in output
