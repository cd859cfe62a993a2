"""docs/REFERENCE.md has every parameter, option, check, error, exit code, fault and field that the code has."""

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from hera_rollout import checklists, errors
from hera_rollout.canary import judging as canary
from hera_rollout.metrics import judging as metrics
from hera_rollout.parameters import MODELS
from hera_rollout.phase.criteria import PLANS
from hera_rollout.production import judging as production
from hera_rollout.target import Target

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "REFERENCE.md").read_text(encoding="utf-8")
MAKERS = {"judge", "look", "Check"}  # what gives a check its name; in the preflight `_line` does


def loaded(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFRESH = loaded(ROOT / "docs" / "refresh.py")


def test_what_follows_from_the_code_is_as_the_code_has_it():
    assert REFRESH.made(TEXT) == TEXT, "old: run `make docs`"
    assert set(re.findall("<!-- made: (.+) -->", TEXT)) == set(REFRESH.PARTS)


def test_what_records_compare_a_source_with_is_made_of_the_notebooks_as_they_are():
    assert REFRESH.SHIPPED.read_text(encoding="utf-8") == REFRESH.shipped(), "old: run `make docs`"


def test_a_part_that_is_old_would_be_told():
    spoilt = TEXT.replace("| `patience_seconds` | `1200` |", "| `patience_seconds` | `12` |")
    assert spoilt != TEXT
    assert REFRESH.made(spoilt) == TEXT


@pytest.mark.parametrize("notebook", MODELS)
def test_every_parameter_of_a_notebook_has_a_row_with_its_meaning(notebook):
    section = TEXT.partition(f"### `{notebook}`\n")[2].partition("###")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE))
    assert set(rows) == set(MODELS[notebook].model_fields)
    assert all(rows.values())


def test_every_option_says_what_it_is_for():
    section = TEXT.partition("## Commands")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(--[\w-]+)`.* \| (.*) \|$", section, re.MULTILINE)
    assert len(rows) > 50
    assert [name for name, meaning in rows if not meaning.strip()] == []


def test_every_command_says_its_exit_codes():
    section = TEXT.partition("## Commands")[2].partition("\n## ")[0]
    commands = dict(re.findall(r"^### `(hera-rollout [\w -]+)`\n\n(.+)$", section, re.MULTILINE))
    assert "hera-rollout run" in commands
    assert [name for name, said in commands.items() if "xit code" not in said] == []


def test_every_error_has_a_row():
    kinds = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
    assert (
        set(re.findall(r"^\| `([A-Z]\w+)` \|", TEXT.partition("## Errors")[2].partition("## ")[0], re.MULTILINE))
        == kinds
    )


HOLES = re.compile(r"\b(CRITERION|MEDIUM|MOMENT|NAME|WHAT|N)\b")  # what stands for anything


def documented():
    """The names of the checks that have a row."""
    return re.findall(r"^\| `(.+?)` \|", TEXT.partition("## Checks")[2].partition("\n## ")[0], re.MULTILINE)


def pattern(name):
    return "".join(".+" if HOLES.fullmatch(part) else re.escape(part) for part in HOLES.split(name))


def constants(tree):
    """The module's own texts by name."""
    made = {}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                made[target.id] = value.value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                made |= {
                    one.id: text.value for one, text in zip(target.elts, value.elts, strict=True)
                    if isinstance(text, ast.Constant) and isinstance(text.value, str)
                }  # fmt: skip
    return made


def spelt(node, known):
    """A name as written; in an f-string each hole is `x`; None where it comes from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in node.values]
        return "".join(spelt(one, known) or "x" for one in parts)
    return None


def written():
    """Every name that a check is given in the code, where the code says it at that place."""
    found = set()
    for path in (ROOT / "lib" / "hera_rollout").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known, makers = constants(tree), MAKERS | ({"_line"} if path.name == "preflight.py" else set())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in makers:
                named = [one.value for one in node.keywords if one.arg == "name"] or node.args[:1]
                found |= {spelt(one, known) for one in named}
    found |= {name for plan in PLANS.values() for criterion in plan.criteria for name in criterion.checks}
    lists = (*checklists.TESTING, *checklists.MONITORING, *checklists.COMMUNICATION)
    found |= {name for line in lists for name in line.checks if line.kind not in {"application", "workflow",
              "infrastructure"}}  # fmt: skip
    return found - {None} | {*metrics.GATES, *canary.GATES, *production.GATES}


def test_every_check_that_the_code_names_has_a_row():
    names = written()
    assert {"PVC", "provenance", "exposure", "stable", "approval: x", "drill (x)", "success rate"} <= names
    patterns = [pattern(name) for name in documented()]
    assert sorted(name for name in names if not any(re.fullmatch(one, name) for one in patterns)) == []


def test_every_check_that_has_a_row_is_named_in_the_code():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "lib" / "hera_rollout").rglob("*.py"))
    beginnings = {name: HOLES.split(name)[0].rstrip("( ") for name in documented()}
    assert len(beginnings) > 60
    gone = [name for name, words in beginnings.items() if f'"{words}' not in code]
    assert gone == []


def fields(model, prefix=""):
    for name, field in model.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_the_example_target_shows_every_field_with_its_default():
    text = (ROOT / "targets" / "staging.example.toml").read_text(encoding="utf-8")
    values = tomllib.loads(text)
    for name in fields(Target):
        assert re.search(rf"^(# )?\[?\[?{name.rpartition('.')[2]}\b", text, re.MULTILINE), name
    limits = Target.model_validate(values).limits
    assert limits.model_dump() == type(limits)().model_dump()
