"""Verdicts, checks and rules: numbers and documents in, data out. Nothing here talks to anything."""

from hera_rollout.gates import rules
from hera_rollout.gates.checks import Check, Verdict, worst
from hera_rollout.gates.rules import judge

__all__ = ["Check", "Verdict", "judge", "rules", "worst"]
