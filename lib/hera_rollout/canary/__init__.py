"""The canary's evidence, rung by rung: counted from workflows and Prometheus, judged by the gates, kept in the state.

ladder = Ladder(code_revision, rungs)
rung = looking.Look(workflows, prometheus, cluster, deadline).at(rung, now)
judging.checks(ladder, limits, per_second)
"""

from hera_rollout.canary.evidence import Arm, Before, Ladder, Rung, kept
from hera_rollout.canary.judging import GATES, checks, concluded, left, misplaced
from hera_rollout.canary.looking import Look

__all__ = ["GATES", "Arm", "Before", "Ladder", "Look", "Rung", "checks", "concluded", "kept", "left", "misplaced"]
