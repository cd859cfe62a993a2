"""A run that is killed, at whatever moment, goes on where it stopped, and nothing is done twice.

Without a cluster: tests/hera_rollout/small_cluster/test_going_on_with_a_run.py.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hera_rollout import records, state
from hera_rollout.cluster import Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).parent / "hera-rollout"
PHASE = "01_dev_testing"
MARKED = "%[hera-rollout-%"


def start(folder: Path, target: str) -> subprocess.Popen:
    """`hera-rollout run 01` in a process group of its own, as in a terminal."""
    words = [COMMAND, "run", "01", "--target", target, "--records", folder, "-p", "dry_run", "False"]
    return subprocess.Popen(words, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def family(pid: int) -> list[int]:
    """A process and all that it started: the kernel leads a session of its own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def kill_when(running: subprocess.Popen, moment, seconds: float = 120) -> None:
    """SIGKILL the command and its kernel once the moment has come."""
    ends = time.monotonic() + seconds
    while not moment():
        assert running.poll() is None, running.stdout.read().decode()
        assert time.monotonic() < ends, "the moment to kill it did not come"
        time.sleep(0.1)
    for pid in family(running.pid):
        os.kill(pid, signal.SIGKILL)
    running.wait(10)


def done(cluster: Cluster) -> list[str]:
    """What the run has kept so far."""
    run = state.State.load(cluster).facts.runs.get(PHASE)
    return list(run.steps) if run else []


def made(lab, path: str) -> list[str]:
    return [one["metadata"]["name"] for one in lab.operator.workflows(f"hera-rollout/path={path}")]


def marks(lab) -> list[str]:
    """The mark of each task there is: which scenario of which run by which path it is."""
    rows = lab.query("select python_code from tasks where python_code like %s", MARKED)
    return [code.partition("[hera-rollout-")[2].partition("]")[0] for (code,) in rows]


@pytest.mark.soak
def test_killed_again_and_again_it_goes_on_and_nothing_is_done_twice(clean_backend, cluster, tmp_path, target_path):
    lab, before = clean_backend, set(marks(clean_backend))
    yaml, hera = set(made(lab, "yaml")), set(made(lab, "hera"))
    moments = [
        lambda: len(set(made(lab, "yaml")) - yaml) >= 3,  # in the middle of the baseline
        lambda: lab.env().get("USE_HERA_SDK") == "true",  # the flag is just being turned on
        lambda: len(set(made(lab, "hera")) - hera) >= 3,  # in the middle of the tests by Hera
        lambda: sum(key.endswith(" hera") for key in done(cluster)) >= 6,  # before or in the integration tests
    ]
    for moment in moments:
        kill_when(start(tmp_path, target_path), moment)
    last = start(tmp_path, target_path)
    said = last.communicate(timeout=300)[0].decode()
    assert last.returncode == 0, said
    record = next(iter(records.find(tmp_path)))
    assert record.verdict == "PASS"
    assert state.State.load(cluster).facts.runs[PHASE].attempts == len(moments) + 1
    notebook = (record.folder / "notebook.ipynb").read_text()
    assert "an earlier attempt of this run, which then turned the flag on" in notebook
    new = [mark for mark in marks(lab) if mark not in before]
    assert sorted(new) == sorted(set(new)), "a scenario has two tasks"
    # Six scenarios and a rerun by each path; by Hera the integration list too, taken away again. Deletions are gone.
    counts = lab.query(
        "select t.python_code, count(*) from tasks t join task_runs r on r.task_id = t.id"
        " where t.python_code like %s group by t.id, t.python_code",
        MARKED,
    )
    for code, runs in counts:
        mark = code.partition("[hera-rollout-")[2].partition("]")[0]
        if mark in new:
            assert runs == (2 if mark.startswith("rerun") else 1), mark
    (orphans,) = [check for check in record.data["checks"] if check["name"] == "orphans"]
    assert orphans["verdict"] == "PASS"
