"""Whether two workflows mean the same. Pure: raw documents in, differences out; no client, no clock, no network."""

from hera_rollout.equivalence.differences import ABSENT, Comparison, Difference, Severity
from hera_rollout.equivalence.manifests import compare
from hera_rollout.equivalence.reading import documents
from hera_rollout.equivalence.rules import ALL, RULES, Rule, without
from hera_rollout.equivalence.runs import RunComparison, compare_runs

__all__ = [
    "ABSENT",
    "ALL",
    "RULES",
    "Comparison",
    "Difference",
    "Rule",
    "RunComparison",
    "Severity",
    "compare",
    "compare_runs",
    "documents",
    "without",
]
