"""Whether what was approved is what is asked for: documents in, reasons out. Nothing is known of files or buttons.

The newest approval that fits decides, so that a decline takes an earlier approval back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hera_rollout.gates.checks import Verdict

CLOCK_SLACK: Final = timedelta(minutes=5)
"""So far the clocks of two machines may differ."""
Document = Mapping[str, Any]


def subject(document: Document) -> str:
    """What is approved or asked for, in words."""
    what = document.get("what") or f"rung {float(document['rung']):g} %"
    return f"{what} in {document['phase']} of rollout {document['rollout']}"


def faults(given: Document, asked: Document) -> list[str]:
    """Why this approval does not count for what is asked; empty if it does."""
    now, at = datetime.fromisoformat(asked["at"]), datetime.fromisoformat(given["at"])
    found = []
    if not same_subject(given, asked):
        found.append(f"it approves {subject(given)}; asked for is {subject(asked)}")
    if asked.get("code_revision") and given.get("code_revision") not in ("", None, asked["code_revision"]):
        found.append(f"it is about code revision {given['code_revision']}, and {asked['code_revision']} runs")
    if given.get("expires") and datetime.fromisoformat(given["expires"]) <= now:
        found.append(f"it expired at {_clock(given['expires'])}")
    if asked.get("since") and at < datetime.fromisoformat(asked["since"]):
        found.append(f"it is dated {_clock(given['at'])}, and what it approved ended at {_clock(asked['since'])}")
    if at > now + CLOCK_SLACK:
        found.append(f"it is dated {_clock(given['at'])}, which is yet to come")
    if asked.get("second_person") and same_person(given, asked):
        found.append(f"{given['approver']} also runs this, and here a second person must approve")
    return found


def same_person(given: Document, asked: Document) -> bool:
    """Whether the approver also runs the phase; by the names they gave, since nothing proves them."""
    return _folded(given["approver"]) == _folded(asked["operator"])


def deciding(given: Sequence[Document], asked: Document) -> Document | None:
    """The newest that counts; None if none does."""
    counting = [one for one in given if not faults(one, asked)]
    return max(counting, key=lambda one: datetime.fromisoformat(one["at"]), default=None)


def approved(evidence: Document) -> Verdict:
    """PASS if the newest approval that counts approves; else HOLD: a decline is no proof that anything is wrong.

    Evidence: ``asked``: rollout, phase, rung or what, operator, code_revision, second_person, at; ``given``: documents
    with approver, reason, rollout, phase, rung or what, at, expires, code_revision, declined.
    """
    found = deciding(evidence["given"], evidence["asked"])
    return Verdict.PASS if found is not None and not found.get("declined") else Verdict.HOLD


def same_subject(given: Document, asked: Document) -> bool:
    """Whether both are about one thing."""
    same = all(given[key] == asked[key] for key in ("rollout", "phase"))
    rungs = [None if one.get("rung") is None else float(one["rung"]) for one in (given, asked)]
    return same and rungs[0] == rungs[1] and (given.get("what") or "") == (asked.get("what") or "")


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S %Z}"
