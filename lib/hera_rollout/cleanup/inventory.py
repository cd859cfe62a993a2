"""The plan as tables."""

from typing import TYPE_CHECKING

from hera_rollout.cleanup.planning import CleanupPlan

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("file", "line", "shape", "what happens", "text", "why")


def inventory(plan: CleanupPlan) -> "pd.DataFrame":
    """Every place: where, in which shape, what would happen to it, and why where nothing would."""
    import pandas as pd

    rows = [
        (place.file, place.line, place.shape, place.action, place.text, plan.reason(place) or place.why)
        for place in sorted({*plan.places, *plan.left})
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def documentation(plan: CleanupPlan) -> "pd.DataFrame":
    """Documents that still name the flag: for a person to change."""
    frame = inventory(plan)
    return frame[frame["shape"] == "named (documentation)"].reset_index(drop=True)
