"""A status in words: each part as lines of text that carry their own style. Pure; nothing in it is read as markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

from rich.text import Text

from hera_rollout.flag.changes import word
from hera_rollout.gates.assessments import duration
from hera_rollout.production.judging import span
from hera_rollout.state.comparing import clock
from hera_rollout.status.parts import (
    Evidence,
    Flying,
    Kept,
    Known,
    Lease,
    Part,
    PodFlag,
    RungSeen,
    Setting,
    Standing,
    Unknown,
)

T = TypeVar("T")
VERDICTS: Final = {"PASS": "green", "FAIL": "bold red", "HOLD": "yellow", "REFUSED": "yellow", "BROKEN": "red"}
MOST_NAMED: Final = 3
COLUMNS: Final = "{:<7}{:>8}{:>13}{:>13}{:>12}  {}"


def told(part: Part[T], tell: Callable[[T], list[Text]]) -> list[Text]:
    """A part's lines, or why it is not known."""
    if isinstance(part, Unknown):
        return [Text(f"not known: {part.why} {part.todo}".rstrip(), "yellow")]
    return tell(part.value)


def standing(at: Standing, now: datetime) -> list[Text]:
    """Rollout, phase and rung, and the run of that phase."""
    if not at.id:
        return [Text("nothing began yet: no notebook was run live here")]
    rung = f", rung {at.rung:g} %" if at.rung is not None else ""
    since = f"since {_when(at.since, now)}" if at.since else ""
    lines = [Text.assemble((at.id, "bold"), " at ", (f"{at.phase}{rung}", "bold")), Text(since)]
    if at.run:
        ended = (
            Text(at.run.concluded, VERDICTS.get(at.run.concluded, "")) if at.run.concluded else Text("not concluded")
        )
        lines.append(Text.assemble(f"run {at.run.id}, attempt {at.run.attempts}, by {at.run.by}: ", ended))
    return lines


def last_set(setting: Setting | None, now: datetime) -> list[Text]:
    """The flag as the kit last set it."""
    if setting is None:
        return [Text("never by the kit")]
    why = f": {setting.why}" if setting.why else ""
    return [Text(f"{word(setting.enabled, setting.percent)} by {setting.by}, {_when(setting.at, now)}{why}")]


def evidence(seen: Evidence, now: datetime) -> list[Text]:
    """Workflows by path and their failures: over all rungs, then a rung a line, the newest first."""
    if seen.concluded:
        return [Text(f"the run ended with {seen.concluded}; its evidence is in its record")]
    if seen.kept is None:
        return [Text("none yet")]
    kept = f"kept {_ago(seen.kept, now)}"
    if not seen.rungs:
        last = f", the last is: {seen.last}" if seen.last else ""
        return [Text(f"{seen.pieces} pieces of work done{last}; {kept}; counts by path come with the canary")]
    lines = [Text(f"{both(seen.rungs)}; {kept}"), *watched(seen)]
    astray = sum(one.misplaced for one in seen.rungs)
    if astray:
        lines.append(Text(f"{astray} workflows by another path than the split says", "bold red"))
    heads = ("RUNG", "STOOD", "HERA FAILED", "YAML FAILED", "ERRORS H/Y", "TASKS ON HERA")
    return [*lines, _cells(heads, "bold"), *(_rung(one, now) for one in reversed(seen.rungs))]


def watched(seen: Evidence) -> list[Text]:
    """How long production was watched, beside what is asked for and the guide's time."""
    if (found := seen.watched) is None:
        return []
    apart = f" in {found.spells} spells" if found.spells > 1 else ""
    return [Text(f"watched for {span(found.seconds)}{apart} of {span(found.asked)}; {found.beside}")]


def pods(found: Iterable[PodFlag]) -> list[Text]:
    """What the pods report, alike ones together; then those that said nothing."""
    pods = list(found)
    if not pods:
        return [Text("not known: no pod is ready", "yellow")]
    said = Counter(flag_word(pod) for pod in pods if not pod.problem)
    lines = [Text(f"{count} of {len(pods)} pods: {one}", _unlike(said)) for one, count in said.most_common()]
    return [*lines, *(Text(f"not known of {pod.pod}: {pod.problem}", "yellow") for pod in pods if pod.problem)]


def flag_word(pod: PodFlag) -> str:
    """One pod's flag in words."""
    return word(bool(pod.enabled), 100.0 if pod.percent is None else pod.percent)


def flying(found: tuple[Flying, ...], now: datetime) -> list[Text]:
    """How many workflows by Hera have not ended, and the oldest of them."""
    if not found:
        return [Text("none by Hera")]
    named = [f"{one.name} ({one.phase}{', ' + _ago(one.created, now) if one.created else ''})" for one in found]
    more = f" … and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return [Text(f"{len(found)} by Hera; the oldest: {', '.join(named[:MOST_NAMED])}{more}")]


def lease(found: Lease | None) -> list[Text]:
    """Who holds the rollout, and whether that run is alive."""
    if found is None:
        return [Text("nobody is at work on it")]
    doing = f" ({found.doing})" if found.doing else ""
    return [Text.assemble(f"{found.holder}{doing} since {clock(found.since)}; ", (found.how, alive_style(found.alive)))]


def alive_style(alive: bool) -> str:
    """A dead run is nothing to worry about, but to be seen."""
    return "green" if alive else "yellow"


def drift(found: tuple[str, ...], setting: Setting | None) -> list[Text]:
    """What was changed at the flag by hand."""
    if setting is None and not found:
        return [Text("none to see: the kit has not set the flag yet")]
    return [Text(one, "bold red") for one in found] or [Text("none: the flag says what the kit set")]


def records(found: tuple[Kept, ...]) -> list[Text]:
    """The last records with their verdicts."""
    if not found:
        return [Text("none of this rollout in the folder")]
    return [
        Text.assemble(f"{one.began}  {one.phase:<14} ", (f"{one.verdict:<7}", VERDICTS.get(one.verdict, "")),
                      f" {one.target}: {one.reason}")
        for one in found
    ]  # fmt: skip


def short(part: Part[T], tell: Callable[[T], str], name: str) -> str:
    """A part in few words, for a line of all of them."""
    return tell(part.value) if isinstance(part, Known) else f"{name} not known"


def both(rungs: tuple[RungSeen, ...]) -> str:
    """Workflows by path and their failures, over all rungs."""
    made = {path: [getattr(one, path) for one in rungs] for path in ("hera", "yaml")}
    return "; ".join(
        f"{sum(one.workflows for one in arms)} by {path}, {sum(one.failures for one in arms)} failed"
        for path, arms in made.items()
    )


def _rung(one: RungSeen, now: datetime) -> Text:
    stood = duration(((one.ended or now) - one.began).total_seconds())
    figures = (f"{one.percent:g} %", stood, *(f"{arm.workflows} {arm.failures:>6}" for arm in (one.hera, one.yaml)),
               f"{one.hera.errors}/{one.yaml.errors}", f"{one.tasks_on_hera} of {one.tasks}")  # fmt: skip
    return _cells(figures, "" if one.ended else "bold")


def _cells(values: Iterable[Any], style: str) -> Text:
    return Text(COLUMNS.format(*values), style, no_wrap=True)


def _unlike(said: Counter[str]) -> str:
    return "bold red" if len(said) > 1 else "bold"


def _when(moment: datetime, now: datetime) -> str:
    return f"{clock(moment)} ({_ago(moment, now)})"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{duration(max(0.0, (now - moment).total_seconds()))} ago"
