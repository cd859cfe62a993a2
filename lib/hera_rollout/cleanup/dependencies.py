"""Requirements that nothing imports any more."""

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata

from hera_rollout.cleanup.subject import Place

# Where a package is not installed beside the kit: what it is imported as.
IMPORTED_AS: Mapping[str, frozenset[str]] = {
    "pyyaml": frozenset({"yaml"}), "pyjwt": frozenset({"jwt"}), "python-dateutil": frozenset({"dateutil"}),
    "beautifulsoup4": frozenset({"bs4"}), "scikit-learn": frozenset({"sklearn"}), "pillow": frozenset({"PIL"}),
    "argo-workflows": frozenset({"argo_workflows"}), "python-dotenv": frozenset({"dotenv"}),
    "protobuf": frozenset({"google"}),
}  # fmt: skip
LINE = re.compile(r"^\s*[\"']?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(?:[<>=!~;@ ,\"'#].*)?$")


def imports(texts: Iterable[str]) -> set[str]:
    """Top packages that any of these Python files imports."""
    found: set[str] = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


@cache
def _installed() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for module, packages in metadata.packages_distributions().items():
        for package in packages:
            found.setdefault(_normal(package), set()).add(module)
    return {package: frozenset(modules) for package, modules in found.items()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def modules_of(package: str) -> frozenset[str]:
    """What a package is imported as."""
    name = _normal(package)
    return IMPORTED_AS.get(name) or _installed().get(name) or frozenset({name.replace("-", "_")})


def without_unused(file: str, text: str, lost: set[str], still: set[str]) -> tuple[str, list[Place]]:
    """A requirements file or pyproject.toml without packages that only lost imports needed, one a line."""
    lines = text.splitlines(keepends=True)
    kept: list[str] = []
    places: list[Place] = []
    listed = not file.endswith(".toml")
    for number, line in enumerate(lines, start=1):
        if file.endswith(".toml"):
            listed = _in_list(line, listed)
        match = LINE.match(line.strip().rstrip(",")) if listed else None
        modules = modules_of(match["name"]) if match else frozenset()
        if modules & lost and not modules & still and "\\" not in line:
            places.append(Place(file, number, "dependency", "removed", line.strip(), "nothing imports it any more"))
        else:
            kept.append(line)
    return "".join(kept), places


def _in_list(line: str, inside: bool) -> bool:
    """Whether a line of pyproject.toml stands inside a list of requirements that goes over lines."""
    if re.match(r"^\s*[A-Za-z0-9_-]+\s*=\s*\[\s*$", line):
        return bool(re.match(r"^\s*(dependencies|dev|test|tests|[a-z-]+)\s*=", line))
    return inside and not line.strip().startswith("]")
