"""Two workers: the lab's tests stay in order in one of them, and nothing runs beside those that compare the machine."""

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
    "live/test_a.py": (4, 0.05, True),
    "live/test_lab.py": (3, 0.1, True),
    "live/test_z.py": (4, 0.05, True),
    "test_pure.py": (16, 0.1, False),
}
MODULE = """\
import os, time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.live] if {live} else []

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
    for name, (count, seconds, live) in SUITE.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MODULE.format(live=live, count=count, seconds=seconds, name=name))
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
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def ran(folder: Path, output: str) -> list[Ran]:
    lines = [line.split() for line in (folder / "log").read_text().splitlines()]
    return [Ran(name, int(number), worker, float(a), float(b)) for name, number, worker, a, b in lines]


def test_the_labs_tests_run_in_one_worker_in_order_and_the_labs_own_last(ran: list[Ran]) -> None:
    live = [one for one in ran if one.name.startswith("live/")]
    assert len({one.worker for one in live}) == 1
    expected = [(name, number) for name in ("test_a", "test_z", "test_lab") for number in range(4)][:11]
    assert [(Path(one.name).stem, one.number) for one in sorted(live, key=lambda one: one.began)] == expected


def test_pure_tests_run_beside_them_but_not_beside_those_that_compare_the_machine(ran: list[Ran]) -> None:
    pure = [one for one in ran if one.name == "test_pure.py"]
    alone = [one for one in ran if one.name == "live/test_lab.py"]
    others = [one for one in ran if one.name == "live/test_a.py"]
    assert any(one.beside(other) for one in pure for other in others)
    first, last = min(one.began for one in alone), max(one.ended for one in alone)
    assert not [one for one in pure if one.began < last and first < one.ended]
    assert [one for one in pure if one.began > last], "nothing was left to wait: the test proves nothing"


def test_a_session_fixture_is_made_once_a_worker(folder: Path, output: str) -> None:
    assert sorted((folder / "sessions").read_text().split()) == ["gw0", "gw1"]


def test_the_summary_is_the_last_line_and_the_slowest_tests_are_named(output: str) -> None:
    assert "27 passed" in output.splitlines()[-1]
    assert "slowest 3 durations" in output
