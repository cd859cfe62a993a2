"""The Argo Server, for what only it knows: its version, the archive, nodes kept in its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from hera_rollout.asking import Caller
from hera_rollout.errors import Refused, Retryable
from hera_rollout.target import Target
from hera_rollout.workflows.documents import Document

PAGE: Final = 200


class ArgoServer:
    """The Argo Server of one target, as the operator."""

    def __init__(self, target: Target, token: Callable[[], str | None]) -> None:
        start = f" To start all of it: {target.commands.start}." if target.commands.start else ""
        self._target = target
        self._caller = Caller(
            "The Argo Server",
            target.argo_url,
            float(target.limits.request_timeout_seconds),
            verify=target.argo_verify_tls,
            token=token,
            unreachable_todo=f"See whether it runs (kubectl get pods -n {target.namespace}) and whether `argo_url` of "
            f"target {target.name} is right, then run this again.{start}",
        )

    def version(self) -> str:
        """Its version, having shown that it takes our token and lets us list workflows.

        Raises:
            Refused: It is not there, or does not let us in.
        """
        try:
            said = str(self._caller.json("GET", "/api/v1/version").get("version") or "unknown")
            self._caller.json(
                "GET",
                f"/api/v1/workflows/{self._target.namespace}",
                query={"listOptions.limit": "1", "fields": "items.metadata.name"},
            )
        except Retryable as error:
            raise Refused(
                error.seen,
                expected="the Argo Server, answering.",
                why="Hera creates workflows through it: nothing can be submitted.",
                todo=error.todo,
            ) from None
        return said

    def get(self, name: str) -> Document:
        """A workflow, from the cluster or from the archive, with its nodes."""
        return self._caller.json("GET", f"/api/v1/workflows/{self._target.namespace}/{name}")

    def archived(self, since: datetime) -> Iterator[Document]:
        """Workflows of the archive that began since a moment, without their nodes, page by page."""
        fields = f"metadata.namespace={self._target.namespace},spec.startedAt>{since:%Y-%m-%dT%H:%M:%SZ}"
        query = {"listOptions.fieldSelector": fields, "listOptions.limit": str(PAGE)}
        while True:
            answer = self._caller.json("GET", "/api/v1/archived-workflows", query=query)
            yield from answer.get("items") or []
            following = str((answer.get("metadata") or {}).get("continue") or "")
            if not following:
                return
            query["listOptions.continue"] = following
