"""Records: run a notebook, say what really happened, and keep it as a folder that opens without a network."""

from hera_rollout.records.outcomes import Outcome, Verdict, classify
from hera_rollout.records.running import run
from hera_rollout.records.store import Record, find

__all__ = ["Outcome", "Record", "Verdict", "classify", "find", "run"]
