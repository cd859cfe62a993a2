"""`hera-rollout roundtrip`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from hera_rollout import equivalence
from hera_rollout.cli import showing
from hera_rollout.cli.answers import plain_errors
from hera_rollout.roundtrip import Row

_STYLES: Final = {"same": "green", "changed": "yellow", "lost": "red", "refused": "red", "unreadable": "red"}
_ORDER: Final = ("same", "changed", "lost", "refused", "unreadable", "no workflow")


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--off", multiple=True, metavar="RULE", help="Switch one rule off.")
@click.option("--all", "show_all", is_flag=True, help="Show also what stays the same.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@plain_errors
def roundtrip(folder: Path, off: tuple[str, ...], show_all: bool, as_json: bool) -> None:
    """Take every manifest in FOLDER through Hera and back, and list what Hera would lose in each.

    Exit codes: 0 nothing lost or changed, 1 something is (or Hera refuses one, or one cannot be read),
    2 there is no workflow in the folder.
    """
    from hera_rollout.roundtrip import rows

    found = list(rows(folder, equivalence.without(off)))
    counts: Counter[str] = Counter(row.result for row in found)
    compared = sum(counts[result] for result in ("same", "changed", "lost", "refused"))
    if as_json:
        made = [row.as_json() for row in found]
        click.echo(json.dumps({"workflows": compared, "counts": counts, "rows": made}, indent=1, default=str))
    else:
        _show(found, counts, compared, show_all=show_all)
    if not compared and not counts["unreadable"]:
        sys.exit(2)
    sys.exit(1 if compared > counts["same"] or counts["unreadable"] else 0)


def _show(found: list[Row], counts: Counter[str], compared: int, *, show_all: bool) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for row in found:
        if not show_all and row.result in {"same", "no workflow"}:
            continue
        place = row.file if row.number <= 1 else f"{row.file} #{row.number}"
        what = " ".join(part for part in (row.kind, row.name) if part)
        console.print(Text(f"{row.result:11} ", _STYLES.get(row.result, "dim")) + Text(f"{place}  {what}"))
        if row.detail:
            console.print(Text(f"  {row.detail}", "dim"))
        if row.lost or row.changed:
            console.print(showing.table([*row.lost, *row.changed]))
    said = ", ".join(f"{counts[name]} {name}" for name in _ORDER if counts[name])
    console.print(f"{compared} workflows through Hera and back. Documents: {said or 'none'}.")
