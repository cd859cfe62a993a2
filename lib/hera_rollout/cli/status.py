"""`hera-rollout status`."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from hera_rollout.cli.answers import BAD_INPUT, plain_errors, records_folder

if TYPE_CHECKING:
    from hera_rollout.status import Status


@click.command()
@click.option("--target", default="lab", show_default=True, help="Where: a file in targets/, without .toml.")
@click.option("--watch", is_flag=True, help="Look again and again until Ctrl-C; in a pipe, a line a change.")
@click.option("--interval", type=click.FloatRange(0.5, 3600), default=5, show_default=True,
              help="Seconds between two looks of --watch.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As JSON; with --watch one object a line, at each change.")
@records_folder
@plain_errors
def status(target: str, watch: bool, interval: float, as_json: bool, folder: Path) -> None:
    """Show where the rollout stands: phase, rung, evidence, flag, lease, drift, what is in flight, the last records.

    Reads only: needs no lease, and says "not known: …" of whatever does not answer within the target's request
    timeout. Exit codes: 0 shown (--watch: ended by Ctrl-C or SIGTERM); 2 the target was refused, or its cluster
    cannot be reached, in which case what else can be seen is shown.
    """
    from hera_rollout import status as looking
    from hera_rollout.target import Target

    look = partial(looking.gather, Target.load(target), folder)
    # In a pipe a part stays one line, so that grep works.
    console = Console(highlight=False) if sys.stdout.isatty() else Console(width=240, highlight=False)
    if watch:
        looking.watch(look, interval, console, _line if as_json else None)
        return
    found = look()
    if as_json:
        click.echo(json.dumps(found.plain(), indent=1, ensure_ascii=False))
    else:
        console.print(looking.Screen(found))
    if isinstance(found.cluster, looking.Unknown):
        sys.exit(BAD_INPUT)


def _line(found: "Status") -> str:
    return json.dumps(found.plain(), ensure_ascii=False)
