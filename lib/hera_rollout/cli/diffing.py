"""`hera-rollout diff`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import click
from rich.console import Console

from hera_rollout import equivalence
from hera_rollout.cli import showing
from hera_rollout.cli.answers import plain_errors
from hera_rollout.cli.pairing import Pair, Reading
from hera_rollout.equivalence import Comparison, RunComparison
from hera_rollout.equivalence.schemas import Schema, bundled
from hera_rollout.errors import Refused, RolloutError

if TYPE_CHECKING:
    from hera_rollout.cli.placing import Place

SAME, DIFFERENT, NOT_COMPARABLE = 0, 1, 2
Result = Literal["same", "different", "not comparable"]
_SIGNS: Final = {"same": "[green]✓[/]", "different": "[red]✗[/]", "not comparable": "[yellow]?[/]"}


@dataclass
class Compared:
    """One pair, and what came of it."""

    pair: Pair
    manifests: Comparison | None = None
    runs: RunComparison | None = None
    note: str = ""
    lints: tuple[dict[str, str], ...] = ()

    @property
    def result(self) -> Result:
        """What it comes to."""
        if self.manifests is None:
            return "not comparable"
        refused = any(lint["said"] == "refused" for lint in self.lints)
        alike = self.manifests.same and (self.runs is None or self.runs.same) and not refused
        return "same" if alike else "different"

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.pair.name,
            "result": self.result,
            "note": self.pair.trouble or self.note,
            "manifests": self.manifests.as_json() if self.manifests else None,
            "runs": self.runs.as_json() if self.runs else None,
            "servers": list(self.lints),
        }


@dataclass(frozen=True)
class Choice:
    """What the command line asks for beside A and B."""

    live: bool
    target: str | None
    ask: bool
    off: tuple[str, ...]
    show_all: bool
    as_json: bool
    build_seconds: float

    def place(self) -> Place | None:
        """The target, if one is needed.

        Raises:
            Refused: One is needed and none is named.
        """
        if self.target is None:
            if self.live or self.ask:
                raise Refused("Which place? --live and --dry-run-server need one.", todo="Add --target NAME.")
            return None
        from hera_rollout.cli.placing import Place

        return Place(self.target)


def _list_rules(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        for rule in equivalence.RULES.values():
            click.echo(f"{rule.name:24} {rule.reason} ({rule.source})")
        context.exit()


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--live", is_flag=True, help="A and B may be names of workflows in the target's cluster.")
@click.option("--target", help="The place: for --live and --dry-run-server, and what an absent namespace means.")
@click.option("--dry-run-server", "ask", is_flag=True, help="Also ask the target's servers; nothing is created.")
@click.option("--off", multiple=True, metavar="RULE", help="Switch one rule off.")
@click.option("--rules", is_flag=True, is_eager=True, expose_value=False, callback=_list_rules, help="List the rules.")
@click.option("--all", "show_all", is_flag=True, help="Show also what a rule excuses.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option(
    "--build-seconds", type=click.FloatRange(1, 3600), default=60.0, show_default=True, help="For module:function."
)
@plain_errors
def diff(a: str, b: str, **options: Any) -> None:
    """Compare A, the YAML side, with B, the Hera side: do they mean the same?

    A and B are files, folders (files are matched by name), module:function builders, or with --live names of workflows.

    Exit codes: 0 the same, 1 different, 2 not comparable (or nothing was compared).
    """
    try:
        found, schema = _all(a, b, Choice(**options))
    except Refused:
        raise
    except RolloutError as error:
        # Exit code 1 would say that they differ; nobody knows that.
        raise Refused(error.seen, expected=error.expected, why=error.why, todo=error.todo) from None
    _answer(found, schema, as_json=options["as_json"], show_all=options["show_all"])


def _all(a: str, b: str, choice: Choice) -> tuple[list[Compared], Schema]:
    rules = equivalence.without(choice.off)
    place = choice.place()
    reading = Reading(place.workflows.get if place and choice.live else None, choice.build_seconds)
    schema = place.schema() if place else bundled()
    found = []
    for pair in reading.pairs(a, b):
        one = _compared(pair, schema, rules, place.target.namespace if place else None)
        if place and choice.live and one.manifests:
            _runs(place, one)
        if place and choice.ask and one.manifests:
            one.lints = place.lints(pair)
        found.append(one)
    return found, schema


def _compared(pair: Pair, schema: Schema, rules: frozenset[str], namespace: str | None) -> Compared:
    if pair.yaml is None or pair.hera is None:
        return Compared(pair)
    try:
        made = equivalence.compare(pair.yaml, pair.hera, schema=schema, rules=rules, namespace=namespace)
    except Refused as error:
        return Compared(pair, note=error.seen)
    return Compared(pair, made)


def _runs(place: Place, one: Compared) -> None:
    if not all((side or {}).get("status") for side in (one.pair.yaml, one.pair.hera)):
        return
    try:
        one.runs = place.runs(one.pair)
    except Refused as error:
        one.note = f"runs not compared: {error.seen}"


def _answer(found: list[Compared], schema: Schema, *, as_json: bool, show_all: bool) -> None:
    results = [one.result for one in found]
    counts = Counter[str](results)
    compared = counts["same"] + counts["different"]
    if as_json:
        summary = {"compared": compared, **{name.replace(" ", "_"): counts[name] for name in _SIGNS}}
        pairs = [one.as_json() for one in found]
        click.echo(json.dumps({**summary, "schema": schema.source, "pairs": pairs}, indent=1, default=str))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=200)
        for one in found:
            _show(console, one, show_all=show_all)
        console.print(
            f"{compared} compared: {counts['same']} same, {counts['different']} different; "
            f"{counts['not comparable']} not comparable. Schema: {schema.source}"
        )
    if counts["different"]:
        sys.exit(DIFFERENT)
    sys.exit(SAME if compared and not counts["not comparable"] else NOT_COMPARABLE)


def _show(console: Console, one: Compared, *, show_all: bool) -> None:
    trouble = one.pair.trouble or one.note
    console.print(f"{_SIGNS[one.result]} {one.result}: ", end="")
    console.print(f"{one.pair.name}{f' ({trouble})' if trouble else ''}", markup=False, highlight=False)
    for part in (one.manifests, one.runs):
        if part is None:
            continue
        shown = [each for each in part.differences if show_all or each.severity != "none"]
        if shown:
            console.print(showing.table(shown))
        showing.rules(console, part.differences)
    if one.runs:
        _show_runs(console, one.runs)
    for lint in one.lints:
        console.print(f"  {lint['server']} on the {lint['side']} side: {lint['said']}. {lint['reason']}", markup=False)


def _show_runs(console: Console, runs: RunComparison) -> None:
    console.print(f"  runs: {runs.nodes} nodes and {runs.logs} logs compared", markup=False)
    for measure in runs.measures:
        if measure.path == "workflow":
            console.print(
                f"  {measure.what}: yaml {measure.yaml}, hera {measure.hera} (shown, not judged)", markup=False
            )
