"""Workflows: submitted by Hera under a name of our own, watched by one waiter, read back."""

from hera_rollout.workflows.samples import hello
from hera_rollout.workflows.service import Workflows
from hera_rollout.workflows.submission import Submission
from hera_rollout.workflows.waiting import Outcome, WorkflowView

__all__ = ["Outcome", "Submission", "WorkflowView", "Workflows", "hello"]
