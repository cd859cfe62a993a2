"""The command `hera-rollout`."""

import click

from hera_rollout.cli.alerting import alerts
from hera_rollout.cli.approving import approve
from hera_rollout.cli.beginning import init
from hera_rollout.cli.diffing import diff
from hera_rollout.cli.examining import doctor
from hera_rollout.cli.flag_scanning import flag_scan
from hera_rollout.cli.notifying import notify
from hera_rollout.cli.records import records_group
from hera_rollout.cli.rolling_back import rollback
from hera_rollout.cli.roundtripping import roundtrip
from hera_rollout.cli.running import run
from hera_rollout.cli.status import status


@click.group()
@click.version_option(package_name="hera-rollout-kit")
def main() -> None:
    """Walk a backend from Argo Workflows YAML templates to the Hera SDK, phase by phase, with a record of each."""


main.add_command(init)
main.add_command(doctor)
main.add_command(run)
main.add_command(approve)
main.add_command(notify)
main.add_command(status)
main.add_command(alerts)
main.add_command(rollback)
main.add_command(diff)
main.add_command(roundtrip)
main.add_command(flag_scan)
main.add_command(records_group)
