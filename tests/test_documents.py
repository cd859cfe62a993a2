"""What the documents say can be typed and opened: commands exist with their options, relative links resolve."""

import re
import shlex
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import click
import nbformat
import pytest
from click.testing import CliRunner

from hera_rollout.cli import main as kit
from hera_rollout.parameters import MODELS
from hera_rollout.records.outcomes import EXIT_CODES
from reference_backend.faults import KNOWN
from rollout_lab.cli import main as lab

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")])
PROGRAMS = {"hera-rollout": kit, "rollout-lab": lab}
YAML = re.compile(r"-$|\w+:$")  # the guide has some in a shell block
# Theirs to test; that what follows is meant for them is all that is said here.
OUTSIDE = {"sed", "kubectl", "docker", "curl"}


def headings(text):
    """The anchors of a document, as GitHub makes them."""
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", line.lower()).strip().replace(" ", "-")
            for line in re.findall(r"^#+ (.+)$", plain, re.MULTILINE)}  # fmt: skip


def broken(document):
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
        name, _, anchor = link.partition("#")
        path = (document.parent / name) if name else document
        if not path.exists() or (anchor and anchor not in headings(path.read_text(encoding="utf-8"))):
            yield link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_resolve(document):
    assert list(broken(document)) == []


def test_a_link_or_an_anchor_that_is_not_there_would_be_told(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# One two\n[x](#one-two) [y](#three) [z](gone.md) [w](https://example.org)")
    assert list(broken(path)) == ["#three", "gone.md"]


def lines(text):
    """What stands in a shell block, without comments; continued lines are one, and each part of a pipe is its own."""
    for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and not YAML.match(words[0]):
                yield from (list(part) for pipe, part in groupby(words, "|".__eq__) if not pipe)


def inline(text):
    """`hera-rollout …` and `rollout-lab …` within sentences."""
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for found in re.findall(r"`((?:hera-rollout|rollout-lab) [^`]+)`", plain):
        if "<" not in found and "…" not in found:
            yield shlex.split(found)


def spelt():
    """Every command of every document, as words, once."""
    seen = {}
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for words in [*lines(text), *inline(text)]:
            seen.setdefault(" ".join(words), words)
    return list(seen.values())


COMMANDS = spelt()


def alternatives(words):
    """`list | show | verify` stands for each of them."""
    if "|" not in words:
        return [words]
    first = words.index("|") - 1
    return [[*words[:first], word] for word in words[first:] if word.islower()]


def understood(words):
    """Why a program of ours would not take these words; empty if it would. Nothing is run."""
    command, rest = PROGRAMS[words[0]], list(words[1:])
    try:
        while isinstance(command, click.Group):
            context = click.Context(command)
            if not rest or rest[0].startswith("-"):
                return ""
            command, name = command.get_command(context, rest.pop(0)), rest[0] if rest else ""
            if command is None:
                return f"no such command before {name!r}"
        known = {option for one in command.params for option in [*one.opts, *one.secondary_opts]} | {"--help"}
        unknown = [word for word in rest if word.startswith("-") and word not in known]
        return f"no such option: {unknown}" if unknown else ""
    except click.ClickException as error:
        return error.format_message()


def test_commands_of_the_kit_and_the_lab_exist_with_their_options():
    ours = [one for words in COMMANDS if words[0] in PROGRAMS for one in alternatives(words)]
    assert len(ours) > 15
    assert {" ".join(words): fault for words in ours if (fault := understood(words))} == {}


def test_an_option_or_a_command_that_is_not_there_would_be_told():
    assert "--nowhere" in understood(["hera-rollout", "run", "01", "--nowhere"])
    assert understood(["hera-rollout", "flee", "now"])
    assert understood(["rollout-lab", "up", "--fresh"]) == ""


def test_every_parameter_that_a_command_sets_is_one_of_that_notebook():
    checked = 0
    for words in COMMANDS:
        phase = next((word for word in words if re.fullmatch(r"(notebooks/)?(0\d|drill).*", word)), None)
        if words[0] not in {"hera-rollout", "papermill"} or phase is None:
            continue
        notebook = next(name for name in MODELS if name.startswith(Path(phase).stem))
        for name in [words[i + 1] for i, word in enumerate(words) if word == "-p"]:
            assert name in MODELS[notebook].model_fields, words
            checked += 1
    assert checked > 5


def test_programs_of_the_repository_are_there_and_take_their_options():
    programs = {}
    for words in COMMANDS:
        for word in words:
            if re.fullmatch(r"(tests|benchmarks|docs)/[\w.]+\.(py|sh)", word):
                programs.setdefault(word, set()).update(one for one in words if one.startswith("--"))
    assert "tests/test_hera_integration.py" in programs
    for name, options in programs.items():
        assert (ROOT / name).is_file(), name
        if options:
            done = subprocess.run([sys.executable, ROOT / name, "--help"], capture_output=True, text=True, check=True)
            assert {one for one in options if one not in done.stdout} == set(), name


def test_every_other_command_is_a_known_program():
    firsts = {words[0] for words in COMMANDS}
    ours = {"make", "papermill", "python", "git", "pytest", *PROGRAMS}
    prefixed = {word for word in firsts if "=" in word}  # a variable for what follows
    assert firsts - ours - OUTSIDE - prefixed - {"./tests/test_workflow_comparison.sh"} == set()


def test_every_make_target_that_a_document_names_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test", "check", "lab", "docs"} <= named
    assert named <= targets


CHEAP = (
    ("records", "list"),
    ("alerts", "--target", "lab"),
    ("diff", "--rules"),
    ("flag-scan", "lib/reference_backend"),
)


@pytest.mark.parametrize("words", CHEAP, ids=" ".join)
def test_what_needs_no_cluster_runs(words, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(kit, list(words))
    assert done.exit_code in ({0, 3} if words[0] == "flag-scan" else {0}), done.output
    assert done.output.strip()


def test_the_notebooks_name_only_commands_that_exist():
    told = [
        shlex.split(found)
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
        for found in re.findall(r"`(hera-rollout [^`<…]+)`", cell.source)
    ]
    assert told
    assert {" ".join(words): fault for words in told if (fault := understood(words))} == {}


@pytest.mark.parametrize("what", ["conda", "Docker", "macOS", "Windows", "GitHub's runners"])
def test_the_readme_says_what_was_not_run(what):
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## What was not run")[2].partition("\n## ")[0]
    assert what in section
    assert "should run Argo's newest fixed release" in section


def test_the_readme_has_every_fault_of_the_practice_backend():
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("## The practice backend")[2].partition("\n## ")[0]
    )
    assert {name for name in [*KNOWN, "rbac-gap", "pvc-missing"] if f"`{name}`" not in section} == set()


def test_the_readme_has_every_exit_code():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d) \| ([A-Z]+) \|", text, re.MULTILINE))
    assert rows == {str(code): verdict.value for verdict, code in EXIT_CODES.items()}
