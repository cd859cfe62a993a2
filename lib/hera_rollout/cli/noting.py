"""The rollout's state learns of a record once it is kept: whoever reads the state knows which runs there were."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hera_rollout.records import Record


def note(record: "Record") -> None:
    """Keep the record's seal in the rollout's state; a cluster out of reach is told, and no reason to fail.

    A run that changed nothing (dry run, refused, broken off before it began) is not noted.
    """
    from hera_rollout.cluster import Cluster
    from hera_rollout.errors import RolloutError
    from hera_rollout.state import RecordHash, State
    from hera_rollout.target import Target

    data = record.data
    if data["parameters"].get("dry_run", True) or not data["operator"]:
        return
    kept = RecordHash(
        at=datetime.fromisoformat(data["ended"]), rollout=data["rollout"], phase=data["notebook"],
        verdict=record.verdict, folder=record.folder.name, sha256=data["seal"],
    )  # fmt: skip
    try:
        State.load(Cluster.connect(Target.load(data["parameters"]["target"]))).recorded(kept, by=data["operator"])
    except RolloutError as error:
        click.echo(f"Note: the rollout's state does not know of this record. {error.seen}", err=True)
