"""Argo's phases of a workflow that mean an end."""

from typing import Final

FINISHED: Final = frozenset({"Succeeded", "Failed", "Error"})
"""Argo: ``WorkflowPhase.Completed`` (pkg/apis/workflow/v1alpha1/workflow_phase.go)."""
