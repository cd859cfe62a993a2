"""Whether a drill has shown that the flag goes on and back: figures in, verdict out."""

from collections.abc import Mapping
from typing import Any

from hera_rollout.gates.checks import Verdict
from hera_rollout.workflow_phases import FINISHED


def wrong(evidence: Mapping[str, Any]) -> list[str]:
    """What went wrong, a sentence each; each of them is FAIL."""
    on, off, requests = evidence["on"], evidence["off"], evidence["requests"]
    found = []
    if off["hera_after"]:
        found.append(f"{len(off['hera_after'])} workflows by Hera after the flag was off: {_some(off['hera_after'])}")
    if on["misplaced"]:
        found.append(f"{len(on['misplaced'])} submissions by the wrong path while it was on: {_some(on['misplaced'])}")
    if requests["sent"] and requests["lost"] / requests["sent"] > requests["lost_max"]:
        found.append(f"{requests['lost']} of {requests['sent']} requests lost, above {requests['lost_max']:.1%}")
    bad = [one["name"] for one in evidence["in_flight"] if one["phase"] in FINISHED and one["phase"] != "Succeeded"]
    if bad:
        found.append(f"{len(bad)} workflows that were in flight did not end well: {_some(bad)}")
    return found


def missing(evidence: Mapping[str, Any]) -> list[str]:
    """What was not shown, a sentence each; each of them is HOLD."""
    on, off, flying = evidence["on"], evidence["off"], evidence["in_flight"]
    found = list(evidence["unverified"])
    undecided = evidence["requests"]["undecided"]
    open_ = [one["name"] for one in flying if one["phase"] not in FINISHED]
    for side, words in ((on, "on"), (off, "off")):
        if side["reported_seconds"] is None:
            found.append(f"that every pod reported the flag {words}")
    if not on["hera"]:
        found.append("that Hera made anything while the flag was on")
    if not off["sent_after"]:
        found.append("that anything was submitted after the flag was off")
    if undecided:
        found.append(f"what became of {undecided} requests")
    if not flying:
        found.append("what becomes of workflows in flight: none was at the moment of the way back")
    if open_:
        found.append(f"how {len(open_)} workflows that were in flight end: {_some(open_)}")
    return found


def drilled(evidence: Mapping[str, Any]) -> Verdict:
    """FAIL for anything that went wrong, HOLD for anything that was not shown, else PASS.

    Evidence: ``on``: reported_seconds, hera, misplaced; ``off``: reported_seconds, sent_after, hera_after;
    ``requests``: sent, lost, undecided, lost_max; ``in_flight``: rows with name and phase; ``unverified``: sentences.
    """
    if wrong(evidence):
        return Verdict.FAIL
    return Verdict.HOLD if missing(evidence) else Verdict.PASS


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")  # noqa: PLR2004
