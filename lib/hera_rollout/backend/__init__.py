"""The service under rollout: its client, the guide's scenarios, and which path made a workflow."""

from hera_rollout.backend.client import Backend, Submitted
from hera_rollout.backend.provenance import Provenance, provenance
from hera_rollout.backend.running import run, run_all
from hera_rollout.backend.scenarios import SCENARIOS, Scenario, ScenarioResult

__all__ = [
    "SCENARIOS",
    "Backend",
    "Provenance",
    "Scenario",
    "ScenarioResult",
    "Submitted",
    "provenance",
    "run",
    "run_all",
]
