"""Code size and complexity of the two paths of the reference backend, measured by radon.

    python benchmarks/path_size.py [--json FILE]

The guide claims "Reduced code complexity (70% reduction achieved)". Here both paths build the same workflows; this is
what it comes to in this backend: Python by radon (SLOC, cyclomatic complexity, Halstead volume, maintainability index),
and the YAML that one of the paths needs beside its Python, in lines that are neither blank nor comment. What both paths
use (names, labels, placing, the database) is in neither.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from radon.complexity import cc_visit
from radon.metrics import h_visit, mi_visit
from radon.raw import analyze

BACKEND = Path(__file__).parents[1] / "lib" / "reference_backend"
PATHS = {
    "yaml": ["yaml_path.py", "templates/simple.yaml", "templates/packages.yaml"],
    "hera": ["hera_path.py"],
}
CLAIM = 70.0
"""Percent, of the guide's success metrics."""


@dataclass
class Size:
    """One path's figures; Python's and YAML's lines are counted apart."""

    python_sloc: int = 0
    yaml_lines: int = 0
    functions: int = 0
    complexity: int = 0
    worst: int = 0
    volume: float = 0.0
    maintainability: float = 100.0

    @property
    def lines(self) -> int:
        """Everything somebody maintains."""
        return self.python_sloc + self.yaml_lines


def measure(files: list[Path]) -> Size:
    """Measure one path."""
    size = Size()
    for file in files:
        text = file.read_text("utf-8")
        if file.suffix == ".py":
            _add_python(size, text)
        else:
            size.yaml_lines += sum(
                bool(line.strip()) and not line.strip().startswith("#") for line in text.splitlines()
            )
    return size


def _add_python(size: Size, text: str) -> None:
    blocks = cc_visit(text)
    size.python_sloc += analyze(text).sloc
    size.functions += len(blocks)
    size.complexity += sum(block.complexity for block in blocks)
    size.worst = max([size.worst, *(block.complexity for block in blocks)])
    size.volume += h_visit(text).total.volume
    size.maintainability = min(size.maintainability, mi_visit(text, multi=True))


def reduction(before: float, after: float) -> float:
    """How much less, in percent of before; negative where it is more."""
    return 100.0 * (before - after) / before if before else 0.0


def rows(yaml: Size, hera: Size) -> list[tuple[str, float, float, str]]:
    """Measure, by YAML, by Hera, and the reduction (none for an index where more is better)."""
    measures = [
        ("Python, SLOC", yaml.python_sloc, hera.python_sloc),
        ("YAML, lines", yaml.yaml_lines, hera.yaml_lines),
        ("all lines to maintain", yaml.lines, hera.lines),
        ("cyclomatic complexity, sum", yaml.complexity, hera.complexity),
        ("cyclomatic complexity, worst", yaml.worst, hera.worst),
        ("Halstead volume", round(yaml.volume), round(hera.volume)),
    ]
    found = [(name, one, other, f"{reduction(one, other):+.0f} %") for name, one, other in measures]
    return [*found, ("maintainability index (more is better)", round(yaml.maintainability), round(hera.maintainability),
                     "")]  # fmt: skip


def main() -> None:
    """Print the table, and what it says of the guide's claim."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    chosen = parser.parse_args()
    sizes = {path: measure([BACKEND / name for name in names]) for path, names in PATHS.items()}
    yaml, hera = sizes["yaml"], sizes["hera"]
    print(f"{'radon':40}{'yaml':>8}{'hera':>8}{'less by':>10}")
    for name, one, other, less in rows(yaml, hera):
        print(f"{name:40}{one:8.0f}{other:8.0f}{less:>10}")
    lines, complexity = reduction(yaml.lines, hera.lines), reduction(yaml.complexity, hera.complexity)
    if chosen.json:
        figures: dict[str, Any] = {name: asdict(size) for name, size in sizes.items()}
        chosen.json.write_text(json.dumps(figures | {"lines_less": lines, "complexity_less": complexity}, indent=2))
    verdict = "holds" if min(lines, complexity) >= CLAIM else "is not reached"
    print(f"summary: Hera's path has {lines:.0f} % fewer lines and {complexity:.0f} % less cyclomatic complexity; the "
          f"guide's {CLAIM:.0f} % {verdict} here")  # fmt: skip


if __name__ == "__main__":
    main()
