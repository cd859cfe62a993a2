"""Where a rollout stands, as far as it can be seen now: gathered part by part, shown on one screen. Writes nothing.

status = gather(target, records_folder)
Console().print(Screen(status))
"""

from hera_rollout.status.gathering import gather
from hera_rollout.status.parts import Known, Part, Status, Unknown
from hera_rollout.status.showing import Screen, line
from hera_rollout.status.watching import watch

__all__ = ["Known", "Part", "Screen", "Status", "Unknown", "gather", "line", "watch"]
