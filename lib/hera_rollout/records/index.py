"""`records/index.html`: a timeline of all runs, newest first, phases in columns, readable on a phone."""

from html import escape
from pathlib import Path
from typing import Any, Final

from hera_rollout.answers import printable
from hera_rollout.display import COLORS
from hera_rollout.records.report import SIGNS

PHASES: Final = ("01_dev_testing", "02_staging", "drill", "03_canary", "04_production", "05_cleanup")
"""A column each, in the order they are run; a run of another notebook would be a row without a verdict."""
STYLE: Final = """
body{font-family:system-ui,sans-serif;margin:0 auto;max-width:1080px;padding:0 16px 40px;color:#222}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;border-bottom:2px solid #8a8f94;padding:4px 10px 4px 0}
td{border-bottom:1px solid #d5d8da;padding:6px 10px 6px 0;vertical-align:top}
a{color:inherit}.v{font-weight:700;white-space:nowrap}.why{color:#444}
@media(max-width:640px){thead{display:none}tr{display:block;border-bottom:2px solid #8a8f94;padding:8px 0}
td{display:block;border:0;padding:1px 0}td:empty{display:none}
td[data-name]:before{content:attr(data-name) " ";color:#5B6770}}
"""


def _verdict(folder: Path, root: Path, data: dict[str, Any]) -> str:
    """A verdict as sign, word and link to its report."""
    word = str(data["verdict"])
    link = escape(str((folder / "report.html").relative_to(root)), quote=True)
    color = COLORS.get(word, COLORS["FAIL"])
    return f'<a class="v" style="color:{color}" href="{link}">{SIGNS[word]} {word}</a>'


def _row(folder: Path, root: Path, data: dict[str, Any]) -> str:
    """One run: its time, its rollout, its verdict in its phase's column, who, and why."""
    cells = "".join(
        f'<td data-name="{escape(phase)}">{_verdict(folder, root, data)}</td>'
        if data["notebook"] == phase
        else "<td></td>"
        for phase in PHASES
    )
    return (
        f"<tr><td>{escape(data['began'][:19].replace('T', ' '))}</td><td>{escape(data['rollout'])}</td>{cells}"
        f'<td>{escape(data["operator"] or "unknown")}</td><td class="why">{escape(data["reason"][:200])}</td></tr>'
    )


def write(root: Path, records: list[tuple[Path, dict[str, Any]]]) -> Path:
    """Write the index over records, which come newest first; returns its path."""
    heads = "".join(f"<th>{escape(name)}</th>" for name in ("Began (UTC)", "Rollout", *PHASES, "By", "Why"))
    rows = printable("".join(_row(folder, root, data) for folder, data in records))
    path = root / "index.html"
    if path.is_symlink():
        path.unlink()  # what it leads to is none of ours to write
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Rollout records</title>'
        f"<style>{STYLE}</style></head><body><h1>Rollout records</h1>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></body></html>\n",
        encoding="utf-8",
    )
    return path
