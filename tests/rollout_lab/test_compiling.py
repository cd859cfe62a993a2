"""Compiling with the real Go: a finished build is never made again, a cut-off one is never taken for finished."""

from __future__ import annotations

import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rollout_lab import compiling, processes, recipes, toolchain
from rollout_lab.errors import CommandFailed
from rollout_lab.paths import Paths
from rollout_lab.progress import Progress, Step
from rollout_lab.recipes import Recipe


@pytest.fixture(scope="module")
def go() -> toolchain.Go:
    return toolchain.ensure()


def own_recipe(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe with a module of the test's own."""
    module = folder / "modules/tiny"
    module.mkdir(parents=True, exist_ok=True)
    (module / "go.mod").write_text("module example.invalid/tiny\n\ngo 1.25.0\n")
    (module / "main.go").write_text(source)
    monkeypatch.setattr(recipes, "MODULES", folder / "modules")
    return Recipe("tiny", "own", ("tiny",), packages=(".",))


GOOD = 'package main\n\nfunc main() { println("hello") }\n'


def test_pause_compiles_static_and_runs(paths: Paths, go: toolchain.Go) -> None:
    folder = compiling.compile_recipe(paths, recipes.PAUSE, go, Step("pause"))
    pause = subprocess.Popen([folder / "pause"])
    time.sleep(0.1)
    assert pause.poll() is None
    pause.send_signal(signal.SIGTERM)
    assert pause.wait(timeout=5) == 0
    assert b"ld-linux" not in (folder / "pause").read_bytes()


def test_second_build_is_a_no_op(
    paths: Paths, go: toolchain.Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = own_recipe(tmp_path, GOOD, monkeypatch)
    first = compiling.compile_recipe(paths, recipe, go, Step("first"))
    made = (first / "tiny").stat().st_mtime_ns
    step = Step("second")
    assert compiling.compile_recipe(paths, recipe, toolchain.Go("/no/go/needed", go.version), step) == first
    assert step.outcome == "unchanged"
    assert (first / "tiny").stat().st_mtime_ns == made


def test_changed_source_flags_or_compiler_are_another_build(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = own_recipe(tmp_path, GOOD, monkeypatch)
    go = toolchain.Go("go", "1.26.0")
    first = compiling.destination(paths, recipe, go)
    assert compiling.destination(paths, recipe, toolchain.Go("go", "1.26.1")) != first
    assert compiling.destination(paths, dataclasses.replace(recipe, stamps=(("main.x", "1"),)), go) != first
    own_recipe(tmp_path, GOOD + "\n// changed\n", monkeypatch)
    assert compiling.destination(paths, recipe, go) != first


def test_mends_count_as_input() -> None:
    assert compiling.inputs_hash(recipes.ARGO) != recipes.ARGO.inputs_hash()


def test_code_that_does_not_compile_is_one_error_and_leaves_nothing(
    paths: Paths, go: toolchain.Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = own_recipe(tmp_path, "package main\n\nfunc main() { nonsense }\n", monkeypatch)
    with pytest.raises(CommandFailed, match="undefined: nonsense"):
        compiling.compile_recipe(paths, recipe, go, Step("bad"))
    assert not compiling.destination(paths, recipe, go).exists()


def test_build_killed_in_the_middle_is_safe_to_start_again(
    paths: Paths, go: toolchain.Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = own_recipe(tmp_path, GOOD, monkeypatch)
    target = compiling.destination(paths, recipe, go)
    code = (
        "import os, signal; from pathlib import Path; from rollout_lab.compiling import new_folder\n"
        f"with new_folder(Path({str(target)!r})) as folder:\n"
        "    (folder / 'tiny').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    assert list(target.parent.iterdir())
    folder = compiling.compile_recipe(paths, recipe, go, Step("again"))
    assert subprocess.run([folder / "tiny"], capture_output=True, text=True, check=True).stderr == "hello\n"
    assert list(target.parent.iterdir()) == [folder]


def test_killed_build_takes_its_compiler_with_it(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in compiler that would go on for a minute."""
    slow = tmp_path / "go"
    slow.write_text("#!/bin/sh\n[ $1 = list ] && exit 0\necho $$ > " + str(tmp_path / "pid") + "\nexec sleep 60\n")
    slow.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from rollout_lab import compiling, recipes\n"
        "from rollout_lab.paths import Paths\n"
        "from rollout_lab.progress import Step; from rollout_lab.toolchain import Go\n"
        "folder = Path(sys.argv[1]); paths = Paths(folder / 'cache', folder / 'state', folder / 'run')\n"
        "compiling.compile_recipe(paths, recipes.PAUSE, Go(str(folder / 'go'), '1.26.0'), Step('pause'))"
    )
    builder = subprocess.Popen([sys.executable, "-c", code, tmp_path])
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.02)
    compiler = processes.Identity.of(int((tmp_path / "pid").read_text()))
    assert compiler
    builder.kill()
    builder.wait()
    assert processes.wait_gone([compiler], 5)


def test_no_path_of_this_machine_inside_a_program(
    paths: Paths, go: toolchain.Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = compiling.compile_recipe(paths, own_recipe(tmp_path, GOOD, monkeypatch), go, Step("tiny"))
    assert os.fsencode(str(tmp_path)) not in (folder / "tiny").read_bytes()


def test_progress_says_what_is_built_and_how_far() -> None:
    out = io.StringIO()
    progress = Progress(9, out)
    with progress.step("kube-apiserver") as step:
        step.detail = lambda: "812 of 1630 packages compiled"
        assert str(step).startswith("[1/9] kube-apiserver … 812 of 1630 packages compiled, ")
    assert out.getvalue().startswith("[1/9] kube-apiserver: done (")
    assert "kube-apiserver" in progress.times


def test_progress_of_a_failed_step_says_so() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), Progress(1, out).step("etcd"):
        raise RuntimeError
    assert "failed" in out.getvalue()
