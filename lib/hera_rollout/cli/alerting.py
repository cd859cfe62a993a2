"""`hera-rollout alerts`."""

from typing import Any, Final

import click
import yaml

from hera_rollout.cli.answers import plain_errors

HEADER: Final = "# Made by `hera-rollout alerts`: change [limits] of the target and render it again, not this file.\n"


@click.command()
@click.option("--target", required=True, help="Where: a file in targets/, without .toml.")
@click.option("--prometheus-operator", is_flag=True, help="As a PrometheusRule object, for kubectl apply.")
@plain_errors
def alerts(target: str, prometheus_operator: bool) -> None:
    """Print Prometheus' alerting rules with the target's limits, for the time between a rollout's looks.

    Nothing is asked and nothing is changed. Exit codes: 0 printed, 2 there is no such target, or it cannot be read.
    """
    from hera_rollout.metrics import alerting
    from hera_rollout.target import Target

    place = Target.load(target)
    document = alerting.prometheus_rule(place) if prometheus_operator else alerting.rules(place)
    click.echo(HEADER + _text(document), nl=False)


class _Dumper(yaml.SafeDumper):
    """Expressions of several lines as such: they are there to be read."""


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _string)


def _text(document: dict[str, Any]) -> str:
    made: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return made
