"""How every command answers: text and an exit code, never a stack trace."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, ParamSpec

import click

from hera_rollout.errors import Refused, RolloutError

P = ParamSpec("P")
BAD_INPUT: Final = 2
HOLD: Final = 3

records_folder = click.option(
    "--records", "folder", type=click.Path(path_type=Path), default=Path("records"), show_default=True,
    help="Where records are kept.",
)  # fmt: skip


def plain_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn the kit's errors into text on stderr: exit code 2 where it refused, 1 otherwise."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except Refused as error:
            click.echo("\n".join([f"Refused: {error}", *getattr(error, "__notes__", [])]), err=True)
            sys.exit(BAD_INPUT)
        except RolloutError as error:
            click.echo(f"{type(error).__name__}: {error}", err=True)
            sys.exit(1)

    return wrapped
