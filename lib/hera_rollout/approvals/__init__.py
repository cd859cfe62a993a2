"""Who approved what, and why: from a file, a parameter, or a button; never guessed, and never waited for headless.

Names are what people call themselves: an approval is a word on record, not a proof of identity.
"""

from hera_rollout.approvals.asking import Form, asked
from hera_rollout.approvals.documents import Approval, Wanted
from hera_rollout.approvals.files import add, read
from hera_rollout.approvals.judging import Decision, command, decide
from hera_rollout.approvals.keeping import keep, recalled, show
from hera_rollout.approvals.obtaining import obtained

__all__ = [
    "Approval",
    "Decision",
    "Form",
    "Wanted",
    "add",
    "asked",
    "command",
    "decide",
    "keep",
    "obtained",
    "read",
    "recalled",
    "show",
]
