"""Code size and complexity before and after, by radon."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hera_rollout.cleanup.planning import CleanupPlan

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("file", "lines before", "lines after", "complexity before", "complexity after")


@dataclass(frozen=True)
class Size:
    """Lines of code (no blank lines, no comments) and the sum of the functions' cyclomatic complexity."""

    lines: int
    complexity: int


def size(text: str | None) -> Size:
    """The size of one Python file; nothing, for a file that is gone."""
    from radon.complexity import cc_visit  # type: ignore[import-untyped]
    from radon.raw import analyze  # type: ignore[import-untyped]

    if not text:
        return Size(0, 0)
    return Size(analyze(text).sloc, sum(block.complexity for block in cc_visit(text)))


def sizes(plan: CleanupPlan) -> "pd.DataFrame":
    """Every Python file the plan changes, and the sum of them."""
    import pandas as pd

    rows = []
    for edit in plan.edits:
        if edit.file.endswith(".py"):
            old, new = size(edit.before), size(edit.after)
            rows.append((edit.file, old.lines, new.lines, old.complexity, new.complexity))
    total = ("all changed files", *(sum(int(row[column]) for row in rows) for column in range(1, len(COLUMNS))))
    return pd.DataFrame([*rows, total], columns=list(COLUMNS))
