"""The feature flag: plan a flip, apply it, and believe only what each pod itself reports.

Media: `env`, a variable on the Deployment, as in the guide (its pods restart).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pandas import DataFrame

from hera_rollout.answers import plain
from hera_rollout.cluster import Cluster, EnvChange, pods
from hera_rollout.errors import Ambiguous, DeadlineExceeded, Missing, Refused, Retryable, RolloutError

ROUTE = "api/v1/flag"
PORT = 8000
COLUMNS = ["pod", "enabled", "decided_by", "hera_version", "hera_import", "code_revision", "problem"]
_FRESH_ANSWERS = 4
_PAUSE_SECONDS = 0.5
_IMPORT_TODO = (
    "Fix what keeps Hera from being imported in the image (guide: Hera SDK is installed), then run this again."
)


class ReportsFlag(Protocol):
    """What is needed of the backend's client here (it is a sibling layer, so it is not imported)."""

    def flag(self) -> Mapping[str, Any]:
        """GET /api/v1/flag over a fresh connection."""
        ...


@dataclass(frozen=True)
class FlagChange:
    """A planned flip."""

    enabled: bool
    change: EnvChange
    undo_command: str

    @property
    def command(self) -> str:
        """The kubectl line it stands for."""
        return self.change.command

    @property
    def noop(self) -> bool:
        """Whether the variable already says so. Whether it is in effect is another question."""
        return self.change.noop

    def diff(self) -> str:
        """The patch as a diff of the container's env section."""
        return self.change.diff()


@dataclass(frozen=True)
class FlagEffect:
    """A flip that is in effect on every pod."""

    enabled: bool
    pods: list[str]
    seconds: float
    rollout_seconds: float
    report: DataFrame = field(repr=False)


def plan(cluster: Cluster, enabled: bool) -> FlagChange:
    """Plan a flip; nothing is changed.

    Raises:
        Refused: The target's medium is another one than `env`, or the Deployment takes the variable from elsewhere.
    """
    settings = cluster.target.flag
    if settings.medium != "env":
        raise Refused(
            f"Target {cluster.target.name} throws the flag by medium {settings.medium!r}.",
            expected="medium 'env': the others are not there yet.",
            todo="Set `medium` under [flag] in the target's file.",
        )
    change = cluster.plan_env(settings.env, "true" if enabled else "false")
    target = cluster.target
    undo = f"kubectl set env deployment/{target.deployment} {settings.env}=false -n {target.namespace}"
    return FlagChange(enabled, change, undo)


def apply(
    cluster: Cluster, backend: ReportsFlag, change: FlagChange, on_progress: Callable[[str], None] | None = None
) -> FlagEffect:
    """Patch, wait for the rollout, then until every ready pod and the service report the flag as wanted.

    Raises:
        Refused: The Deployment changed since the flip was planned; nothing was touched.
        DeadlineExceeded: The rollout, or the flag on some pod, did not come; the text says which pod said what.
    """
    tell = on_progress or (lambda _: None)
    began = time.monotonic()
    deadline = float(cluster.target.limits.rollout_deadline_seconds)
    if not change.noop:
        _patch(cluster, change, tell)
    status = cluster.rollout_status(deadline, tell)
    left = max(deadline - (time.monotonic() - began), _PAUSE_SECONDS)
    seen = _await_effect(cluster, backend, change.enabled, left, tell)
    return FlagEffect(change.enabled, list(seen["pod"]), time.monotonic() - began, status.seconds, seen)


def report(cluster: Cluster, backend: ReportsFlag) -> DataFrame:
    """One row a ready pod, asked of the pod itself.

    Columns: pod, enabled, decided_by, hera_version, hera_import, code_revision, problem (why a pod did not say).
    """
    del backend  # asked past the Service, on purpose
    target = cluster.target
    ready = [pod for pod in cluster.pod_documents(cluster.selector()) if pods.ready(pod)]
    rows = [_row(cluster, pod["metadata"]["name"], _port(pod, target.container)) for pod in ready]
    made = DataFrame(rows, columns=COLUMNS).sort_values("pod", ignore_index=True)
    made.attrs["command"] = f"kubectl get --raw /api/v1/namespaces/{target.namespace}/pods/POD:{PORT}/proxy/{ROUTE}"
    return made


def _patch(cluster: Cluster, change: FlagChange, tell: Callable[[str], None]) -> None:
    try:
        cluster.apply_env(change.change)
    except Ambiguous:
        if cluster.env(change.change.name) != change.change.after:  # the lost answer is looked up, not sent again
            raise
    tell(f"patched: {change.command}")


def _port(pod: Mapping[str, Any], container: str) -> int:
    named = [entry for entry in pod["spec"]["containers"] if entry["name"] == container]
    ports = (named[0].get("ports") or []) if named else []
    return int(ports[0]["containerPort"]) if ports else PORT


def _row(cluster: Cluster, pod: str, port: int) -> dict[str, object]:
    try:
        said: Mapping[str, Any] = cluster.ask_pod(pod, port, ROUTE)
    except Missing:
        said = {"problem": f"it has no route /{ROUTE}"}
    except RolloutError as error:
        said = {"problem": error.seen}
    return {
        "pod": pod,
        "enabled": said.get("enabled"),
        "decided_by": said.get("decidedBy", ""),
        "hera_version": said.get("heraVersion") or "",
        "hera_import": plain(str(said.get("heraImport", ""))),
        "code_revision": said.get("codeRevision", ""),
        "problem": said.get("problem", ""),
    }


def _await_effect(
    cluster: Cluster, backend: ReportsFlag, enabled: bool, seconds: float, tell: Callable[[str], None]
) -> DataFrame:
    ends = time.monotonic() + seconds
    while True:
        seen, wrong = _looked_at(cluster, backend, enabled)
        if not wrong:
            tell(f"{len(seen)} of {len(seen)} pods and the service report the flag {_word(enabled)}")
            return seen
        tell("; ".join(wrong))
        if time.monotonic() >= ends or _cannot_come(seen, enabled):
            raise _not_in_effect(cluster, enabled, wrong, seen, seconds)
        time.sleep(_PAUSE_SECONDS)


def _looked_at(cluster: Cluster, backend: ReportsFlag, enabled: bool) -> tuple[DataFrame, list[str]]:
    try:
        seen = report(cluster, backend)
    except Retryable as error:
        return DataFrame(columns=COLUMNS), [f"the pods could not be asked: {error.seen}"]
    return seen, _wrong_pods(seen, enabled) or _wrong_service(backend, seen, enabled)


def _wrong_pods(seen: DataFrame, enabled: bool) -> list[str]:
    if seen.empty:
        return ["no pod is ready"]
    return [told for row in seen.to_dict(orient="records") if (told := _wrong_pod(row, enabled))]


def _wrong_pod(row: Mapping[Hashable, Any], enabled: bool) -> str:
    if row["problem"]:
        return f"pod {row['pod']} did not say: {row['problem']}"
    if row["enabled"] is not enabled:
        word = _word(row["enabled"]) if isinstance(row["enabled"], bool) else repr(row["enabled"])
        return f"pod {row['pod']} reports the flag {word} (decided by {row['decided_by'] or 'unknown'})"
    if enabled and row["hera_import"] != "ok":
        return f"pod {row['pod']} reports the flag on, but cannot import Hera: {row['hera_import'] or 'no word'}"
    return ""


def _wrong_service(backend: ReportsFlag, seen: DataFrame, enabled: bool) -> list[str]:
    """Ready is not routable: an old pod may answer a little longer than it is listed."""
    known = set(seen["pod"])
    for _ in range(_FRESH_ANSWERS + 2 * len(known)):
        try:
            said = backend.flag()
        except RolloutError as error:
            return [f"the service did not answer: {error.seen}"]
        if said.get("enabled") is not enabled:
            return [f"the service still answers from pod {said.get('pod')} with the flag {_word(not enabled)}"]
        if said.get("pod") and said["pod"] not in known:
            return [f"the service still answers from pod {said['pod']}, which is not among the ready pods"]
    return []


def _cannot_come(seen: DataFrame, enabled: bool) -> bool:
    """A Hera that cannot be imported will not be: waiting longer changes nothing."""
    broken = [row for row in seen.itertuples() if row.enabled is True and row.hera_import not in {"ok", ""}]
    return enabled and bool(broken) and len(broken) == len(seen)


def _not_in_effect(
    cluster: Cluster, enabled: bool, wrong: list[str], seen: DataFrame, seconds: float
) -> DeadlineExceeded:
    target = cluster.target
    value = cluster.env(target.flag.env)
    undo = f"kubectl set env deployment/{target.deployment} {target.flag.env}=false -n {target.namespace}"
    import_broken = any("cannot import Hera" in line for line in wrong)
    other = f"See what else decides it there ({target.flag.configmap}? another variable?): kubectl logs, /{ROUTE}."
    return DeadlineExceeded(
        f"The flag is not in effect, though {target.flag.env}={value} on deployment/{target.deployment}: "
        f"{'; '.join(wrong)}.",
        seconds=seconds,
        expected=f"every ready pod, and the service, report the flag {_word(enabled)}"
        + (" and Hera importable." if enabled else "."),
        why="What was set is not what runs: results from here would prove nothing.",
        todo=f"{_IMPORT_TODO if import_broken else other} To go back: {undo}",
        evidence=seen.to_dict(orient="records"),
    )


def _word(enabled: bool) -> str:
    return "on" if enabled else "off"
