"""The feature flag: plan a flip, apply it, and believe only what each pod itself reports.

Media: `env`, a variable on the Deployment, as in the guide (its pods restart); `configmap`, a file (no restart, and a
share of the tasks); `manual`, shown and waited for. Off in either of the first two wins.
"""

from hera_rollout.errors import NotDoneByHand
from hera_rollout.flag.changes import FlagChange, FlagEffect, ReportsFlag
from hera_rollout.flag.committing import to_commit
from hera_rollout.flag.file import read_file, restore_file
from hera_rollout.flag.found import Found, put_back
from hera_rollout.flag.media import apply, plan, settled, throw
from hera_rollout.flag.reporting import COLUMNS, NO_ROUTE, PORT, ROUTE, report
from hera_rollout.flag.turning_off import TurnOff, by_environment, plans_off, to_turn_off
from hera_rollout.target import Medium

__all__ = [
    "COLUMNS",
    "NO_ROUTE",
    "PORT",
    "ROUTE",
    "FlagChange",
    "FlagEffect",
    "Found",
    "Medium",
    "NotDoneByHand",
    "ReportsFlag",
    "TurnOff",
    "apply",
    "by_environment",
    "plan",
    "plans_off",
    "put_back",
    "read_file",
    "report",
    "restore_file",
    "settled",
    "throw",
    "to_commit",
    "to_turn_off",
]
