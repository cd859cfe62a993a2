"""`hera-rollout flag-scan`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hera_rollout.cli.answers import HOLD, plain_errors

if TYPE_CHECKING:
    from hera_rollout.cleanup.scanning import Scan


@click.command("flag-scan")
@click.argument("folder", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--flag", default="USE_HERA_SDK", show_default=True, help="The flag's environment variable.")
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
@plain_errors
def flag_scan(folder: Path, flag: str, as_json: bool) -> None:
    """Where is the flag in a service's source, in which shapes, and what would a cleanup leave to a person.

    Nothing is changed. Exit codes: 0 a cleanup would leave nothing (or the flag is nowhere), 1 something went wrong,
    2 bad input or refused, 3 some places are left to a person.
    """
    from hera_rollout.cleanup.scanning import scan

    found = scan(folder, flag)
    if as_json:
        click.echo(json.dumps(found.document(), indent=1, ensure_ascii=False))
    else:
        _show(found)
    sys.exit(HOLD if found.left or found.unread else 0)


def _show(found: "Scan") -> None:
    for place in found.places:
        click.echo(f"  {place.file}:{place.line}: {place.shape}: {place.text}")
    for place in found.left:
        click.echo(f"✗ {place.file}:{place.line}: {place.why}: {place.text}")
    for reason in found.unread:
        click.echo(f"✗ {reason}")
    shapes = ", ".join(f"{count} {shape}" for shape, count in found.shapes.most_common())
    where = (
        f"in {len(found.named_files)} of {found.files} files"
        if found.named_files
        else f"in none of {found.files} files"
    )
    click.echo(f"{found.subject.flag} {where}" + (f": {shapes}" if shapes else ""))
    left = len(found.left) + len(found.unread)
    click.echo(f"A cleanup would deal with {len(found.places)} places and leave {left} to a person")
