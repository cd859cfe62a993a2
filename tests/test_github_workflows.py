"""The workflows for GitHub, which were not run: their form, and that what they call is there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from hera_rollout.cli import main
from hera_rollout.parameters import DevTestingParameters

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SHELL = {"python3", ".venv/bin/python", "echo", "umask", "printf", "code=0", "if", "exit", "rm"}


def steps(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def commands(path):
    for step in steps(path):
        yield from (shlex.split(line.partition("||")[0]) for line in step.get("run", "").splitlines())


def test_both_are_there():
    assert [path.stem for path in WORKFLOWS] == ["phase", "test"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_its_form_is_githubs(path):
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path]
    done = subprocess.run(checker, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_it_calls_is_there(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = [words for words in commands(path) if words]
    for words in called:
        if words[0] == "make":
            assert words[1] in targets
        elif words[0] == "hera-rollout":
            command = main
            for word in words[1:]:
                if isinstance(command, click.Group):
                    command = command.get_command(click.Context(command), word)
            known = {option for one in command.params for option in one.opts}
            assert {word for word in words if word.startswith("-")} <= known, words
            names = [words[at + 1] for at, word in enumerate(words) if word == "-p"]
            assert set(names) <= set(DevTestingParameters.model_fields)
        else:
            assert words[0] in SHELL, words
    assert any(words[0] in {"make", "hera-rollout"} for words in called)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_from_outside_is_put_into_a_scripts_text(path):
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


def test_a_schedule_changes_nothing_unless_somebody_said_so():
    text = (ROOT / ".github" / "workflows" / "phase.yml").read_text(encoding="utf-8")
    assert "vars.HERA_ROLLOUT_SCHEDULE_DRY_RUN || 'true'" in text


def test_the_record_is_kept_however_the_phase_ended():
    kept = next(
        step for step in steps(ROOT / ".github" / "workflows" / "phase.yml") if "artifact" in step.get("uses", "")
    )
    assert kept["if"] == "always()"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_it_says_that_it_was_not_run(path):
    assert "has not been run" in path.read_text(encoding="utf-8")
