"""`hera-rollout doctor`."""

import json
import sys
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hera_rollout.cli.answers import HOLD, plain_errors

if TYPE_CHECKING:
    from hera_rollout.gates import Check

_CODES: Final = {"PASS": 0, "FAIL": 1, "HOLD": HOLD}
_STYLES: Final = {"PASS": "green", "FAIL": "bold red", "HOLD": "yellow"}


@click.command()
@click.option("--target", required=True, help="Where: a file in targets/, without .toml.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: one object a check, with its evidence.")
@plain_errors
def doctor(target: str, as_json: bool) -> None:
    """Make every check of the preflight, as each notebook's first step does, and nothing else.

    Reads only. Exit codes: 0 PASS: a phase may begin; 1 at least one FAIL; 2 refused: there is no such target, or its
    cluster cannot be reached; 3 HOLD: no FAIL, but something could not be told.
    """
    from hera_rollout import preflight
    from hera_rollout.cluster import Cluster
    from hera_rollout.gates import worst
    from hera_rollout.target import Target
    from hera_rollout.workflows import Workflows

    place = Target.load(target)
    cluster = Cluster.connect(place)
    checks = list(preflight.checks(place, cluster, Workflows(place, cluster)))
    if as_json:
        click.echo(json.dumps([check.as_dict() for check in checks], indent=1, ensure_ascii=False))
    else:
        _show(checks)
    sys.exit(_CODES[worst(check.verdict for check in checks)])


def _show(checks: "list[Check]") -> None:
    """A table, then what to do about each line that is not PASS, where it can be copied."""
    # In a pipe nothing is cut, so that grep works.
    console = Console(highlight=False) if sys.stdout.isatty() else Console(width=400, highlight=False)
    made = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    made.add_column("VERDICT", no_wrap=True)
    made.add_column("CHECK", no_wrap=True)
    made.add_column("SEEN", overflow="fold")
    for check in checks:
        made.add_row(Text(check.verdict.label, _STYLES[check.verdict]), Text(check.name), Text(check.seen))
    console.print(made)
    for check in checks:
        if check.verdict != "PASS":
            console.print(Text(f"\n{check.sentence()}"), soft_wrap=True)
    console.print(Text(f"\n{_summary(checks)}", "bold"))


def _summary(checks: "list[Check]") -> str:
    """The last line: how many of them are PASS."""
    good = sum(check.verdict == "PASS" for check in checks)
    return f"{good} of {len(checks)} checks are PASS" + (": a phase may begin." if good == len(checks) else ".")
