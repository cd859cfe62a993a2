"""`hera-rollout approve`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from hera_rollout.cli.answers import plain_errors
from hera_rollout.cli.naming import refuse_phase, refuse_rollout
from hera_rollout.errors import Refused

_OPTIONS: Final = {"approver": "--by", "reason": "--reason", "rung": "--rung", "what": "--what", "": "--rung or --what"}


@click.command()
@click.option("--rollout", required=True, help="The rollout's id, such as backend-2026-11.")
@click.option("--phase", required=True, help="The notebook's name, such as 03_canary.")
@click.option("--rung", type=click.FloatRange(0, 100, min_open=True), help="The percentage that may be gone to.")
@click.option("--what", default="", help="Anything else that may be done, in the words it was asked for by.")
@click.option("--reason", required=True, help="Why: what you looked at.")
@click.option("--by", default="", help="Who approves; else the login name.")
@click.option("--hours", type=click.FloatRange(0, 24 * 90, min_open=True), default=24, show_default=True,
              help="How long it counts.")  # fmt: skip
@click.option("--code-revision", default="", help="Of the service; it then counts for no other.")
@click.option("--file", "path", type=click.Path(path_type=Path, dir_okay=False),
              help="TOML or JSON to add it to.  [default: approvals/ROLLOUT.toml]")  # fmt: skip
@plain_errors
def approve(
    *, rollout: str, phase: str, rung: float | None, what: str, reason: str, by: str, hours: float,
    code_revision: str, path: Path | None,
) -> None:  # fmt: skip
    """Approve one rung or one change of a phase: added to a file that the notebook reads.

    Nothing on a cluster is touched. Exit codes: 0 written, 2 refused.
    """
    from pydantic import ValidationError

    from hera_rollout.approvals import Approval, add
    from hera_rollout.approvals.documents import faults
    from hera_rollout.parameters import login

    refuse_phase(phase)
    refuse_rollout(rollout)
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        approval = Approval(
            approver=by or login(), reason=reason, rollout=rollout, phase=phase, rung=rung, what=what, at=now,
            expires=now + timedelta(hours=hours), code_revision=code_revision,
        )  # fmt: skip
    except ValidationError as error:
        told = "; ".join(faults(error, _OPTIONS))
        raise Refused(f"This approves nothing: {told}.", todo="Correct it; nothing was written.") from None
    place = path or Path("approvals") / f"{rollout}.toml"
    add(place, approval)
    subject = what or f"rung {rung:g} %"
    click.echo(f"{approval.approver} approves {subject} in {phase} of rollout {rollout}, until "
               f"{approval.expires:%Y-%m-%d %H:%M:%S} UTC: {approval.reason}")  # fmt: skip
    click.echo(f"Written to {place}. Next: hera-rollout run {phase[:2]} -p approval {place}")
