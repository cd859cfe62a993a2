"""Tables that read well in JupyterLab, in a report, in print and in a terminal."""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Any, Final

import pandas as pd

from hera_rollout.display.outputs import show
from hera_rollout.gates import Check, Verdict

MAX_ROWS: Final = 40
MAX_CELL: Final = 400
MAX_KEPT: Final = 1000
SHORT: Final = 36
"""A value of at most so many characters is not broken over lines."""

STYLE: Final = """<style>
.hr-table{border-collapse:collapse;font-size:13px;margin:2px 0 10px;max-width:100%}
.hr-table th{text-align:left!important;border-bottom:2px solid #8a8f94;padding:3px 12px 3px 0!important;font-weight:600;
white-space:nowrap}
.hr-table td{text-align:left!important;border-bottom:1px solid #d5d8da;padding:3px 12px 3px 0!important;
vertical-align:top!important;white-space:pre-wrap;overflow-wrap:anywhere;min-width:3em}
.hr-table td:not(.hr-short){min-width:14em}.hr-table td.hr-short{white-space:nowrap;overflow-wrap:normal}
.hr-scroll{overflow-x:auto}.hr-title{font-weight:600;margin:6px 0 0}
.hr-command{font-family:monospace;font-size:12px;color:#5B6770;margin:0 0 3px;overflow-wrap:anywhere}
.hr-PASS{color:#007A5A;font-weight:600}.hr-FAIL{color:#C43E00;font-weight:600}.hr-HOLD{color:#5B6770;font-weight:600}
.hr-diff{font-family:monospace!important;font-size:12px!important;line-height:1.35!important;
border-left:3px solid #8a8f94;padding-left:8px;
overflow-x:auto;white-space:pre}
.hr-fold summary{cursor:pointer}
.hr-add{color:#007A5A}.hr-del{color:#C43E00}
</style>"""


def cell(value: object) -> str:
    """One value as text: bounded, with missing values empty."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, datetime):
        return "" if pd.isna(value) else f"{value:%Y-%m-%d %H:%M:%S}"
    text = str(value)
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}… ({len(text)} characters)"


def _html_cell(value: object) -> str:
    """One value as an escaped table cell; a verdict carries its colour beside its word."""
    text = cell(value)
    colors = [f" hr-{verdict.value}" for verdict in Verdict if text == verdict.label]
    name = ("hr-short" if len(text) <= SHORT else "") + "".join(colors)
    return f'<td class="{name}">{escape(text)}</td>'


def html(frame: pd.DataFrame) -> str:
    """A frame as an HTML table; everything in it is escaped."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    rows = "".join(
        "<tr>" + "".join(_html_cell(value) for value in row) + "</tr>"
        for row in frame.head(MAX_ROWS).itertuples(index=False)
    )
    return f'<div class="hr-scroll"><table class="hr-table"><tr>{head}</tr>{rows}</table></div>'


def text(frame: pd.DataFrame) -> str:
    """A frame as plain text."""
    cells = frame.head(MAX_ROWS).map(cell)
    return "(no rows)" if cells.empty else str(cells.to_string(index=False, justify="left"))


def _remainder(frame: pd.DataFrame) -> str:
    """What the table leaves out, said aloud."""
    left = len(frame) - MAX_ROWS
    if frame.empty:
        return "No rows."
    return f"{left} more rows are in the record's evidence." if left > 0 else ""


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as plain JSON data, for the record; bounded, since a notebook is read whole."""
    kept = frame.head(MAX_KEPT).to_dict(orient="records")
    return [{str(key): cell(value) for key, value in row.items()} for row in kept]


def table(frame: pd.DataFrame, title: str = "", *, command: str | None = None, folded: bool = False) -> None:
    """Show a frame under its title and under the command line it stands for.

    Args:
        frame: any frame; ``frame.attrs["command"]`` is used where no command is given.
        title: what it shows.
        command: the kubectl, argo or PromQL line that shows the same.
        folded: whether a reader opens it by a click on its title; printed and as text it is always there.
    """
    line = command if command is not None else str(frame.attrs.get("command", ""))
    rest = _remainder(frame)
    heading = f"{title} ({len(frame)})" if folded else title
    body = (
        (f'<div class="hr-command">$ {escape(line)}</div>' if line else "")
        + (html(frame) if not frame.empty else "")
        + (f"<div>{escape(rest)}</div>" if rest else "")
    )
    markup = STYLE + (
        f'<details class="hr-fold"><summary class="hr-title">{escape(heading)}</summary>{body}</details>'
        if folded
        else (f'<div class="hr-title">{escape(title)}</div>' if title else "") + body
    )
    plain = "\n".join(
        part for part in (title, line and f"$ {line}", text(frame), len(frame) > MAX_ROWS and rest) if part
    )
    show(markup, plain, kind="table", evidence={"title": title, "command": line, "rows": rows(frame)})


def checks_frame(checks: Iterable[Check]) -> pd.DataFrame:
    """Checks as a table, the red rows first, then the undecided ones."""
    order = {Verdict.FAIL: 0, Verdict.HOLD: 1, Verdict.PASS: 2}
    ranked = sorted(checks, key=lambda check: order[check.verdict])
    return pd.DataFrame(
        [
            {
                "verdict": check.verdict.label,
                "check": check.name,
                "criterion": check.criterion,
                "seen": check.seen,
                "expected": check.expected,
                "whose limit": check.limit_source,
                "what to do": "" if check.verdict is Verdict.PASS else check.todo,
            }
            for check in ranked
        ],
        columns=["verdict", "check", "criterion", "seen", "expected", "whose limit", "what to do"],
    )


def _diff_line(line: str) -> str:
    """One line of a diff, marked by sign and by colour."""
    kind = {"+": "hr-add", "-": "hr-del"}.get(line[:1], "")
    return f'<span class="{kind}">{escape(line)}</span>' if kind else escape(line)


def diff(patch: str, title: str, *, command: str = "") -> None:
    """Show a unified diff, and the command line that would do the same."""
    lines = "\n".join(_diff_line(line) for line in patch.splitlines())
    markup = (
        f'{STYLE}<div class="hr-title">{escape(title)}</div>'
        + (f'<div class="hr-command">$ {escape(command)}</div>' if command else "")
        + f'<pre class="hr-diff">{lines}</pre>'
    )
    plain = "\n".join(part for part in (title, command and f"$ {command}", patch) if part)
    show(markup, plain, kind="diff", evidence={"title": title, "command": command, "patch": patch})
