"""The report: the executed notebook as one HTML file that needs no network and answers on its first screen."""

from pathlib import Path
from typing import Any, Final

from nbconvert import HTMLExporter
from nbformat import NotebookNode

from hera_rollout.display import COLORS

TEMPLATES: Final = Path(__file__).parent / "templates"
SIGNS: Final = {"PASS": "✓", "FAIL": "✗", "HOLD": "…", "REFUSED": "✗", "BROKEN": "✗"}


def _deciding(checks: list[dict[str, Any]], verdict: str) -> list[dict[str, Any]]:
    """What decided: for PASS the last check of each of the criteria, else the first three that say the verdict."""
    if verdict == "PASS":
        return list({check["criterion"]: check for check in checks if check["criterion"]}.values())
    return [check for check in checks if check["verdict"] == verdict][:3]


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
