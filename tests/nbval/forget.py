"""Forget the rollout under way on the lab: outputs are compared with those of a first run, not of one gone on with."""

from pathlib import Path

from hera_rollout.cluster import Cluster
from hera_rollout.errors import Missing
from hera_rollout.target import Target

ROOT = Path(__file__).parents[2]


def forget() -> None:
    """Delete the rollout's state and its lease, if they are there."""
    target = Target.load("lab", search=ROOT)
    connection = Cluster.connect(target.model_copy(update={"context": "lab-admin"})).connection
    for group, kind in (("api/v1", "configmaps"), ("apis/coordination.k8s.io/v1", "leases")):
        try:
            connection.delete(f"/{group}/namespaces/{target.namespace}/{kind}/{target.state_name}", f"delete {kind}")
        except Missing:
            continue


if __name__ == "__main__":
    forget()
