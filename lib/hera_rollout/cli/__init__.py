"""The command `hera-rollout`."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import click
import yaml
from rich.console import Console
from rich.table import Table

from hera_rollout.errors import Refused, RolloutError
from hera_rollout.parameters import MODELS

P = ParamSpec("P")
BAD_INPUT = 2
# In a pipe a row stays one line, so that grep and awk work.
console = Console() if sys.stdout.isatty() else Console(width=240)


def _plain_errors(command: Callable[P, None]) -> Callable[P, None]:
    """An error of the kit is text and an exit code, never a stack trace."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Refused as error:
            click.echo(f"Refused: {error}", err=True)
            sys.exit(BAD_INPUT)
        except RolloutError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            sys.exit(1)

    return wrapped


@click.group()
@click.version_option(package_name="hera-rollout-kit")
def main() -> None:
    """Walk a backend from Argo Workflows YAML templates to the Hera SDK, phase by phase, with a record of each."""


def _notebook(phase: str) -> Path:
    """The notebook of a phase, found from the current folder upward, by number, name or path."""
    if phase.endswith(".ipynb"):
        return Path(phase)
    for folder in (Path.cwd(), *Path.cwd().parents):
        found = sorted((folder / "notebooks").glob(f"{phase}*.ipynb"))
        if found:
            return found[0]
    raise Refused(
        f"There is no notebook for phase {phase!r}.",
        expected=f"one of {', '.join(MODELS)} (or its number) in a folder notebooks/ here or above",
        todo="Run this in the kit's checkout, or give the path of the notebook.",
    )


def _typed(notebook: str, given: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Values as the phase's model declares them: text stays text, so that 1.10 is not 1.1; the rest is read as YAML."""
    fields = MODELS[notebook].model_fields if notebook in MODELS else {}
    return {
        name: value if name not in fields or fields[name].annotation is str else yaml.safe_load(value)
        for name, value in given
    }


@main.command()
@click.argument("phase")
@click.option("--target", help="Where to roll out to: a file in targets/, without .toml.")
@click.option("-p", "--parameter", "given", multiple=True, type=(str, str), help="A parameter of the notebook.")
@click.option("--records", "folder", type=click.Path(path_type=Path), default=Path("records"), show_default=True)
@click.option("--cell-timeout", type=click.IntRange(1), default=1800, show_default=True, help="Seconds a cell may run.")
@_plain_errors
def run(phase: str, target: str | None, given: tuple[tuple[str, str], ...], folder: Path, cell_timeout: int) -> None:
    """Run one PHASE (01, or a notebook's path) and keep its record.

    Exit codes: 0 PASS, 1 FAIL, 2 bad input or refused, 3 HOLD (a dry run too), 4 broken off.
    """
    from hera_rollout import records

    source = _notebook(phase)
    parameters = _typed(source.stem, given) | ({"target": target} if target else {})
    record = records.run(source, parameters, folder=folder, cell_timeout=cell_timeout, progress=sys.stderr.isatty())
    click.echo(f"{record.verdict}  {source.stem}: {record.data['reason']}")
    if record.data["next"]:
        click.echo(f"Next: {record.data['next']}")
    click.echo(f"Record: {record.report}")
    sys.exit(record.exit_code)


@main.group("records")
def records_group() -> None:
    """Look at the records of earlier runs."""


@records_group.command("list")
@click.option("--records", "folder", type=click.Path(path_type=Path), default=Path("records"), show_default=True)
@_plain_errors
def list_records(folder: Path) -> None:
    """List records, newest first."""
    from hera_rollout import records

    table = Table(box=None, pad_edge=False)
    for heading in ("BEGAN (UTC)", "ROLLOUT", "PHASE", "VERDICT", "TARGET", "BY", "RECORD"):
        table.add_column(heading, overflow="fold")
    found = list(records.find(folder))
    for record in found:
        data = record.data
        table.add_row(data["began"][:19], data["rollout"], data["notebook"], record.verdict,
                      data["target"].get("name", ""), data["operator"], str(record.folder))  # fmt: skip
    if found:
        console.print(table)
    else:
        click.echo(f"No records in {folder} yet: `hera-rollout run 01 --target lab` makes the first.")
