"""`State`: the rollout's ConfigMap, written whole against its resourceVersion."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from hera_rollout.cluster import Cluster, environment, rollouts
from hera_rollout.errors import Ambiguous, Conflicting, Missing
from hera_rollout.state import picture
from hera_rollout.state.comparing import changes, claims
from hera_rollout.state.documents import (
    GUARDED,
    Approval,
    Change,
    Facts,
    FlagSet,
    KnownGood,
    RecordHash,
    RolledBack,
    Rollout,
    decoded,
    encoded,
)
from hera_rollout.state.drifting import drift

Document = dict[str, Any]
Step = Callable[[Facts], dict[str, Any]]
TRIES: Final = 5
"""So often a write that somebody overtook is worked out anew and made again."""


class State:
    """What the rollout of one Deployment remembers. Reading is free; each change is written at once.

    Every change goes on from what was last read. If somebody wrote meanwhile it is read again, the change is worked out
    anew on what is there now, and written. Only what another run or another hand claims (the rollout, the flag, a way
    back, an attempt of a run) is `Conflicting`: that says who and what, and the state was read afresh, so that the same
    call may be made again by whoever has read that.
    """

    def __init__(self, cluster: Cluster, facts: Facts, version: str) -> None:
        self.cluster = cluster
        self.facts = facts
        self.version = version
        self.name = cluster.target.state_name
        self._lock = threading.RLock()  # scenarios that run side by side write through one State

    @classmethod
    def load(cls, cluster: Cluster) -> State:
        """Read it; an empty one if there is none yet. Nothing is written."""
        state = cls(cluster, Facts(), "")
        state.reload()
        return state

    def reload(self) -> None:
        """Read it afresh."""
        try:
            document = self.cluster.connection.get(self._path, f"get configmap {self.name}")
        except Missing:
            self.facts, self.version = Facts(), ""
            return
        where = f"configmap {self.name} -n {self.cluster.target.namespace}"
        self.facts = decoded(document.get("data") or {}, where)
        self.version = document["metadata"]["resourceVersion"]

    @property
    def command(self) -> str:
        """The kubectl line that shows it."""
        return f"kubectl get configmap {self.name} -n {self.cluster.target.namespace} -o yaml"

    def change(self, step: Step, *, by: str, what: str, whatever: bool = False) -> None:
        """Work out some fields anew from the facts, and write; again on the newest facts where somebody overtook it.

        Args:
            step: works out its own fields from the facts it is given, and from nothing that was read before.
            by: who changes it.
            what: what, in words.
            whatever: also beside another run's word: for what has nothing to do with where the rollout stands.

        Raises:
            Conflicting: Another run or another hand wrote since this was read, or writes never ceased; the text says
                who and what. It has been read afresh.
        """
        with self._lock:
            for left in reversed(range(TRIES)):
                before = self.facts
                changed = Change(by=by, at=datetime.now(UTC), what=what)
                facts = before.model_copy(update={**step(before), "changed": changed})
                try:
                    self.save(facts)
                except Conflicting:
                    theirs = not whatever and claims(self.facts) != claims(before)
                    if theirs or not left:
                        raise
                else:
                    return

    def save(self, facts: Facts) -> None:
        """Write these facts in place of those last read.

        Raises:
            Conflicting: Somebody else wrote since; it has been read afresh.
        """
        body = self._body(facts)
        with self._lock:
            try:
                written = self._written(body)
            except Conflicting:
                raise self._changed_meanwhile() from None
            except Ambiguous:
                written = self._looked_up(body)
            self.facts, self.version = facts.bounded(), written["metadata"]["resourceVersion"]

    def enter(self, rollout: str, phase: str, *, by: str, rung: float | None = None) -> None:
        """Go to a phase or rung. Another rollout begins with no runs and no known good revision of its own."""
        now = self.facts.rollout
        if now and (now.id, now.phase, now.rung) == (rollout, phase, rung):
            return
        at = Rollout(id=rollout, phase=phase, rung=rung, since=datetime.now(UTC))

        def step(facts: Facts) -> dict[str, Any]:
            other = facts.rollout is not None and facts.rollout.id != rollout
            return {"rollout": at} | ({"runs": {}, "known_good": None} if other else {})

        self.change(step, by=by, what=f"rollout {rollout} is at phase {phase}")

    def remember_known_good(self, *, by: str) -> KnownGood | None:
        """Keep what runs now as the way back, unless this rollout has one already; None without a Deployment."""
        if self.facts.known_good:
            return self.facts.known_good
        good = _known_good(self.cluster)
        if good:
            self.change(lambda facts: {"known_good": facts.known_good or good}, by=by,
                        what=f"known good is revision {good.revision}")  # fmt: skip
        return self.facts.known_good

    def flag_set(self, *, enabled: bool, percent: float, by: str, why: str = "") -> None:
        """Note that the kit has set the flag, with both media as they are now; nothing is set here."""
        seen = picture.read(self.cluster)
        entry = FlagSet(
            at=datetime.now(UTC), by=by, rollout=self.facts.rollout.id if self.facts.rollout else "",
            medium=self.cluster.target.flag.medium, enabled=enabled, percent=percent if enabled else 0.0,
            env=seen.env, file=seen.file, why=why,
        )  # fmt: skip
        if self.facts.flags and _same(self.facts.flags[-1], entry):
            return
        self.change(lambda now: {"flags": (*now.flags, entry)}, by=by, what=f"flag {'on' if enabled else 'off'}")

    def rolled_back(self, *, by: str, why: str = "") -> None:
        """Note that a canary, or production, was rolled back; in an earlier phase going back is part of the plan."""
        at = self.facts.rollout
        if at is None or at.phase not in GUARDED:
            return

        def step(facts: Facts) -> dict[str, Any]:
            run = facts.runs.get(at.phase)
            return {"rolled_back": RolledBack(at=datetime.now(UTC), by=by, why=why, rollout=at.id, phase=at.phase,
                                              code_revision=run.code_revision if run else "")}  # fmt: skip

        self.change(step, by=by, what=f"rolled back in {at.phase}")

    def approved(self, approval: Approval) -> None:
        """Keep an approval."""
        self.change(
            lambda now: {"approvals": (*(one for one in now.approvals if one != approval), approval)},
            by=approval.by, what=f"approved {approval.phase}",
        )  # fmt: skip

    def recorded(self, record: RecordHash, *, by: str) -> None:
        """Keep a record's hash; one that is there already is fine."""
        if record.sha256 in {kept.sha256 for kept in self.facts.records}:
            return

        def step(facts: Facts) -> dict[str, Any]:
            known = record.sha256 in {kept.sha256 for kept in facts.records}
            return {"records": facts.records if known else (*facts.records, record)}

        self.change(step, by=by, what=f"record of {record.phase}", whatever=True)

    def drift(self) -> list[str]:
        """What was changed by hand at the flag since the kit last set it; empty if nothing was, or it never set it."""
        last = self.facts.flags[-1] if self.facts.flags else None
        return drift(self.cluster.target, last, picture.read(self.cluster))

    @property
    def _folder(self) -> str:
        return f"/api/v1/namespaces/{self.cluster.target.namespace}/configmaps"

    @property
    def _path(self) -> str:
        return f"{self._folder}/{self.name}"

    def _body(self, facts: Facts) -> Document:
        labels = {"app.kubernetes.io/managed-by": "hera-rollout"}
        meta: Document = {"name": self.name, "namespace": self.cluster.target.namespace, "labels": labels}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": encoded(facts)}

    def _written(self, body: Document) -> Document:
        if not self.version:
            return self.cluster.connection.create(self._folder, body, name=self.name, what=f"create {self.name}")
        body["metadata"]["resourceVersion"] = self.version
        try:
            return self.cluster.connection.replace(self._path, body, f"write configmap {self.name}")
        except Missing:
            raise Conflicting("it was deleted") from None

    def _looked_up(self, body: Document) -> Document:
        """After a lost answer: ours if it says what was to be written."""
        document = self.cluster.connection.get(self._path, f"get configmap {self.name}")
        if document.get("data") != body["data"]:
            raise self._changed_meanwhile()
        return document

    def _changed_meanwhile(self) -> Conflicting:
        before = self.facts
        self.reload()
        return Conflicting(
            f"The rollout's state (configmap {self.name}) was changed since it was read: "
            f"{'; '.join(changes(before, self.facts))}. Nothing was written.",
            expected="the state as this run last read or wrote it.",
            why="Two that change one rollout undo each other's work without a word.",
            todo=f"Ask who did it, look at it ({self.command}), then run this again: it goes on from the new state.",
        )


def _same(last: FlagSet, entry: FlagSet) -> bool:
    """Whether only the moment differs."""
    return last.model_copy(update={"at": entry.at, "by": entry.by, "why": entry.why}) == entry


def _known_good(cluster: Cluster) -> KnownGood | None:
    connection, target = cluster.connection, cluster.target
    try:
        document = environment.read(connection, target)
    except Missing:
        return None
    images = {one["name"]: one["image"] for one in document["spec"]["template"]["spec"]["containers"]}
    return KnownGood(
        revision=rollouts.revision_of(document),
        template_hash=rollouts.newest_hash(connection, target, document),
        image=images.get(target.container, ""),
        env=environment.value(connection, target, target.flag.env),
        at=datetime.now(UTC),
    )
