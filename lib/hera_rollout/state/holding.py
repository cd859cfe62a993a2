"""A Lease read and written: who holds the rollout, since when, and until when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hera_rollout.answers import plain
from hera_rollout.errors import Refused
from hera_rollout.state.comparing import clock
from hera_rollout.state.processes import Process, dead

Document = dict[str, Any]
PROCESS, ROLLOUT, DOING = "hera-rollout/process", "hera-rollout/rollout", "hera-rollout/doing"


@dataclass(frozen=True)
class Holding:
    """What a Lease says."""

    holder: str
    rollout: str
    doing: str
    since: datetime
    renewed: datetime
    seconds: int
    process: Process | None
    transitions: int = 0
    version: str = ""

    @property
    def expires(self) -> datetime:
        """When it is free, unless it is renewed before."""
        return self.renewed + timedelta(seconds=self.seconds)

    def free_for(self, me: Process, now: datetime) -> bool:
        """Whether this process may take it: nobody's, its own, expired, or of a process that surely is dead."""
        if not self.holder or now >= self.expires:
            return True
        return self.process is not None and (self.process == me or dead(self.process, me))

    def sentence(self, now: datetime) -> str:
        """Who, what, since when, until when."""
        what = f" ({self.doing} of rollout {self.rollout})" if self.doing else ""
        ago = max(0, round((now - self.renewed).total_seconds()))
        return (
            f"{self.holder}{what} since {clock(self.since)}; renewed {ago} s ago, expires {clock(self.expires)} "
            f"unless renewed"
        )

    def document(self, name: str, namespace: str) -> Document:
        """The Lease to be written."""
        notes = {PROCESS: str(self.process or ""), ROLLOUT: self.rollout, DOING: self.doing}
        meta: Document = {"name": name, "namespace": namespace, "annotations": notes}
        meta |= {"labels": {"app.kubernetes.io/managed-by": "hera-rollout"}}
        meta |= {"resourceVersion": self.version} if self.version else {}
        spec = {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.seconds,
            "acquireTime": f"{self.since:%Y-%m-%dT%H:%M:%S.%fZ}",
            "renewTime": f"{self.renewed:%Y-%m-%dT%H:%M:%S.%fZ}",
            "leaseTransitions": self.transitions,
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}


def parsed(document: Document) -> Holding:
    """Read a Lease; one without times was never held, and so is nobody's."""
    meta, spec = document["metadata"], document.get("spec") or {}
    notes = meta.get("annotations") or {}
    created = meta.get("creationTimestamp") or "1970-01-01T00:00:00Z"
    since = datetime.fromisoformat(spec.get("acquireTime") or created)
    return Holding(
        holder=plain(str(spec.get("holderIdentity") or "")),
        rollout=plain(notes.get(ROLLOUT, "")),
        doing=plain(notes.get(DOING, "")),
        since=since,
        renewed=datetime.fromisoformat(spec["renewTime"]) if spec.get("renewTime") else since,
        seconds=int(spec.get("leaseDurationSeconds") or 0),
        process=Process.parse(notes.get(PROCESS, "")),
        transitions=int(spec.get("leaseTransitions") or 0),
        version=str(meta.get("resourceVersion", "")),
    )


def refused(name: str, found: Holding, now: datetime, me: Process) -> Refused:
    """The refusal of a second operator, by the first one's name."""
    own = found.process is not None and found.process.place == me.place
    pid = f" Its process {found.process.pid} is alive on this machine." if own and found.process else ""
    return Refused(
        f"{found.sentence(now)}: it holds this rollout (lease {name}).{pid}",
        expected="nobody else at work on this rollout.",
        why="Two notebooks that turn one flag undo each other's work, and neither's evidence holds.",
        todo=f"Wait until it has ended, or talk to {found.holder}. If it died on another machine, the lease is free at "
        f"{clock(found.expires)}. (`hera-rollout rollback` needs no lease.)",
    )
