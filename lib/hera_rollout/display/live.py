"""Live progress that leaves no trace: it fills while the cell runs, and is empty once the final table stands."""

from collections.abc import Callable
from types import TracebackType
from typing import Self
from uuid import uuid4

import pandas as pd
from IPython.display import display, update_display

from hera_rollout.display import tables
from hera_rollout.display.outputs import bundle


class Live:
    """An area of the notebook that is rewritten in place.

    It starts and ends empty: what a record needs is shown once, when it is final, by :func:`table`.

    Example:
        >>> with Live() as live:
        ...     live.line("1 of 2 pods updated")
    """

    def __init__(self) -> None:
        self._id = uuid4().hex

    def __enter__(self) -> Self:
        display(bundle("", ""), raw=True, display_id=self._id)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        update_display(bundle("", ""), raw=True, display_id=self._id)

    def line(self, message: str) -> None:
        """Replace the area by one line."""
        self.frame(pd.DataFrame({"in progress": [message]}))

    def frame(self, frame: pd.DataFrame) -> None:
        """Replace the area by a table."""
        update_display(bundle(tables.STYLE + tables.html(frame), tables.text(frame)), raw=True, display_id=self._id)

    def liner(self) -> Callable[[str], None]:
        """The callback that waiters take for their progress."""
        return self.line
