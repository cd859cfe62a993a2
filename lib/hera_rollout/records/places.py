"""Where a record may lie: below its records' folder, whatever a notebook or an operator calls it."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from hera_rollout.answers import plain
from hera_rollout.errors import Refused

_ROLLOUT: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NOTEBOOK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_TODO: Final = "Give the notebook as papermill wrote it; if it is, find out who changed it, and run the phase again."


class Head(NamedTuple):
    """What a notebook says of its own run, as far as a record's place and parameters go by it."""

    rollout: str
    notebook: str
    began: datetime
    parameters: dict[str, Any]


def head_of(executed: Path, begin: dict[str, Any]) -> Head:
    """The evidence of a phase's begin, checked before anything is written.

    Raises:
        Refused: a name in it is none, its begin is no time with a time zone, or its parameters are no table.
    """
    rollout, notebook, started, parameters = (begin.get(key) for key in ("rollout", "notebook", "started", "parameters"))
    require_names(rollout, notebook)
    try:
        began = datetime.fromisoformat(str(started))
    except ValueError:
        began = None
    if began is None or began.tzinfo is None or not isinstance(parameters, dict):
        raise Refused(
            f"{executed} does not say when its run began or with which parameters: {plain(repr(started), 60)}.",
            expected="started: a time with its offset from UTC; parameters: a table",
            todo=_TODO,
        )
    return Head(str(rollout), str(notebook), began, parameters)


def require_names(rollout: object, notebook: object) -> None:
    """Refuse what is no name of a rollout or of a notebook: a path in its place would lead out of the folder."""
    for what, name, shape in (("rollout", rollout, _ROLLOUT), ("notebook", notebook, _NOTEBOOK)):
        if not (isinstance(name, str) and shape.fullmatch(name)):
            raise Refused(
                f"The {what} is called {plain(repr(name), 100)}, which is no name: nothing was written.",
                expected=f"letters, digits and dashes, at most 63 ({shape.pattern})",
                why="A record's folder is named by it: anything else could lead out of the records' folder.",
                todo=_TODO,
            )


def leads_out(folder: Path, path: Path) -> bool:
    """Whether a link takes a path below the records' folder to somewhere else."""
    return not path.resolve().is_relative_to(folder.resolve())


def require_inside(folder: Path, path: Path) -> None:
    """Refuse a place that a link leads out of the records' folder."""
    if leads_out(folder, path):
        raise Refused(
            f"{path} leads out of {folder}, to {path.resolve()}: nothing was written.",
            expected="folders of its own below the records' folder, no links to elsewhere",
            todo="Take the link away, or give the folder that it leads to as --records.",
        )


def is_named(folder: Path, record: Path, name: str) -> bool:
    """Whether a name, its beginning or a path means this record of the folder."""
    try:
        wanted, above = Path(name).name, Path(name).parent
        if not wanted or not record.name.startswith(wanted):
            return False
        return "/" not in name or record.parent.resolve() in {above.resolve(), (folder / above).resolve()}
    except (OSError, ValueError):  # no path at all, such as one with a NUL
        return False
