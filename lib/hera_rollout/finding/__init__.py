"""What a kubeconfig and its cluster show of a place, so that its target need not be typed. Reads only.

contexts.known → deployments.ranked → addresses.of_service → probing.first → writing.text
"""

from hera_rollout.finding.contexts import Context
from hera_rollout.finding.deployments import Service
from hera_rollout.finding.looking import Sight, look
from hera_rollout.finding.probing import ARGO, BACKEND, PROMETHEUS, Answered, Kind
from hera_rollout.finding.writing import Place, text, write

__all__ = ["ARGO", "BACKEND", "PROMETHEUS", "Answered", "Context", "Kind", "Place", "Service", "Sight", "look", "text",
           "write"]  # fmt: skip
