"""Workflows: submitted by Hera under a name of our own, watched by one waiter, read back."""

from hera_rollout.workflows.outcomes import Outcome, WorkflowView
from hera_rollout.workflows.samples import hello
from hera_rollout.workflows.service import Workflows
from hera_rollout.workflows.submission import Submission

__all__ = ["Outcome", "Submission", "WorkflowView", "Workflows", "hello"]
