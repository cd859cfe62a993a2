"""The kubelet during `up`: it ends while containerd reads back what it kept, and is started again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout_lab import booting, supervision
from rollout_lab.booting import Boot
from rollout_lab.components import Component
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.timeline import Timeline

# Ends until a file is there, as the kubelet does until containerd answers.
PROGRAM = "import pathlib, sys, time; time.sleep(60) if pathlib.Path(sys.argv[1]).exists() else sys.exit(1)"


@pytest.fixture
def answered(tmp_path: Path) -> Path:
    return tmp_path / "containerd-answers"


@pytest.fixture
def boot(paths: Paths, answered: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Boot]:
    kubelet = Component("kubelet", (sys.executable, "-c", PROGRAM, str(answered)), (), "")
    monkeypatch.setattr(supervision, "all_components", lambda *_: {"kubelet": kubelet})
    monkeypatch.setattr(booting, "KUBELET_PAUSE_SECONDS", 0.01)
    made = Boot(paths, Inventory(), None, Timeline(), with_backend=False)
    yield made
    made.supervisor.stop("kubelet")


def _until(boot: Boot, runs: bool) -> None:
    deadline = time.monotonic() + 20
    while bool(boot.supervisor.running("kubelet")) is not runs:
        assert time.monotonic() < deadline, f"the kubelet's running never became {runs}"
        time.sleep(0.02)


def test_kubelet_that_ended_is_started_until_it_stays(boot: Boot, answered: Path) -> None:
    for _ in range(2):
        assert not boot.kubelet_runs()
        _until(boot, runs=False)
    answered.touch()
    assert not boot.kubelet_runs()
    _until(boot, runs=True)
    kept = boot.supervisor.running("kubelet")
    time.sleep(0.3)
    assert boot.kubelet_runs()
    assert boot.supervisor.running("kubelet") == kept
