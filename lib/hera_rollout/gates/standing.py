"""What a watch of production shows beside its statistical gates: how long, how steady, how large. Pure."""

from collections.abc import Mapping
from typing import Any

from hera_rollout.gates.checks import Verdict


def stable(evidence: Mapping[str, Any]) -> Verdict:
    """PASS once it was watched for as long as is asked; before that HOLD.

    Evidence: ``watched`` and ``asked``, seconds.
    """
    return Verdict.PASS if evidence["asked"] > 0 and evidence["watched"] >= evidence["asked"] else Verdict.HOLD


def steady(evidence: Mapping[str, Any]) -> Verdict:
    """FAIL for pods that cannot run or began anew too often; HOLD where none is ready; else PASS.

    Evidence: ``pods``: rows with ``ready`` (bool) and ``blocked`` (why, or empty); ``restarts`` and ``most``: counts.
    """
    pods = evidence["pods"]
    if any(pod["blocked"] for pod in pods) or evidence["restarts"] > evidence["most"]:
        return Verdict.FAIL
    return Verdict.PASS if any(pod["ready"] for pod in pods) else Verdict.HOLD


def not_grown(evidence: Mapping[str, Any]) -> Verdict:
    """FAIL if a level stayed above its limit for a whole window, PASS if not, HOLD without data.

    Evidence: ``before`` and ``least`` (of the newest window), the same unit; ``up_max``: the share it may be up.
    """
    before, least = evidence["before"], evidence["least"]
    if not before or least is None:
        return Verdict.HOLD
    return Verdict.FAIL if least > before * (1 + evidence["up_max"]) else Verdict.PASS


def unchanged(evidence: Mapping[str, Any]) -> Verdict:
    """HOLD if what is watched is no longer what was deployed; PASS else, whatever was merely noted.

    Evidence: ``changes``: sentences about what makes the evidence one of something else.
    """
    return Verdict.HOLD if evidence["changes"] else Verdict.PASS
