"""What is told before, during and after a rollout, and when it was taken back. Pure: facts in, title and text out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from hera_rollout.answers import plain

Moment = Literal["before", "during", "after", "rolled back"]
Kind = Literal["info", "success", "warning", "failure"]
MOMENTS: Final[tuple[Moment, ...]] = get_args(Moment)

_KINDS: Final[dict[str, Kind]] = {"PASS": "success", "FAIL": "failure", "HOLD": "warning"}
_LONGEST: Final = 300
"""Signs of one fact; the names and commands that are facts are far shorter."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a notice is about. Only ``rollout`` and ``target`` must be known.

    Attributes:
        rollout: the rollout's id.
        target: the place, as people call it.
        phase: the notebook's name, such as ``03_canary``.
        who: who is at work.
        verdict: PASS, FAIL or HOLD; empty while there is none.
        status: how it stands, in a sentence of one's own.
        record: the record's folder.
        rollback: the command that takes it back.
    """

    rollout: str
    target: str
    phase: str = ""
    who: str = ""
    verdict: str = ""
    status: str = ""
    record: str = ""
    rollback: str = ""


@dataclass(frozen=True)
class Notice:
    """One notice, plain text.

    Attributes:
        moment: of the rollout.
        title: one line.
        body: several lines.
        kind: how services colour it.
    """

    moment: Moment
    title: str
    body: str
    kind: Kind = "info"


def before(facts: Facts, guide: Sequence[str] = ()) -> Notice:
    """It is about to begin.

    Args:
        facts: what it is about.
        guide: the guide's list for this moment, in its words.
    """
    return _notice("before", facts, "is about to begin", guide, "info")


def during(facts: Facts, guide: Sequence[str] = ()) -> Notice:
    """How it stands; arguments as of :func:`before`."""
    news = f"is under way, {facts.verdict} so far" if facts.verdict else "is under way"
    return _notice("during", facts, news, guide, _KINDS.get(facts.verdict, "info"))


def after(facts: Facts, guide: Sequence[str] = ()) -> Notice:
    """How it ended; arguments as of :func:`before`."""
    news = f"has ended with {facts.verdict}" if facts.verdict else "has ended, its verdict was not given"
    return _notice("after", facts, news, guide, _KINDS.get(facts.verdict, "warning"))


def rolled_back(facts: Facts, guide: Sequence[str] = ()) -> Notice:
    """The flag was turned off again; arguments as of :func:`before`."""
    return _notice("rolled back", facts, "was rolled back", guide, "warning")


def notice(moment: Moment, facts: Facts, guide: Sequence[str] = ()) -> Notice:
    """The notice of a moment; arguments as of :func:`before`."""
    makers = {"before": before, "during": during, "after": after, "rolled back": rolled_back}
    return makers[moment](facts, guide)


def _notice(moment: Moment, facts: Facts, news: str, guide: Sequence[str], kind: Kind) -> Notice:
    phase = f"{_flat(facts.phase)} of " if facts.phase else ""
    title = f"{phase}rollout {_flat(facts.rollout)} at {_flat(facts.target)} {_flat(news)}"
    sections = [_sentences(moment, facts, title), _listed(moment, facts, guide)]
    return Notice(moment, title, "\n\n".join("\n".join(lines) for lines in sections if lines), kind)


def _sentences(moment: Moment, facts: Facts, title: str) -> list[str]:
    """The facts there are, one line each."""
    way_back = "Nothing needs to be taken back now; it was done by" if moment == "rolled back" else "To take it back"
    told = (
        (f"{title[0].upper()}{title[1:]}.", True),
        (f"At work: {_flat(facts.who)}", facts.who),
        (f"Status: {_flat(facts.status)}", facts.status),
        (f"Verdict: {_flat(facts.verdict)}", facts.verdict),
        (f"Record: {_flat(facts.record)}", facts.record),
        (f"{way_back}: {_flat(facts.rollback)}", facts.rollback),
    )
    return [line for line, there in told if there]


def _listed(moment: Moment, facts: Facts, guide: Sequence[str]) -> list[str]:
    """The guide's list, each line with what answers it; a line that nothing here answers stays open."""
    answers = _answers(facts)
    lines = [f"- {words}: {_flat(answers[words])}" if answers.get(words) else f"- {words}: open" for words in guide]
    return [f"The guide's list {moment if moment != 'rolled back' else 'during'} a rollout:", *lines] if lines else []


def _answers(facts: Facts) -> dict[str, str]:
    """What in this very notice answers a line of the guide."""
    return {
        "Notify team of rollout plan": "this notice",
        "Prepare rollback plan": facts.rollback,
        "Communicate status to team": "this notice",
        "Be ready to rollback": facts.rollback,
        "Document results": facts.record,
    }


def _flat(text: str) -> str:
    """A fact on one line: a line end in a name must not begin a line, or a header of a mail, of its own."""
    return plain(text, _LONGEST)
