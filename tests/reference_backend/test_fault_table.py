"""README's table of faults is the backend's own list and the components of deploy/; each is in the code and tested."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reference_backend.faults import DEFAULTS, KNOWN

ROOT = Path(__file__).parents[2]
COMPONENTS = {path.parent.name for path in (ROOT / "deploy" / "components").glob("*/kustomization.yaml")}


def table() -> dict[str, str]:
    """Fault and the values that README gives it."""
    _, _, rest = (ROOT / "README.md").read_text().partition("| fault | value | what happens |")
    rows = [line.split("|") for line in rest.partition("\n\n")[0].splitlines() if line.startswith("| `")]
    return {name: values for _, names, values, *_ in rows for name in re.findall(r"`([a-z0-9-]+)`", names)}


def test_readme_names_every_fault_there_is_and_no_other() -> None:
    assert table().keys() == KNOWN.keys() | COMPONENTS
    assert {"rbac-gap", "pvc-missing"} <= COMPONENTS


def test_readme_says_on_where_the_fault_takes_no_number() -> None:
    values = table()
    assert {name for name in KNOWN if "`on`" in values[name]} == KNOWN.keys() - DEFAULTS.keys()
    assert all("component" in values[name] for name in COMPONENTS)


def test_each_fault_strikes_somewhere_in_the_code_and_no_other_name_is_asked_for() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "lib" / "reference_backend").glob("*.py"))
    assert set(re.findall(r"\.(?:on|value|number)\(\"([a-z0-9-]+)\"\)", sources)) == set(KNOWN)


def test_each_fault_is_switched_on_by_a_live_test() -> None:
    used = {name for path in (ROOT / "tests" / "live").glob("test_*faults.py") for name in _given(path.read_text())}
    assert KNOWN.keys() | COMPONENTS <= {name.replace("_", "-") for name in used}


def _given(source: str) -> Iterator[str]:
    """Names that the code hands over, as a keyword or as a whole text: one in a comment or in a test's name is none."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_a_fault_that_is_only_spoken_of_is_not_taken_for_one_that_is_switched_on() -> None:
    source = "def test_leak():\n    'The leak.'\n    lab.set_faults(all_500='on')  # all-500 and leak\n"
    assert set(_given(source)) == {"The leak.", "all_500", "on"}
