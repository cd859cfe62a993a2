"""A run that was refused before its first cell leaves a record too, where its phase and its rollout are known."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hera_rollout.errors import Refused
from hera_rollout.parameters import MODELS, PhaseParameters
from hera_rollout.records.evidence import code_cells
from hera_rollout.records.nbformats import nbformat
from hera_rollout.records.store import keep, workplace
from hera_rollout.target import Target


def keep_refusal(
    refusal: Refused, phase: str, notebook: nbformat.NotebookNode, parameters: Mapping[str, Any], folder: Path
) -> None:
    """Keep the record; a note of the error says where it is, or why there is none.

    Args:
        refusal: why nothing was run.
        phase: the notebook's name.
        notebook: as it would have been run.
        parameters: as given.
        folder: where records are kept.
    """
    began = datetime.now(UTC)
    rollout = _rollout(parameters, began)
    if phase not in MODELS or not rollout:
        return
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None  # what an earlier run left is no evidence of this one
    given = json.loads(json.dumps(dict(parameters), default=str))
    try:
        place = workplace(folder, rollout, phase, began)
        nbformat.write(notebook, place / "notebook.ipynb")
        record = keep(place, began=began, notebook=phase, parameters=given, refusal=refusal)
    except Refused as unkept:
        refusal.add_note(f"No record was kept: {unkept.seen}")
    else:
        refusal.add_note(f"Record: {record.report}")


def _rollout(parameters: Mapping[str, Any], began: datetime) -> str:
    """The rollout's id as far as refused parameters tell it; empty where they do not."""
    named = {name: parameters[name] for name in ("target", "rollout") if name in parameters}
    try:
        known = PhaseParameters.model_validate(named)
        return known.rollout or known.rollout_for(Target.load(known.target).deployment, began.date())
    except (ValidationError, Refused):
        return ""
