"""What must be true before anything is changed. Each line says what was seen, what is wanted, and how to mend it."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Final

from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.errors import RolloutError
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows

ARGO_OF_HERA: Final = {"7": "4"}
"""Which major version of Argo the models of a major version of Hera were made from (HERA: its Makefile)."""


def _asked(name: str, wanted: str, question: Callable[[], str]) -> Check:
    """Ask one question: an answer is PASS, an error of the kit is FAIL with the error's own advice."""
    try:
        seen = question()
    except RolloutError as error:
        return _raised(name, error, wanted)
    return judge(
        name=name, rule=rules.holds, evidence={"holds": True, "seen": seen}, seen=seen, expected=wanted,
        limit_source="kit",
    )  # fmt: skip


def _raised(name: str, error: RolloutError, wanted: str = "") -> Check:
    """A line that ended with an error: FAIL, with the error's own advice."""
    return judge(
        name=name, rule=rules.raised, evidence={"error": type(error).__name__}, seen=error.seen,
        expected=error.expected or wanted, why=error.why, todo=error.todo, limit_source="kit",
    )  # fmt: skip


def _backend(target: Target) -> str:
    """Reach the backend and read its flag."""
    report = Backend.connect(target).flag()
    return f"{target.backend_url} answers; flag {'on' if report.get('enabled') else 'off'}"


def _permissions(cluster: Cluster) -> Check:
    """Whether the operator, and the backend's ServiceAccount, may do what the steps need."""
    frame = cluster.permissions()
    missing = [
        f"{row.who}: {row.verb} {row.resource} ({row.needed_for})" for row in frame.itertuples() if not row.allowed
    ]
    return judge(
        name="permissions",
        rule=rules.holds,
        evidence={"holds": not missing, "missing": missing},
        seen=f"missing: {'; '.join(missing)}" if missing else f"all {len(frame)} needed rights are there",
        expected="every right the steps need, and no more",
        limit_source="kit",
        why="A step would stop half way.",
        todo="kubectl apply -k deploy/rbac (the operator) and deploy/base (the backend), then run this again.",
    )


def _claim(target: Target, cluster: Cluster) -> Check:
    """Whether the volume claim that every workflow mounts is Bound."""
    phase = cluster.pvc(target.workflow.pvc)
    return judge(
        name="PVC",
        rule=rules.holds,
        evidence={"holds": phase == "Bound", "phase": phase},
        seen=f"{target.workflow.pvc} is {phase}",
        expected="Bound",
        limit_source="guide",
        why="The backend answers 400 to every submission without it.",
        todo=f"kubectl describe pvc {target.workflow.pvc} -n {target.namespace}: says why (guide: PVC is available).",
    )


def _versions(argo: str) -> Check:
    """Whether this Hera's models were made for that Argo."""
    hera = version("hera")
    wanted = ARGO_OF_HERA.get(hera.split(".")[0], "")
    fits = argo.lstrip("v").split(".")[0] == wanted
    return judge(
        name="Hera and Argo versions",
        rule=rules.holds,
        evidence={"holds": fits, "hera": hera, "argo": argo},
        seen=f"hera {hera} against Argo {argo}",
        expected=f"Argo {wanted}.x, which hera {hera.split('.')[0]} has its models from",
        limit_source="kit",
        why="Fields that one side does not know are dropped without a word.",
        todo="Install the Hera release that fits the Argo you run, here and in the backend's image.",
    )


def _custom_resources(cluster: Cluster) -> str:
    """The Argo kinds the cluster knows."""
    frame = cluster.crds()
    names = set(frame["name"]) if not frame.empty else set()
    if "workflows.argoproj.io" not in names:
        raise RolloutError(
            "the cluster has no CustomResourceDefinition workflows.argoproj.io",
            todo="Install Argo Workflows into this cluster, or correct the target's context.",
        )
    return f"{len(names)} Argo CRDs, workflows.argoproj.io among them"


def checks(target: Target, cluster: Cluster, workflows: Workflows) -> Iterator[Check]:
    """Make every check of the preflight; each is independent, so that one run names all that is wrong.

    Args:
        target: where.
        cluster: the connection to its cluster.
        workflows: the connection to its Argo Server.
    """
    argo = _asked("Argo Server", f"{target.argo_url} answers", workflows.check_server)
    yield argo
    if argo.verdict is Verdict.PASS:
        yield _versions(argo.seen)
    yield _asked("Argo CRDs", "workflows.argoproj.io", lambda: _custom_resources(cluster))
    yield _asked("backend", f"{target.backend_url}/healthz and /api/v1/flag answer", lambda: _backend(target))
    yield _guarded("PVC", lambda: _claim(target, cluster))
    yield _guarded("permissions", lambda: _permissions(cluster))


def _guarded(name: str, make: Callable[[], Check]) -> Check:
    """A check that could not be made is FAIL, with what kept it."""
    try:
        return make()
    except RolloutError as error:
        return _raised(name, error)
