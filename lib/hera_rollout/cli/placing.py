"""The target of a comparison: workflows by name, its own schema, its servers' word."""

from __future__ import annotations

from typing import Final

from hera_rollout import equivalence
from hera_rollout.cli.pairing import Pair
from hera_rollout.cluster import Cluster
from hera_rollout.equivalence import RunComparison
from hera_rollout.equivalence.schemas import Schema, bundled, of_openapi
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows
from hera_rollout.workflows.linting import lint

_OPENAPI: Final = "/openapi/v3/apis/argoproj.io/v1alpha1"


class Place:
    """One target, connected."""

    def __init__(self, name: str) -> None:
        self.target = Target.load(name)
        self.cluster = Cluster.connect(self.target)
        self.workflows = Workflows(self.target, self.cluster)

    def schema(self) -> Schema:
        """Its own CRDs' schema; the bundled one if it has the minimal CRDs."""
        document = self.cluster.connection.get(_OPENAPI, "read Argo's schemas")
        return of_openapi(document, f"the CRDs of target {self.target.name}") or bundled()

    def runs(self, pair: Pair) -> RunComparison:
        """Compare the runs of two stored workflows, with their logs."""
        sides = [side or {} for side in (pair.yaml, pair.hera)]
        logs = [{row["node"]: row["logs"] for _, row in self.workflows.logs(side).iterrows()} for side in sides]
        return equivalence.compare_runs(sides[0], sides[1], logs[0], logs[1])

    def lints(self, pair: Pair) -> tuple[dict[str, str], ...]:
        """What both servers say of both sides."""
        return tuple(
            {"side": name, **vars(found)}
            for name, side in (("yaml", pair.yaml), ("hera", pair.hera))
            for found in lint(self.cluster, side or {})
        )
