"""The report: the executed notebook as one HTML file that needs no network and answers on its first screen."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

from nbconvert import HTMLExporter
from nbformat import NotebookNode

from hera_rollout.answers import printable
from hera_rollout.display import COLORS

TEMPLATES: Final = Path(__file__).parent / "templates"
HEADLINES: Final = (
    "stable", "scenarios with the flag on", "provenance", "parity", "error logs", "error rate", "response times",
    "success rate",
)  # fmt: skip
"""The checks that carry a criterion's figure; the others of the same criterion stand in the notebook's own table."""
REMARK: Final = "stable"
"""The check that a verdict is never shown without: for how long production was watched, beside the guide's."""
APPROVED_BY_DRY_RUN: Final = ("01_dev_testing", "02_staging", "drill")
"""Whoever runs these with dry_run=False approves by that; the others ask, each attempt for what it is about to do."""
BUTTON: Final = "application/vnd.jupyter.widget-view+json"
"""What JupyterLab shows a button by; on paper its text would be the code that made it, and nothing to press."""
SIGNS: Final = {"PASS": "✓", "FAIL": "✗", "HOLD": "…", "REFUSED": "✗", "BROKEN": "✗"}


def _deciding(checks: list[dict[str, Any]], verdict: str) -> list[dict[str, Any]]:
    """What decided: for PASS one check of each criterion, its headline if it has one; else the first three."""
    if verdict != "PASS":
        return [check for check in checks if check["verdict"] == verdict][:3]
    ranked = sorted(checks, key=lambda check: check["name"] in HEADLINES)
    decided = {check["criterion"]: check for check in ranked if check["criterion"]}
    return sorted(
        decided.values(), key=lambda check: HEADLINES.index(check["name"]) if check["name"] in HEADLINES else 99
    )


def _without_buttons(notebook: NotebookNode) -> NotebookNode:
    """As it reads once nobody can press anything any more."""
    shown = deepcopy(notebook)
    shown.metadata.pop("widgets", None)
    for cell in shown.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if BUTTON not in output.get("data", {})]
    return shown


@cache
def _exporter() -> HTMLExporter:
    """One for all records of a process: reading its templates takes longer than a report."""
    return HTMLExporter(
        template_name="record", extra_template_basedirs=[str(TEMPLATES)], exclude_input_prompt=True,
        exclude_output_prompt=True, embed_images=True,
    )  # fmt: skip


def render(notebook: NotebookNode, record: dict[str, Any]) -> str:
    """The report of one run.

    Args:
        notebook: as executed.
        record: what record.json says.
    """
    verdict = record["verdict"]
    summary = {
        **record,
        "sign": SIGNS[verdict],
        "color": COLORS.get(verdict, COLORS["FAIL"]),
        "deciding": _deciding(record["checks"], verdict),
        "remark": next((check["seen"] for check in record["checks"] if check["name"] == REMARK), ""),
    }
    resources = {"metadata": {"name": f"{record['notebook']} {verdict}"}, "record": summary,
                 "approved_by_dry_run": APPROVED_BY_DRY_RUN}  # fmt: skip
    body, _ = _exporter().from_notebook_node(_without_buttons(notebook), resources=resources)
    return printable(str(body))
