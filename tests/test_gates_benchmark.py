"""benchmarks/gates.py: it runs, in time, its figures meet the aims; the other tools' rules are the published ones."""

import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def canaries():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.peers import canaries
    finally:
        sys.path.remove(str(ROOT))
    return canaries


@pytest.mark.slow
def test_the_benchmark_ends_with_one_summary_that_meets_the_aims() -> None:
    started = time.monotonic()
    program = [sys.executable, "benchmarks/gates.py"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True, timeout=180)
    assert time.monotonic() - started < 180
    last = done.stdout.splitlines()[-1]
    assert last.startswith("gates: ")
    ratio, worst = map(float, re.search(r"bound ([\d.]+) .*worst ([\d.]+)", last).groups())
    alarms, exact = map(float, re.search(r"looks ([\d.]+)% at the limit \(exact ([\d.]+)%", last).groups())
    assert ratio <= 1.15
    assert worst <= 1.6
    assert max(alarms, exact) <= 5
    points = re.search(r"point rules ([\d.]+)% to .* and ([\d.]+)% to", last)
    assert min(map(float, points.groups())) > 90


def rolled_back(failed: list[int], windows: int = 100) -> np.ndarray:
    """One stream with so many failures in its first windows, and none after."""
    stream = np.zeros((1, windows, 50), dtype=bool)
    for window, count in enumerate(failed):
        stream[0, window, :count] = True
    return stream.reshape(1, -1)


def test_argo_rollouts_and_flagger_count_windows_outside_the_limit(canaries) -> None:
    stream = rolled_back([0, 1, 0, 2, 1, 1])
    assert canaries.argo_rollouts(stream, 0.01) == [100]
    assert canaries.argo_rollouts(stream, 0.01, 3) == [300]
    assert canaries.argo_rollouts(stream, 0.01, 4) == [0]
    assert canaries.flagger(stream, 0.01, 1) == [100]
    assert canaries.flagger(stream, 0.01, 4) == [300]
    assert canaries.flagger(stream, 0.02, 1) == [200]


def test_kayenta_calls_a_clear_shift_high_and_none_not(canaries) -> None:
    calm, rough = rolled_back([0, 1] * 25), rolled_back([5, 6] * 25)
    assert canaries.kayenta(rough, calm) == [2_500]
    assert canaries.kayenta(calm, calm) == [0]
    assert canaries.kayenta(calm, rough) == [0]


def test_kayenta_passes_the_canary_that_spinnaker_6278_reports(canaries) -> None:
    # Seven points of 100 and three of 1 against ten of 1: a clear change that the judge lets through.
    canary, baseline = np.array([[100] * 7 + [1] * 3]), np.array([[1] * 10])
    assert not canaries._high(canary, baseline)[0]
