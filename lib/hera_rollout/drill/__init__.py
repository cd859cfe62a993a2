"""A drill: the flag on and back under traffic, measured, before anybody needs the way back.

result = drill.run(cluster, backend, workflows, by="Ann", token=phase.token, state=state)
phase.check(result.check())
display.table(result.frame(), "Drill")
"""

from hera_rollout.drill.results import CHECK, DrillResult, frame
from hera_rollout.drill.running import run
from hera_rollout.drill.settings import Settings

__all__ = ["CHECK", "DrillResult", "Settings", "frame", "run"]
