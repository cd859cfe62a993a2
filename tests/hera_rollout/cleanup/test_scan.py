"""`hera-rollout flag-scan`: where, in which shapes, what would be left."""

import importlib.util
import json
from pathlib import Path

from click.testing import CliRunner

from hera_rollout.cli import main

_spec = importlib.util.spec_from_file_location("cleanup_conftest", Path(__file__).with_name("conftest.py"))
conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(conftest)


def scanned(folder: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["flag-scan", str(folder), *options])
    return done.exit_code, done.output


def test_places_shapes_and_what_is_left(service: Path) -> None:
    code, output = scanned(service)
    assert code == 3
    assert "  service/build.py:6: early return: if USE_HERA_SDK:" in output
    assert "  compose.yaml:7: env entry: - USE_HERA_SDK=true" in output
    assert "✗ README.md:3: prose" in output
    assert output.splitlines()[-1].endswith("and leave 1 to a person")


def test_json(service: Path) -> None:
    code, output = scanned(service, "--json")
    data = json.loads(output)
    assert code == 3
    assert data["flag"] == "USE_HERA_SDK"
    assert data["shapes"]["env entry"] == 2
    assert [place["file"] for place in data["left"]] == ["README.md"]


def test_nothing_left_is_0(service: Path) -> None:
    (service / "README.md").unlink()
    assert scanned(service)[0] == 0


def test_nowhere_is_0_and_says_so(service: Path) -> None:
    code, output = scanned(service, "--flag", "OTHER_FLAG_ALTOGETHER")
    assert code == 0
    assert "in none of 14 files" in output


def test_refused_is_2(tmp_path: Path) -> None:
    code, output = scanned(tmp_path / "none")
    assert code == 2
    assert output.startswith("Refused: There is no folder")


def test_ignored_files_are_not_looked_at(service: Path) -> None:
    (service / ".gitignore").write_text("build/\n")
    conftest.written(service, {"build/x.sh": "echo $USE_HERA_SDK\n"})
    assert "build/x.sh" not in scanned(service)[1]


def test_outside_git_clutter_is_skipped(tmp_path: Path) -> None:
    conftest.written(
        tmp_path, {"a.sh": "echo $USE_HERA_SDK\n", ".venv/b.sh": "USE_HERA_SDK", "node_modules/c.sh": "USE_HERA_SDK"}
    )
    output = scanned(tmp_path)[1]
    assert "a.sh:1" in output
    assert ".venv" not in output
    assert "node_modules" not in output


def test_a_broken_file_is_told_and_the_rest_scanned(service: Path) -> None:
    (service / "service" / "broken.py").write_text("USE_HERA_SDK = (\n")
    code, output = scanned(service)
    assert code == 3
    assert "✗ service/broken.py:1: not valid Python" in output
    assert "service/build.py:6" in output
