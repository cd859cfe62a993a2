"""`hera-rollout notify`."""

import sys
from typing import TYPE_CHECKING, cast

import click

from hera_rollout.cli.answers import HOLD, plain_errors
from hera_rollout.cli.naming import refuse_phase, refuse_rollout

if TYPE_CHECKING:
    from hera_rollout.notify import Facts, Moment, Notice


@click.command()
@click.option("--target", required=True, help="Where: a file in targets/, without .toml.")
@click.option("--moment", required=True, type=click.Choice(["before", "during", "after", "rolled-back"]),
              help="Of the rollout.")  # fmt: skip
@click.option("--rollout", required=True, help="The rollout's id, such as backend-2026-11.")
@click.option("--phase", default="", help="The notebook's name, such as 03_canary.")
@click.option("--verdict", default="", type=click.Choice(["", "PASS", "FAIL", "HOLD"]), help="If there is one yet.")
@click.option("--status", default="", help="How it stands, in a sentence.")
@click.option("--record", default="", help="The record's folder.")
@click.option("--by", default="", help="Who is at work; else the login name.")
@plain_errors
def notify(
    *, target: str, moment: str, rollout: str, phase: str, verdict: str, status: str, record: str, by: str
) -> None:
    """Tell everybody whom the target names where a rollout stands, with the guide's list for that moment.

    Addresses are Apprise's, from the environment variable that the target names; they are never printed.
    Nothing on a cluster is touched. Exit codes: 0 every address took it; 2 refused; 3 HOLD: one did not, or there
    is none.
    """
    from hera_rollout import notify as notifying
    from hera_rollout.parameters import login
    from hera_rollout.redaction import REDACTOR
    from hera_rollout.target import Target

    refuse_rollout(rollout)
    if phase:
        refuse_phase(phase)
    place = Target.load(target)
    facts = notifying.Facts(
        rollout=rollout, target=place.title or place.name, phase=phase, who=by or login(), verdict=verdict,
        status=status, record=record, rollback=f"hera-rollout rollback --target {target} --yes",
    )  # fmt: skip
    when = cast("Moment", moment.replace("-", " "))
    notice = _notice(when, facts)
    check = notifying.check(notifying.send(place, notice), when, place)
    click.echo(REDACTOR.text(f"{notice.title}\n\n{notice.body}\n\n{check.sentence()}"))
    sys.exit(0 if check.verdict == "PASS" else HOLD)


def _notice(moment: "Moment", facts: "Facts") -> "Notice":
    """The moment's notice, with the guide's list for it."""
    from hera_rollout import checklists, notify

    return notify.notice(moment, facts, [line.words for line in checklists.communication(moment)])
