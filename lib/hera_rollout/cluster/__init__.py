"""What an operator would type as kubectl, as calls that return DataFrames and have deadlines."""

from hera_rollout.cluster.environment import EnvChange
from hera_rollout.cluster.rollouts import RolloutStatus
from hera_rollout.cluster.session import Cluster

__all__ = ["Cluster", "EnvChange", "RolloutStatus"]
