"""benchmarks/inspect.py: it hides no module of the standard library, makes what the frame reads, judges by its aim."""

import importlib.util
import inspect
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from hera_rollout.metrics import workflow_frame

FILE = Path(__file__).parents[1] / "benchmarks" / "inspect.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("inspect_benchmark", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*words: str | Path) -> str:
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=FILE.parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_script_beside_it_gets_the_standard_librarys_inspect(tmp_path):
    # A copy, so that a script may lie beside it; dataclasses needs inspect while it is itself being imported.
    (tmp_path / "inspect.py").write_text(FILE.read_text("utf-8"), "utf-8")
    code = "import sys, dataclasses, inspect; print(inspect.__file__, sys.modules['inspect'].__file__, sys.path[0])"
    (tmp_path / "sibling.py").write_text(code, "utf-8")
    assert run(tmp_path / "sibling.py").split() == [inspect.__file__, inspect.__file__, str(tmp_path)]


def test_so_does_an_interpreter_started_in_its_folder():
    assert run("-c", "import inspect; print(inspect.__file__, inspect.getdoc(int)[:3])") == f"{inspect.__file__} int"


def test_what_it_imports_at_its_top_needs_no_inspect():
    # Else the module that asks for inspect could be one that the rest of the file needs, half imported.
    code = f"import runpy, sys; runpy.run_path({str(FILE)!r}, run_name='other'); print('inspect' in sys.modules)"
    assert run("-I", "-S", "-c", code) == "False"


def test_run_as_a_script_it_starts():
    assert "--count" in run(FILE, "--help")


def test_what_it_makes_is_what_the_frame_reads(bench):
    now = datetime.now(UTC).replace(microsecond=0)
    made = [bench.workflow(number, now) for number in (0, 1, 19)]
    for number, one in enumerate(made):  # what the API server adds
        one["metadata"] |= {
            "uid": str(number),
            "creationTimestamp": f"{now + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}",
        }
    stub = SimpleNamespace(raw=lambda since: iter(made), target=SimpleNamespace(namespace=bench.NAMESPACE))
    frame = workflow_frame(stub, since=now, archive=False)
    assert frame["path"].tolist() == ["hera", "yaml", "yaml"]
    assert frame["phase"].tolist() == ["Succeeded", "Succeeded", "Failed"]
    assert frame["seconds"].tolist() == [4, 5, 9]
    assert frame["task"].nunique() == frame["name"].nunique() == 3
    assert "exit code 1" in frame["message"][2]


def test_what_it_makes_is_a_finished_workflow_of_a_real_ones_size(bench):
    one = bench.workflow(7, datetime.now(UTC))
    assert one["metadata"]["labels"].items() >= {
        "workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": "Succeeded", "hera-rollout/run": "1",
    }.items()  # fmt: skip
    assert len(one["status"]["nodes"]) == 1
    assert "ttlStrategy" not in one["spec"]
    assert 2_000 < len(json.dumps(one)) < 3_500  # of the lab's: 2,300 to 4,200, half of them 2,470


def figures(kit, kubectl, hera, problem=""):
    def one(seconds, problem=""):
        return {"seconds": seconds, "mib": seconds * 100, "problem": problem}

    return {"kit": one(kit), "kubectl": one(kubectl), "hera": one(hera, problem)}


@pytest.mark.parametrize(
    ("seconds", "ratio", "verdict"),
    [((1, 2, 9), "0.50", "met"), ((1, 9, 1.6), "0.62", "missed"), ((3, 2, 9), "1.50", "missed")],
)
def test_the_last_line_compares_with_the_faster(bench, seconds, ratio, verdict):
    kit, kubectl, hera = seconds
    assert bench.summary(figures(*seconds)) == (
        f"inspect: kit {kit:.2f} s, kubectl {kubectl:.2f} s, Hera {hera:.2f} s; ratio to the faster {ratio} "
        f"(aim <= 0.5: {verdict}); peak memory kit {kit * 100:.0f} MiB, kubectl {kubectl * 100:.0f} MiB, "
        f"Hera {hera * 100:.0f} MiB"
    )


def test_a_reader_that_failed_is_no_yardstick(bench):
    said = bench.summary(figures(1, 4, 0.1, problem="exit code 1: no"))
    assert "Hera failed" in said
    assert "ratio to the faster 0.25" in said


def test_a_list_that_is_short_is_a_failure(bench):
    taken = [{"seconds": second, "mib": 1, "problem": "", "rows": rows} for second, rows in ((1, 10), (2, 10), (9, 8))]
    assert bench.median(taken, 10) == {"seconds": 2, "mib": 1, "problem": "8 of 10 workflows seen"}
    assert bench.median(taken[:2], 10)["problem"] == ""


def test_a_process_is_measured_by_itself(bench):
    ballast = [sys.executable, "-c", "b = bytearray(80 << 20)"]
    one, bare = bench.measured(ballast), bench.measured([sys.executable, "-c", ""])
    assert one["mib"] > 80 + bare["mib"] / 2
    died = bench.measured([sys.executable, "-c", "raise SystemExit('no')"])
    assert died["problem"] == "exit code 1: no"
