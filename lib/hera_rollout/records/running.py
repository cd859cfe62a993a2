"""Run a notebook through papermill and make a record of whatever happened."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final

import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from hera_rollout.errors import Refused
from hera_rollout.parameters import validate
from hera_rollout.records import standing
from hera_rollout.records.nbformats import nbformat
from hera_rollout.records.redacting import address
from hera_rollout.records.refusing import keep_refusal
from hera_rollout.records.store import Record, keep, workplace
from hera_rollout.target import Target

CELL_TIMEOUT_SECONDS: Final = 1800
"""No cell may run longer, whatever it waits for."""
AUTOSAVE_SECONDS: Final = 5
"""How often the notebook is saved while a cell runs: what a killed run leaves."""


class _Terminated(BaseException):
    """The process was asked to end while a notebook ran."""


@contextmanager
def _termination_raises() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that a record of the broken run is still kept."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _execute(source: Path, output: Path, parameters: Mapping[str, Any], cell_timeout: int, progress: bool) -> str:
    """Run the notebook; returns what ended it from outside, or nothing where its own cells tell."""
    try:
        with _termination_raises(), TemporaryDirectory(prefix="hera-rollout-") as sockets:
            papermill.execute_notebook(
                source,
                address(output),
                dict(parameters),
                progress_bar=progress,
                execution_timeout=cell_timeout,
                autosave_cell_every=AUTOSAVE_SECONDS,
                language="python",
                kernel_name="python3",
                # A kernel on this machine needs no TCP port that others could reach; its sockets would go to the
                # current folder, which a pod may not write to.
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
            )
    except PapermillExecutionError:
        pass  # a cell's own error is in the notebook, where the outcome is read
    except (Exception, KeyboardInterrupt, _Terminated) as error:  # a kernel that never starts is a bare RuntimeError
        return _from_outside(error, cell_timeout)
    return ""


def _from_outside(error: BaseException, cell_timeout: int) -> str:
    """What ended a run that its own cells did not end, in words."""
    words = {
        CellTimeoutError: f"a cell did not end within {cell_timeout} s and was stopped",
        DeadKernelError: f"the kernel died: {error}",
        KeyboardInterrupt: "interrupted by the operator (SIGINT)",
        _Terminated: "ended from outside (SIGTERM)",
    }
    return words.get(type(error), f"papermill could not run the notebook: {error}")


def _standing(target: Target, name: str) -> str:
    """Where the flag stands after a live run broke off; who is impatient by then still gets the record."""
    try:
        with _termination_raises():
            return standing.sentence(target, name)
    except (KeyboardInterrupt, _Terminated):
        return standing.unknown("it was interrupted while it was read", name)


def _read(source: Path) -> nbformat.NotebookNode:
    try:
        notebook: nbformat.NotebookNode = nbformat.read(source, as_version=4)
    except (OSError, ValueError) as error:
        raise Refused(f"The notebook {source} cannot be read: {error}") from None
    return notebook


def _require_parameters_cell(source: Path, notebook: nbformat.NotebookNode) -> None:
    """Refuse a notebook that papermill could not parameterize."""
    if not any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells):
        raise Refused(
            f"The notebook {source.name} has no cell tagged 'parameters'.",
            expected="one cell with that tag: without it papermill puts parameters where no cell reads them",
            todo="Tag the cell (JupyterLab: property inspector, Cell Tags), or restore the notebook from git.",
        )


def run(
    source: Path,
    parameters: Mapping[str, Any],
    *,
    folder: Path,
    cell_timeout: int = CELL_TIMEOUT_SECONDS,
    progress: bool = True,
) -> Record:
    """Run one phase notebook and keep its record.

    Args:
        source: the notebook; its file name without suffix is the phase's name.
        parameters: as given by the operator; checked against the phase's model before anything starts.
        folder: where records are kept; made if it is not there.
        cell_timeout: seconds after which a cell that still runs is stopped.
        progress: whether to draw papermill's progress bar.

    Raises:
        Refused: bad parameters, unknown target, or a notebook that cannot be read; nothing was run. Where the rollout
            is known a record of the refusal is kept, and a note of the error names it.
    """
    notebook = _read(source)
    try:
        _require_parameters_cell(source, notebook)
        checked = validate(source.stem, parameters)
        target = Target.load(checked.target)
    except Refused as refusal:
        keep_refusal(refusal, source.stem, notebook, parameters, folder)
        raise
    began = datetime.now(UTC)
    place = workplace(folder, checked.rollout_for(target.deployment, began.date()), source.stem, began)
    output = place / "notebook.ipynb"
    broken = _execute(source, output, parameters, cell_timeout, progress)
    live = not checked.dry_run
    return keep(place, began=began, notebook=source.stem, parameters=checked.model_dump(mode="json"), broken=broken,
                standing=partial(_standing, target, checked.target) if live else None)  # fmt: skip
