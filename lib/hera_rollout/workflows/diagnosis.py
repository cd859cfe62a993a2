"""Why a workflow does not start or has failed: everything that an operator would look up, with the guide's entry.

`findings` is pure; `diagnose` reads the cluster. Of the environment only names are shown: a value may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pandas import DataFrame

from hera_rollout.answers import plain
from hera_rollout.cluster import pods
from hera_rollout.errors import Missing, RolloutError
from hera_rollout.redaction import REDACTOR
from hera_rollout.troubleshooting import Entry
from hera_rollout.workflows import documents
from hera_rollout.workflows.documents import Document
from hera_rollout.workflows.service import Workflows
from hera_rollout.workflows.waiting import POD_LABEL

COLUMNS: Final = ["part", "seen", "wrong", "guide"]
LENGTH: Final = 300
MOST_EVENTS: Final = 8
UNSEEN: Final = timedelta(seconds=10)
_IMAGE_REASONS: Final = ("ImagePull", "ErrImage", "InvalidImage", "ImageNeverPull")
_MOUNT_WORDS: Final = ("mount", "volume", "persistentvolumeclaim", "pvc")
_ENV_WORDS: Final = ("secret", "configmap", "environment variable", "createcontainerconfigerror")
_HEALTH_WORDS: Final = ("insufficient", "evict", "unschedulable", "taint", "nodes are available", "pressure")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        part: what: workflow, node NAME, pod NAME, event, image, environment, mounts, PVC NAME.
        seen: what it says.
        entry: the line of the guide's troubleshooting list that it belongs to.
        wrong: whether this is what is wrong; the others are shown for comparison.
    """

    part: str
    seen: str
    entry: Entry
    wrong: bool = False

    def sentence(self) -> str:
        """The finding in words, with the guide's entry."""
        return f"{self.part}: {self.seen} ({self.entry.reference})"


@dataclass(frozen=True)
class Diagnosis:
    """What was found about one workflow."""

    workflow: str
    findings: tuple[Finding, ...] = field(repr=False)
    namespace: str = ""

    @property
    def frame(self) -> DataFrame:
        """One row a finding, what is wrong first: part, seen, wrong (yes or empty), guide."""
        ranked = sorted(self.findings, key=lambda one: not one.wrong)
        rows = [(one.part, one.seen, "yes" if one.wrong else "", one.entry.reference) for one in ranked]
        made = DataFrame(rows, columns=COLUMNS)
        made.attrs["command"] = f"kubectl describe pod -n {self.namespace} -l {POD_LABEL}={self.workflow}"
        return made

    @property
    def sentences(self) -> list[str]:
        """What is wrong, one sentence each; one that says so where nothing was found."""
        wrong = [one.sentence() for one in self.findings if one.wrong]
        return wrong or [f"{self.workflow}: nothing that can be read says what is wrong with it"]


def diagnose(workflows: Workflows, name: str) -> Diagnosis:
    """Look up all that can be read about a workflow. Never raises: what cannot be read is a finding."""
    namespace = workflows.target.namespace
    try:
        document = workflows.get(name)
    except Missing:
        gone = Finding("workflow", f"{name} is neither on the cluster nor in the archive", Entry.KUBERNETES, wrong=True)
        return Diagnosis(name, (gone,), namespace)
    except RolloutError as error:
        return Diagnosis(name, (_unread("workflow", error),), namespace)
    troubles: list[Finding] = []
    found, events, claims = _pods(workflows, name, troubles), _events(workflows, name, troubles), {}
    for claim in _claims(document):
        try:
            claims[claim] = workflows.cluster.pvc(claim)
        except RolloutError as error:
            troubles.append(_unread(f"PVC {claim}", error))
    return Diagnosis(name, (*findings(document, found, events, claims), *troubles), namespace)


def findings(
    document: Mapping[str, Any],
    pod_documents: Iterable[Document],
    events: Iterable[Mapping[str, Any]],
    claims: Mapping[str, str],
    now: datetime | None = None,
) -> Iterator[Finding]:
    """Judge what was read. Pure.

    Args:
        document: the workflow.
        pod_documents: its pods.
        events: rows of the events about it: type, reason, object, message, count.
        claims: phase of each volume claim that it mounts.
        now: the moment it was read.
    """
    yield _workflow(document, now or datetime.now(UTC))
    yield from _nodes(document)
    pods_there = list(pod_documents)
    for pod in pods_there:
        yield from _pod(pod)
    yield from _warnings(events)
    yield from _specification(document)
    for claim, phase in claims.items():
        yield Finding(f"PVC {claim}", phase, Entry.PVC, wrong=phase != "Bound")
    if not pods_there:
        yield Finding("pods", "there is none (not made yet, or cleaned up after the end)", Entry.KUBERNETES)


def _workflow(document: Mapping[str, Any], now: datetime) -> Finding:
    phase, told = documents.phase(document), _text(documents.message(document))
    created = documents.moment((document.get("metadata") or {}).get("creationTimestamp"))
    if not phase and created and now - created > UNSEEN:
        age = f"{(now - created).total_seconds():.0f} s"
        return Finding("workflow", f"no controller has picked it up in {age}", Entry.HEALTH, wrong=True)
    entry = _entry(told, Entry.STRUCTURE)
    wrong = phase in {"Failed", "Error"} or (phase == "Pending" and bool(told))
    return Finding("workflow", f"{phase or 'Pending'}{f': {told}' if told else ''}", entry, wrong=wrong)


def _nodes(document: Mapping[str, Any]) -> Iterator[Finding]:
    for node in documents.nodes(document).values():
        told = _text(node.get("message") or "")
        bad = node.get("phase") in {"Failed", "Error"}
        if node.get("type") == "Pod" and (bad or told):
            code = (node.get("outputs") or {}).get("exitCode")
            exit_code = f", exit code {code}" if code not in {None, "", "0"} else ""
            seen = f"{node.get('phase')}{exit_code}{f': {told}' if told else ''}"
            yield Finding(f"node {node.get('displayName')}", seen, _entry(told, Entry.STRUCTURE), wrong=bad)


def _pod(pod: Document) -> Iterator[Finding]:
    part = f"pod {pod['metadata']['name']}"
    for told in filter(None, (pods.blocked(pod), pods.unscheduled(pod))):
        yield Finding(part, _text(told.partition(": ")[2]), _entry(told, Entry.HEALTH), wrong=True)
    ended = [_ended(status) for status in pod.get("status", {}).get("containerStatuses") or []]
    said = "; ".join(filter(None, ended))
    killed = "OOMKilled" in said
    entry = Entry.LIMITS if killed else Entry.HEALTH
    yield Finding(part, _text(f"{pods.status_word(pod)}{f'; {said}' if said else ''}"), entry, wrong=killed)


def _ended(status: Document) -> str:
    state = status.get("state", {}).get("terminated") or {}
    if not state.get("exitCode") and state.get("reason") in {None, "Completed"}:
        return ""
    told = f": {state['message']}" if state.get("message") else ""
    return f"container {status['name']} {state.get('reason')} with exit code {state.get('exitCode')}{told}"


def _warnings(events: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    told = [event for event in events if event.get("type") == "Warning"]
    for event in told[-MOST_EVENTS:]:
        seen = _text(f"{event['reason']} x{event['count']}: {event['message']}")
        yield Finding(f"event of {event['object']}", seen, _entry(seen, Entry.HEALTH), wrong=True)


def _specification(document: Mapping[str, Any]) -> Iterator[Finding]:
    """What the manifest asks for: image, environment (names only), mounts."""
    for template, container in _containers(document):
        part = f"template {template}"
        yield Finding(f"{part} image", _text(str(container.get("image") or "none named")), Entry.IMAGES)
        names = [str(entry.get("name")) for entry in container.get("env") or []]
        names += [f"all of {source}" for source in _sources(container)]
        yield Finding(f"{part} environment", _text(", ".join(names) or "none"), Entry.ENVIRONMENT)
        mounts = [f"{mount.get('mountPath')} from {mount.get('name')}" for mount in container.get("volumeMounts") or []]
        yield _mounts(part, mounts, _unknown_volumes(document, container))


def _mounts(part: str, mounts: list[str], unknown: list[str]) -> Finding:
    if unknown:
        seen = f"mounts {', '.join(unknown)}, which is no volume of the workflow"
        return Finding(f"{part} mounts", seen, Entry.MOUNTS, wrong=True)
    return Finding(f"{part} mounts", _text("; ".join(mounts) or "none"), Entry.MOUNTS)


def _containers(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for template in (document.get("spec") or {}).get("templates") or []:
        for kind in ("container", "script"):
            if template.get(kind):
                yield str(template.get("name", "")), template[kind]


def _sources(container: Mapping[str, Any]) -> Iterator[str]:
    for source in container.get("envFrom") or []:
        for kind in ("secretRef", "configMapRef"):
            if source.get(kind):
                yield f"{kind.removesuffix('Ref')} {source[kind].get('name')}"


def _unknown_volumes(document: Mapping[str, Any], container: Mapping[str, Any]) -> list[str]:
    spec = document.get("spec") or {}
    known = {volume.get("name") for volume in spec.get("volumes") or []}
    known |= {(claim.get("metadata") or {}).get("name") for claim in spec.get("volumeClaimTemplates") or []}
    for template in spec.get("templates") or []:
        known |= {volume.get("name") for volume in template.get("volumes") or []}
    return [str(mount.get("name")) for mount in container.get("volumeMounts") or [] if mount.get("name") not in known]


def _claims(document: Mapping[str, Any]) -> list[str]:
    spec = document.get("spec") or {}
    volumes = [*(spec.get("volumes") or []), *(v for t in spec.get("templates") or [] for v in t.get("volumes") or [])]
    names = {(volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in volumes}
    return sorted(str(name) for name in names if name)


def _entry(told: str, otherwise: Entry) -> Entry:
    """Which line of the guide a message belongs to."""
    low = told.lower()
    if any(reason in told for reason in _IMAGE_REASONS) or " image" in low:
        return Entry.IMAGES
    if any(word in low for word in _ENV_WORDS):
        return Entry.ENVIRONMENT
    if any(word in low for word in _MOUNT_WORDS):
        return Entry.MOUNTS
    return Entry.HEALTH if any(word in low for word in _HEALTH_WORDS) else otherwise


def _pods(workflows: Workflows, name: str, troubles: list[Finding]) -> list[Document]:
    try:
        return workflows.cluster.pod_documents(f"{POD_LABEL}={name}")
    except RolloutError as error:
        troubles.append(_unread("pods", error))
        return []


def _events(workflows: Workflows, name: str, troubles: list[Finding]) -> list[dict[str, Any]]:
    try:
        frame = workflows.cluster.events(about=name)
    except RolloutError as error:
        troubles.append(_unread("events", error))
        return []
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict(orient="records")]


def _unread(part: str, error: RolloutError) -> Finding:
    return Finding(part, f"could not be read: {_text(error.seen)}", Entry.KUBERNETES, wrong=True)


def _text(told: str) -> str:
    return plain(REDACTOR.text(told), LENGTH)
