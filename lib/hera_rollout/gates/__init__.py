"""Verdicts, checks, rules and statistical gates: numbers and documents in, data out. Nothing here talks to anything.

A gate is looked at as often as one likes::

    shares = alpha.split(["success", "durations", "errors"])
    gate = SuccessRate(limit=0.01, alpha=shares["success"])
    check = look(name="success", gate=gate, seen=outcomes, per_second=0.2)  # PASS, FAIL or HOLD, with when it decides
"""

from hera_rollout.gates import alpha, quiet, rehearsal, rules, rung, standing
from hera_rollout.gates.accumulating import carried
from hera_rollout.gates.alpha import Alpha
from hera_rollout.gates.assessments import Assessment
from hera_rollout.gates.checks import Check, Verdict, worst
from hera_rollout.gates.counts import Errors, NoIncrease
from hera_rollout.gates.information import Moments
from hera_rollout.gates.judging import assess, evidence_of, plain, read, statistics
from hera_rollout.gates.looking import look
from hera_rollout.gates.pairs import NotMore, Windows
from hera_rollout.gates.rules import judge
from hera_rollout.gates.sampling import RungShare, SampleRatio, Shares
from hera_rollout.gates.settling import Run, Settled, Watermark, settle
from hera_rollout.gates.slower import Durations, NotSlower, Stratum
from hera_rollout.gates.success import Outcomes, SuccessRate

__all__ = [
    "Alpha",
    "Assessment",
    "Check",
    "Durations",
    "Errors",
    "Moments",
    "NoIncrease",
    "NotMore",
    "NotSlower",
    "Outcomes",
    "Run",
    "RungShare",
    "SampleRatio",
    "Settled",
    "Shares",
    "Stratum",
    "SuccessRate",
    "Verdict",
    "Watermark",
    "Windows",
    "alpha",
    "assess",
    "carried",
    "evidence_of",
    "judge",
    "look",
    "plain",
    "quiet",
    "read",
    "rehearsal",
    "rules",
    "rung",
    "settle",
    "standing",
    "statistics",
    "worst",
]
