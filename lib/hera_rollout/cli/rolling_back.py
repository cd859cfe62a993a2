"""`hera-rollout rollback`."""

import socket
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hera_rollout.cli.answers import HOLD, plain_errors

if TYPE_CHECKING:
    from pandas import DataFrame

    from hera_rollout.cluster import Cluster
    from hera_rollout.rollback import Policy, RollbackResult

BROKEN_OFF: Final = 4


@click.command()
@click.option("--target", required=True, help="Where: a file in targets/, without .toml.")
@click.option("--yes", is_flag=True, help="Do it; without this the patch is shown and nothing is changed.")
@click.option("--full", is_flag=True, help="Put back the revision from before phase 1 too, not the flag alone.")
@click.option("--in-flight", "policy", type=click.Choice(["list", "drain", "stop", "resubmit"]), default="list",
              show_default=True, help="What becomes of Hera's workflows that have not ended: left; waited for; "
              "stopped; stopped and their tasks run again by YAML, none twice.")  # fmt: skip
@click.option("--workflow", "names", multiple=True, metavar="NAME",
              help="Also deal so with this one in flight, of which it is not known by which path or by whose service "
              "it was made; again for each.")  # fmt: skip
@click.option("--evidence", type=click.Path(file_okay=False, path_type=Path), default=None,
              help="Folder for what is known of a workflow before it is stopped; else rollback-TIME here.")  # fmt: skip
@click.option("--observe", type=click.FloatRange(0, 3600), default=10, show_default=True,
              help="Seconds to watch for workflows that Hera still makes.")  # fmt: skip
@click.option("--operator", default="", help="Who rolls back, for the rollout's state; else the login name.")
@plain_errors
def rollback(  # noqa: PLR0917 the command line's own options
    target: str,
    yes: bool,
    full: bool,
    policy: "Policy",
    names: tuple[str, ...],
    evidence: Path | None,
    observe: float,
    operator: str,
) -> None:
    """Turn the flag off, see every pod report it, and see that Hera makes no more workflows.

    Every provider that can bring Hera back is turned off: the flag's file first, for it is in effect at once, then the
    variable, for which pods restart. With medium manual the variable is left to whoever deploys the service. Needs no
    lease and no backend that answers. Exit codes: 0 rolled back and shown to be; 1 Hera still made a workflow, or the
    flag could not be turned; 2 refused; 3 HOLD: without --yes, or not all could be shown; 4 broken off (the flag may be
    off all the same: run it again).
    """
    from hera_rollout.cluster import Cluster
    from hera_rollout.parameters import login
    from hera_rollout.target import Target

    if names and policy == "list":
        raise click.UsageError("--workflow says which, not what: add --in-flight drain, stop or resubmit.")
    cluster = Cluster.connect(Target.load(target))
    _tell_holder(cluster)
    _tell_owner(cluster)
    if not yes:
        _show(cluster, full)
        sys.exit(HOLD)
    by = f"{operator or login()}@{socket.gethostname()} (hera-rollout rollback)"
    try:
        result, code = _rolled(cluster, full, by, observe)
        handled = _handled(cluster, policy, result, names, evidence, by)
    except KeyboardInterrupt:
        click.echo("Broken off: the flag may be off all the same. Run it again to see.", err=True)
        sys.exit(BROKEN_OFF)
    sys.exit(code or handled)


def _progress(line: str) -> None:
    click.echo(f"  {line}", err=True)


def _rolled(cluster: "Cluster", full: bool, by: str, observe: float) -> "tuple[RollbackResult, int]":
    """Roll back, report, and the exit code."""
    from hera_rollout import rollback as rolling
    from hera_rollout.backend import Backend
    from hera_rollout.workflows import Workflows

    place = cluster.target
    way = rolling.full if full else rolling.quick
    result = way(cluster, Backend(place), Workflows(place, cluster), by=by, observe_seconds=observe,
                 on_progress=_progress)  # fmt: skip
    _report(result)
    return result, 1 if not result.clean else 0 if result.verified else HOLD


def _handled(  # noqa: PLR0917
    cluster: "Cluster",
    policy: "Policy",
    result: "RollbackResult",
    named: tuple[str, ...],
    evidence: Path | None,
    by: str,
) -> int:
    """Deal with Hera's in flight, and with those named, as the policy says, and report it; the exit code."""
    from hera_rollout import rollback as rolling
    from hera_rollout.backend import Backend
    from hera_rollout.workflows import Workflows

    names = list(dict.fromkeys([*result.in_flight["name"], *named]))
    if policy == "list" or not names:
        return 0
    place = cluster.target
    handled = rolling.handle(
        policy, cluster, Backend(place), Workflows(place, cluster), names,
        folder=evidence or Path(f"rollback-{result.began:%Y-%m-%dT%H%M%SZ}"), by=by,
        deadline_seconds=float(place.limits.workflow_deadline_seconds), on_progress=_progress,
    )  # fmt: skip
    check = handled.check()
    _print(handled.frame())
    if handled.folder:
        click.echo(f"What was known of them before they were touched: {handled.folder}")
    click.echo(f"{check.verdict.value}  {check.seen}")
    if check.todo:
        click.echo(f"Next: {check.todo}")
    return 0 if check.verdict.value == "PASS" else HOLD


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


def _tell_owner(cluster: "Cluster") -> None:
    """Whether Git owns what is changed here, and what to commit to it."""
    from hera_rollout import flag
    from hera_rollout.cluster import environment, ownership
    from hera_rollout.errors import RolloutError

    place = cluster.target
    try:
        found = ownership.owner(environment.read(cluster.connection, place))
    except RolloutError:
        return
    medium = place.flag.medium
    if found and medium != "manual":
        click.echo(f"Note: {found.sentence(f'deployment/{place.deployment}')}\nTo commit:")
        click.echo(textwrap.indent(flag.to_commit(place, medium, enabled=False), "  "))


def _show(cluster: "Cluster", full: bool) -> None:
    """Every patch, in its order, and how to have them applied."""
    from hera_rollout import flag

    found = flag.to_turn_off(cluster)
    for change in flag.plans_off(cluster, found):
        click.echo(change.diff() or "Nothing to change: the flag is off in its medium already.")
        click.echo(f"Command: {change.command}")
    if found.by_hand:
        click.echo(f"To do {found.by_hand}")
    for line in found.unread:
        click.echo(f"Not known: {line}")
    if full:
        _show_revision(cluster)
    click.echo("HOLD: nothing was changed. Run it again with --yes to turn the flag off and watch it take effect.")


def _show_revision(cluster: "Cluster") -> None:
    """What would be put back, or why it cannot be."""
    from hera_rollout import state
    from hera_rollout.errors import RolloutError
    from hera_rollout.rollback import planned

    try:
        good = state.State.load(cluster).facts.known_good
        if good is None:
            click.echo("No revision was recorded as known good: only the flag would be turned off.")
            return
        wanted = planned(cluster, good)
    except RolloutError as error:
        click.echo(f"The revision from before phase 1 cannot be put back: {error.seen} {error.todo}".rstrip())
        return
    click.echo(wanted.diff() or f"Nothing to change: the Deployment has the template of {good.at:%Y-%m-%d %H:%M} UTC.")
    click.echo(f"Command: {wanted.command}")


def _report(result: "RollbackResult") -> None:
    """The sentences, then the table of what is in flight."""
    verdict = result.check()
    click.echo("\n".join(result.sentences()))
    if not result.in_flight.empty:
        _print(result.in_flight)
    if not result.unknown_in_flight.empty:
        click.echo(
            "In flight, not known by which path or whose (to deal with one: --in-flight POLICY --workflow NAME):"
        )
        _print(result.unknown_in_flight)
    click.echo(f"{verdict.verdict.value}  {result.command}")
    if verdict.todo:
        click.echo(f"Next: {verdict.todo}")


def _print(frame: "DataFrame") -> None:
    table = Table(box=None, pad_edge=False)
    for heading in frame.columns:
        table.add_column(heading.upper(), overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(Text(str(value)) for value in row))
    (Console() if sys.stdout.isatty() else Console(width=240)).print(table)
