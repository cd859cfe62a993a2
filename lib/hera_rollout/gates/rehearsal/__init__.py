"""What a gate would do before anyone trusts it: exact figures, simulated ones, and recorded histories played again."""

from hera_rollout.gates.rehearsal.crossing import Boundary, Crossing
from hera_rollout.gates.rehearsal.demands import Demands, Rehearsal
from hera_rollout.gates.rehearsal.replaying import replay, resampled
from hera_rollout.gates.rehearsal.trials import increases, shares, slowdowns, windows

__all__ = [
    "Boundary",
    "Crossing",
    "Demands",
    "Rehearsal",
    "increases",
    "replay",
    "resampled",
    "shares",
    "slowdowns",
    "windows",
]
