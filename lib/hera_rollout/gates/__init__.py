"""Verdicts and checks: numbers and documents in, data out. Nothing here talks to anything."""

from hera_rollout.gates.checks import Check, Verdict, worst

__all__ = ["Check", "Verdict", "worst"]
