"""Plain progress for whoever sees no notebook: lines in a terminal or a CI log, and none of them in the record."""

import os
from contextlib import suppress
from typing import Final

import pandas as pd

from hera_rollout.answers import plain
from hera_rollout.display.tables import cell
from hera_rollout.redaction import REDACTOR

PROGRESS_VARIABLE: Final = "HERA_ROLLOUT_PROGRESS"
"""The environment variable by which `hera-rollout run` tells a notebook where progress lines go: the path of a file."""
LENGTH: Final = 200


class Teller:
    """Tells each line once, however often the same table is shown again."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def frame(self, frame: pd.DataFrame) -> None:
        """Tell the rows that are new or have changed."""
        for row in frame.itertuples(index=False):
            self.line(" · ".join(text for text in map(cell, row) if text))

    def line(self, text: str) -> None:
        """Tell one line; nowhere to tell it is no reason to fail."""
        said = plain(REDACTOR.text(text), LENGTH)
        path = os.environ.get(PROGRESS_VARIABLE)
        if not path or said in self._told:
            return
        self._told.add(said)
        with suppress(OSError):
            # Never waits: a reader that has stopped reading must not stop a rollout.
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
            try:
                os.write(file, f"{said}\n".encode())
            finally:
                os.close(file)
