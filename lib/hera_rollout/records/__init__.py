"""Records: run a notebook, say what really happened, and keep it as a folder that opens without a network."""

from hera_rollout.records.chain import recompute, verify
from hera_rollout.records.outcomes import EXIT_CODES, Outcome, RecordVerdict, classify
from hera_rollout.records.running import run
from hera_rollout.records.sources import gate_fault
from hera_rollout.records.store import SCHEMA, Record, add, find, named, unreadable

__all__ = [
    "EXIT_CODES",
    "SCHEMA",
    "Outcome",
    "Record",
    "RecordVerdict",
    "add",
    "classify",
    "find",
    "gate_fault",
    "named",
    "recompute",
    "run",
    "unreadable",
    "verify",
]
