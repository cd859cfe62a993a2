"""`hera-rollout records`."""

import json
import sys
import webbrowser
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hera_rollout.answers import plain
from hera_rollout.cli.answers import plain_errors, records_folder
from hera_rollout.cli.noting import note

# In a pipe a row stays one line, so that grep and awk work.
console = Console() if sys.stdout.isatty() else Console(width=240)


@click.group("records")
def records_group() -> None:
    """Look at the records of earlier runs, and prove that they are what was kept."""


@records_group.command("list")
@records_folder
@plain_errors
def list_records(folder: Path) -> None:
    """List records, newest first. Exit code 0, where there are none too."""
    from hera_rollout import records

    table = Table(box=None, pad_edge=False)
    for heading in ("BEGAN (UTC)", "ROLLOUT", "PHASE", "VERDICT", "TARGET", "BY", "RECORD"):
        table.add_column(heading, overflow="fold")
    found = list(records.find(folder))
    for record in found:
        data = record.data
        target, by = data["target"].get("name", ""), data["operator"]
        row = (data["began"][:19], data["rollout"], data["notebook"], record.verdict, target, by, record.folder)
        table.add_row(*(escape(plain(str(word), 4096)) for word in row))
    if found:
        console.print(table)
    else:
        click.echo(f"No records in {folder} yet: `hera-rollout run 01 --target lab` makes the first.")


@records_group.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="The whole record.json.")
@records_folder
@plain_errors
def show(name: str, as_json: bool, folder: Path) -> None:
    """Show one record: NAME is its folder's name, the beginning of it, or `last`.

    Exit codes: 0 shown, 2 there is no such record.
    """
    from hera_rollout import records

    record = records.named(folder, name)
    if as_json:
        click.echo(json.dumps(record.data, indent=1, ensure_ascii=False))
        return
    data = record.data
    click.echo(f"{record.verdict}  {data['notebook']} of rollout {data['rollout']}: {data['reason']}")
    click.echo(f"Began {data['began']}, ended {data['ended']}, by {data['operator'] or 'unknown'}")
    for check in data["checks"]:
        click.echo(f"  {check['verdict']:4}  {check['name']}: {check['seen']}")
    click.echo(f"Next: {data['next'] or 'see the report'}")
    click.echo(f"Report: {record.report}")


@records_group.command()
@click.argument("name", default="all")
@click.option("--recompute", is_flag=True, help="Also judge it again from its evidence alone.")
@records_folder
@plain_errors
def verify(name: str, recompute: bool, folder: Path) -> None:
    """Prove that a record, or all of them, is what was kept. Exit code 1 if one is not, or there is none."""
    from hera_rollout import records

    chosen = list(records.find(folder)) if name == "all" else [records.named(folder, name)]
    others = list(records.unreadable(folder)) if name == "all" else []
    faults = len(others)
    for place, fault in others:
        click.echo(f"✗ {place.name}: {fault}")
    for record in chosen:
        found = list(records.verify(record.folder))
        found += list(records.recompute(record.folder)) if recompute and not found else []
        faults += len(found)
        for fault in found:
            click.echo(f"✗ {record.folder.name}: {fault}")
        if not found:
            click.echo(f"✓ {record.folder.name}: as it was kept{', and judged the same again' if recompute else ''}")
    click.echo(f"{len(chosen) + len(others)} records looked at, {faults} faults found")
    sys.exit(1 if faults or not chosen else 0)


@records_group.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@records_folder
@plain_errors
def add(notebook: Path, folder: Path) -> None:
    """Make a record of a NOTEBOOK that plain papermill ran.

    Exit codes: 0 kept, whatever its verdict is; 2 it cannot be read.
    """
    from hera_rollout import records

    record = records.add(notebook, folder)
    note(record)
    click.echo(f"{record.verdict}  {record.data['notebook']}: {record.data['reason']}")
    click.echo(f"Record: {record.report}")


@records_group.command("open")
@click.argument("name", default="last")
@records_folder
@plain_errors
def open_record(name: str, folder: Path) -> None:
    """Open a record's report in the browser, and print where it is.

    Exit codes: 0 printed, 2 there is no such record.
    """
    from hera_rollout import records

    report = records.named(folder, name).report.resolve()
    click.echo(str(report))
    webbrowser.open(report.as_uri())
