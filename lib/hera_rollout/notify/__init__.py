"""Who must know of a rollout is told by Apprise, and whether they were is a check; addresses are secrets throughout."""

from hera_rollout.notify.judging import check
from hera_rollout.notify.notices import MOMENTS, Facts, Moment, Notice, after, before, during, notice, rolled_back
from hera_rollout.notify.results import Sent
from hera_rollout.notify.sending import send

__all__ = [
    "MOMENTS",
    "Facts",
    "Moment",
    "Notice",
    "Sent",
    "after",
    "before",
    "check",
    "during",
    "notice",
    "rolled_back",
    "send",
]
