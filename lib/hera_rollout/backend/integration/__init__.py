"""The guide's integration list, run: API, database, Kubernetes workflow, logs, WebSocket."""

from hera_rollout.backend.integration.listing import INTEGRATION, Integration, IntegrationResult, judged
from hera_rollout.backend.integration.running import run_integration

__all__ = ["INTEGRATION", "Integration", "IntegrationResult", "judged", "run_integration"]
