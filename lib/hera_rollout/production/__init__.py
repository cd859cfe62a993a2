"""Production under watch: what was there before the deploy, how long it was watched, what changed, what the gates say.

watch = Watch(rung, baseline, spells, deployed)
checks = judging.checks(watch, limits)
"""

from hera_rollout.production.baseline import Baseline
from hera_rollout.production.deployed import Deployed, Pods
from hera_rollout.production.judging import GATES, Watch, checks, decided
from hera_rollout.production.spells import Spells

__all__ = ["GATES", "Baseline", "Deployed", "Pods", "Spells", "Watch", "checks", "decided"]
