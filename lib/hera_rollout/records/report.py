"""The report: the executed notebook as one HTML file that needs no network and answers on its first screen."""

from pathlib import Path
from typing import Any, Final

from nbconvert import HTMLExporter
from nbformat import NotebookNode

from hera_rollout.display import COLORS

TEMPLATES: Final = Path(__file__).parent / "templates"
SIGNS: Final = {"PASS": "✓", "FAIL": "✗", "HOLD": "…", "REFUSED": "✗", "BROKEN": "✗"}


def _deciding(checks: list[dict[str, Any]], verdict: str) -> list[dict[str, Any]]:
    """The three checks that decided: those that say the verdict, else the first."""
    said = [check for check in checks if check["verdict"] == verdict]
    criteria = [check for check in said if check.get("criterion")]
    return (criteria or said or checks)[:3]


def render(notebook: NotebookNode, record: dict[str, Any]) -> str:
    """The report of one run.

    Args:
        notebook: as executed.
        record: what record.json says.
    """
    exporter = HTMLExporter(
        template_name="record", extra_template_basedirs=[str(TEMPLATES)], exclude_input_prompt=True,
        exclude_output_prompt=True, embed_images=True,
    )  # fmt: skip
    verdict = record["verdict"]
    summary = {
        **record,
        "sign": SIGNS[verdict],
        "color": COLORS.get(verdict, COLORS["FAIL"]),
        "deciding": _deciding(record["checks"], verdict),
    }
    resources = {"metadata": {"name": f"{record['notebook']} {verdict}"}, "record": summary}
    body, _ = exporter.from_notebook_node(notebook, resources=resources)
    return str(body)
