"""`hera-rollout rollback`."""

import getpass
import socket
import sys
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table

from hera_rollout.cli.answers import plain_errors

if TYPE_CHECKING:
    from hera_rollout.cluster import Cluster
    from hera_rollout.rollback import RollbackResult

HOLD: Final = 3
BROKEN_OFF: Final = 4


@click.command()
@click.option("--target", required=True, help="Where: a file in targets/, without .toml.")
@click.option("--yes", is_flag=True, help="Do it; without this the patch is shown and nothing is changed.")
@click.option("--observe", type=click.FloatRange(0, 3600), default=10, show_default=True,
              help="Seconds to watch for workflows that Hera still makes.")  # fmt: skip
@click.option("--operator", default="", help="Who rolls back, for the rollout's state; else the login name.")
@plain_errors
def rollback(target: str, yes: bool, observe: float, operator: str) -> None:
    """Turn the flag off, see every pod report it, and see that Hera makes no more workflows.

    Needs no lease and no backend that answers. Exit codes: 0 rolled back and shown to be; 1 Hera still made a
    workflow, or the flag could not be turned; 2 refused; 3 HOLD: without --yes, or not all could be shown;
    4 broken off (the flag may be off all the same: run it again).
    """
    from hera_rollout import rollback as rolling
    from hera_rollout.backend import Backend
    from hera_rollout.cluster import Cluster
    from hera_rollout.target import Target
    from hera_rollout.workflows import Workflows

    place = Target.load(target)
    cluster = Cluster.connect(place)
    _tell_holder(cluster)
    if not yes:
        _show(cluster)
        sys.exit(HOLD)
    by = f"{operator or getpass.getuser()}@{socket.gethostname()} (hera-rollout rollback)"
    try:
        result = rolling.quick(cluster, Backend(place), Workflows(place, cluster), by=by, observe_seconds=observe,
                               on_progress=lambda line: click.echo(f"  {line}", err=True))  # fmt: skip
    except KeyboardInterrupt:
        click.echo("Broken off: the flag may be off all the same. Run it again to see.", err=True)
        sys.exit(BROKEN_OFF)
    _report(result)
    sys.exit(1 if not result.clean else HOLD if not result.verified else 0)


def _tell_holder(cluster: "Cluster") -> None:
    """Who is at work on this rollout: no reason not to roll back, but they should know."""
    from hera_rollout import state
    from hera_rollout.errors import RolloutError

    try:
        found = state.holder(cluster)
    except RolloutError:
        return
    if found:
        click.echo(f"Note: {found.holder} is at work on this rollout ({found.doing or 'unknown'}); tell them.")


def _show(cluster: "Cluster") -> None:
    """The patch, and how to have it applied."""
    from hera_rollout import flag

    change = flag.plan(cluster, enabled=False)
    click.echo(change.diff() or "Nothing to change: the flag is off in its medium already.")
    click.echo(f"Command: {change.command}")
    click.echo("HOLD: nothing was changed. Run it again with --yes to turn the flag off and watch it take effect.")


def _report(result: "RollbackResult") -> None:
    """The sentences, then the table of what is in flight."""
    verdict = result.check()
    click.echo("\n".join(result.sentences()))
    if not result.in_flight.empty:
        table = Table(box=None, pad_edge=False)
        for heading in result.in_flight.columns:
            table.add_column(heading.upper(), overflow="fold")
        for row in result.in_flight.itertuples(index=False):
            table.add_row(*(str(value) for value in row))
        (Console() if sys.stdout.isatty() else Console(width=240)).print(table)
    click.echo(f"{verdict.verdict.value}  {result.command}")
    if verdict.todo:
        click.echo(f"Next: {verdict.todo}")
