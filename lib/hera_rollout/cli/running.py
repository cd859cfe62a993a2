"""`hera-rollout run`."""

import os
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from hera_rollout.answers import plain
from hera_rollout.cli.answers import HOLD, plain_errors, records_folder
from hera_rollout.cli.going_on import open_rollout
from hera_rollout.cli.noting import note
from hera_rollout.errors import Refused
from hera_rollout.parameters import MODELS
from hera_rollout.parameters import RECORDS_VARIABLE as FOLDER


def notebook_of(phase: str) -> Path:
    """The notebook of a phase, found from the current folder upward, by number, name or path.

    Raises:
        Refused: there is none.
    """
    if phase.endswith(".ipynb"):
        return Path(phase)
    for folder in (Path.cwd(), *Path.cwd().parents):
        # No pattern from outside: a phase is a number or a name, never a path.
        found = sorted(path for path in (folder / "notebooks").glob("*.ipynb") if path.stem.startswith(phase))
        if found:
            return found[0]
    raise Refused(
        f"There is no notebook for phase {phase!r}.",
        expected=f"one of {', '.join(MODELS)} (or its number) in a folder notebooks/ here or above",
        todo="Run this in the kit's checkout, or give the path of the notebook.",
    )


def typed(notebook: str, given: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Values as the phase's model declares them: text stays text, so that 1.10 is not 1.1; the rest is read as YAML.

    Raises:
        Refused: a value is no YAML.
    """
    fields = MODELS[notebook].model_fields if notebook in MODELS else {}
    return {
        name: value if name not in fields or fields[name].annotation is str else _read(name, value)
        for name, value in given
    }


def _read(name: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise Refused(
            f"{name} = {plain(value, 80)!r} cannot be read: {plain(str(error))}",
            expected='a number, true or false, or a list such as ["simple", "rerun"].',
            todo="Correct the parameter and run again; nothing was touched.",
        ) from None


@click.command()
@click.argument("phase")
@click.option("--target", help="Where to roll out to: a file in targets/, without .toml.")
@click.option("-p", "--parameter", "given", multiple=True, type=(str, str), help="A parameter of the notebook.")
@records_folder
@click.option("--cell-timeout", type=click.IntRange(1), default=1800, show_default=True, help="Seconds a cell may run.")
@click.option("--only-open", is_flag=True, help="Go on with a run that was left open; exit 0 if there is none.")
@click.option("--hold-is-fine", is_flag=True, help="Exit 0 on HOLD too: for a CronJob, whose next run goes on with it.")
@plain_errors
def run(
    *,
    phase: str,
    target: str | None,
    given: tuple[tuple[str, str], ...],
    folder: Path,
    cell_timeout: int,
    only_open: bool,
    hold_is_fine: bool,
) -> None:
    """Run one PHASE (01, or a notebook's path) and keep its record.

    Exit codes: 0 PASS, 1 FAIL, 2 bad input or refused, 3 HOLD (a dry run too), 4 broken off. What goes on by itself,
    such as a CronJob, takes --only-open and --hold-is-fine.
    """
    from hera_rollout import records
    from hera_rollout.display import PROGRESS_VARIABLE

    source = notebook_of(phase)
    os.environ[FOLDER] = str(folder.resolve())  # the kernel inherits it: an entry gate looks there
    os.environ[PROGRESS_VARIABLE] = f"/proc/{os.getpid()}/fd/2"  # and tells its progress here
    parameters = typed(source.stem, given) | ({"target": target} if target else {})
    if only_open:
        rollout = open_rollout(source.stem, str(parameters.get("target", "lab")), parameters)
        if not rollout:
            click.echo(f"No run of {source.stem} is open: nothing to go on with, and nothing was run.")
            return
        parameters["rollout"] = rollout
    record = records.run(source, parameters, folder=folder, cell_timeout=cell_timeout, progress=sys.stderr.isatty())
    note(record)
    click.echo(f"{record.verdict}  {source.stem}: {record.data['reason']}")
    if record.data["next"]:
        click.echo(f"Next: {record.data['next']}")
    click.echo(f"Record: {record.report}")
    sys.exit(0 if hold_is_fine and record.exit_code == HOLD else record.exit_code)
