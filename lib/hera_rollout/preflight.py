"""What must be true before anything is changed. Each line says what was seen, what is wanted, and how to mend it.

All lines are made, side by side, so that one run names all that is wrong; each failed one ends with its fix and the
entry of the guide's troubleshooting list.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any, Final

from hera_rollout import flag
from hera_rollout.asking import Caller
from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster, environment, rollouts
from hera_rollout.errors import Missing, RolloutError, in_words
from hera_rollout.gates import Check, Verdict, judge, rules
from hera_rollout.gates.rules import Rule
from hera_rollout.target import Target
from hera_rollout.troubleshooting import Entry
from hera_rollout.workflows import Workflows

ARGO_OF_HERA: Final = {"7": "4"}
"""Which major version of Argo the models of a major version of Hera were made from (HERA: its Makefile)."""
CLAIM_VARIABLE: Final = "RESULTS_PVC"
"""How the backend's Deployment names the claim that its workflows mount, where it does."""
_AT_ONCE: Final = 6


def checks(
    target: Target, cluster: Cluster, workflows: Workflows, *, watches: bool = False, unmeasured: Verdict = Verdict.PASS
) -> Iterator[Check]:
    """Make every check of the preflight; each is independent.

    Args:
        target: where.
        cluster: the connection to its cluster.
        workflows: the connection to its Argo Server.
        watches: whether the operator only goes on watching, and workflows are the service's alone.
        unmeasured: what a target without Prometheus means for what follows: PASS where nothing is judged by it, HOLD
            where other gates still tell something, FAIL where a change would be made that no gate could pass.
    """
    lines: tuple[tuple[str, Entry, Callable[[], Check]], ...] = (
        ("Argo Server", Entry.KUBERNETES, lambda: _argo_server(target, workflows)),
        ("Hera here and Argo", Entry.HERA_INSTALLED, lambda: _hera_here(workflows)),
        ("Argo CRDs", Entry.KUBERNETES, lambda: _custom_resources(cluster)),
        ("backend", Entry.KUBERNETES, lambda: _paused(target, cluster) or _backend(target)),
        ("Hera in the backend", Entry.HERA_INSTALLED, lambda: _hera_in_pods(target, cluster, workflows)),
        ("PVC", Entry.PVC, lambda: _claims(target, cluster)),
        ("permissions", Entry.KUBERNETES, lambda: _permissions(target, cluster, watches=watches)),
        ("Prometheus", Entry.NETWORK, lambda: _prometheus(target, unmeasured)),
    )
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda line: _guarded(*line), lines)


def _guarded(name: str, entry: Entry, make: Callable[[], Check]) -> Check:
    """A check that could not be made is FAIL, with what kept it."""
    try:
        return make()
    except Exception as error:  # one that is none of the kit's keeps the other lines from being made no more than it
        said = error if isinstance(error, RolloutError) else RolloutError(in_words(error))
        return judge(
            name=name, rule=rules.raised, evidence={"error": type(error).__name__}, seen=said.seen,
            expected=said.expected or "an answer", why=said.why, todo=_pointed(said.todo, entry), limit_source="kit",
        )  # fmt: skip


def _pointed(todo: str, entry: Entry) -> str:
    return f"{todo} ({entry.reference})".strip()


def _line(name: str, entry: Entry, *, good: bool, seen: str, expected: str, why: str = "", todo: str = "",
          rule: Rule = rules.holds, **evidence: Any) -> Check:  # fmt: skip
    """One line whose verdict is whether a fact holds."""
    return judge(
        name=name, rule=rule, evidence={"holds": good, "seen": seen, **evidence}, seen=seen, expected=expected,
        why=why, todo="" if good else _pointed(todo, entry), limit_source="kit",
    )  # fmt: skip


def _argo_server(target: Target, workflows: Workflows) -> Check:
    """Reach the Argo Server and list workflows."""
    seen = f"Argo {workflows.check_server()} at {target.argo_url}"
    return _line("Argo Server", Entry.KUBERNETES, good=True, seen=seen, expected=f"{target.argo_url} answers")


def _fits(hera: str, argo: str) -> bool:
    """Whether this Hera's models were made for that Argo."""
    return argo.lstrip("v").partition(".")[0] == ARGO_OF_HERA.get(hera.partition(".")[0])


def _wanted(hera: str) -> str:
    major = hera.partition(".")[0]
    return f"Argo {ARGO_OF_HERA.get(major, '(unknown)')}.x, whose fields hera {major} has its models from"


def _hera_here(workflows: Workflows) -> Check:
    """Hera in this environment against the Argo that answers."""
    hera, argo = version("hera"), workflows.check_server()
    return _line(
        "Hera here and Argo", Entry.HERA_INSTALLED, good=_fits(hera, argo), hera=hera, argo=argo,
        seen=f"hera {hera} here against Argo {argo}", expected=_wanted(hera),
        why="Fields that one side does not know are dropped without a word.",
        todo="Install the Hera release that fits the Argo you run (pip install), then run this again.",
    )  # fmt: skip


def _hera_in_pods(target: Target, cluster: Cluster, workflows: Workflows) -> Check:
    """What each pod says of its Hera: its version against Argo, and whether it imports."""
    said = _said(target, cluster)
    argo = workflows.check_server()
    unknown = [row for row in said if row["problem"] == flag.NO_ROUTE]
    faults = ["no pod of the backend is ready"] if not said else [
        fault for row in said if row not in unknown and (fault := _pod_fault(row, argo))
    ]  # fmt: skip
    if unknown and not faults:
        return _line(
            "Hera in the backend", Entry.HERA_INSTALLED, good=False, rule=rules.withheld,
            seen=f"{len(unknown)} of {len(said)} pods have no route /{flag.ROUTE}: which Hera they have is not known",
            expected="each pod says its Hera's version and that it imports",
            todo="Look inside a pod, or where the process runs: python -c 'import hera.workflows'.",
        )  # fmt: skip
    versions = sorted({str(row["hera_version"]) for row in said})
    return _line(
        "Hera in the backend", Entry.HERA_INSTALLED, good=not faults, pods=said, argo=argo,
        seen="; ".join(faults) or f"hera {', '.join(versions)} imports in each of {len(said)} pods; Argo is {argo}",
        expected="each pod imports Hera, in a version made for this Argo",
        why="A backend that cannot import Hera may run YAML without saying so; nothing would be proved.",
        todo="Mend the image (see the import error by hand: kubectl exec in a pod), deploy it, then run this again.",
    )  # fmt: skip


def _deployment(target: Target, cluster: Cluster) -> dict[str, Any] | None:
    """The backend's Deployment; None where there is none, as for a process that is started by hand.

    Raises:
        Missing: there is none, and the target's flag medium needs one.
    """
    try:
        return environment.read(cluster.connection, target)
    except Missing:
        if target.flag.medium != "manual":
            raise
        return None


def _said(target: Target, cluster: Cluster) -> list[dict[str, Any]]:
    """What each pod says of its flag and its Hera; without a Deployment, what the process that answers says."""
    if _deployment(target, cluster) is not None:
        rows = flag.report(cluster, Backend(target)).to_dict(orient="records")
        return [{str(key): value for key, value in row.items()} for row in rows]
    try:
        said = Backend(target).flag()
    except Missing:
        return [{"pod": target.backend_url, "hera_version": "", "hera_import": "", "problem": flag.NO_ROUTE}]
    names = {"pod": "pod", "hera_version": "heraVersion", "hera_import": "heraImport"}
    return [{key: str(said.get(name) or "") for key, name in names.items()} | {"problem": ""}]


def _pod_fault(row: dict[str, Any], argo: str) -> str:
    if row["problem"]:
        return f"pod {row['pod']} did not say: {row['problem']}"
    if row["hera_import"] != "ok":
        return f"pod {row['pod']} cannot import Hera: {row['hera_import'] or 'it does not say why'}"
    if not _fits(str(row["hera_version"]), argo):
        return f"pod {row['pod']} has hera {row['hera_version'] or 'of no version'}, Argo is {argo}"
    return ""


def _custom_resources(cluster: Cluster) -> Check:
    """The Argo kinds the cluster knows, and whether their schemas are full."""
    frame = cluster.crds()
    there = frame[frame["name"] == "workflows.argoproj.io"]
    if there.empty:
        raise RolloutError(
            "the cluster has no CustomResourceDefinition workflows.argoproj.io",
            expected="workflows.argoproj.io",
            todo="Install Argo Workflows into this cluster, or correct the target's context.",
        )
    full = bool(there["full"].iloc[0])
    kind = "full (the API server knows each field)" if full else "minimal (the API server keeps anything unchecked)"
    return _line(
        "Argo CRDs", Entry.KUBERNETES, good=True, full=full, names=list(frame["name"]),
        seen=f"{len(frame)} Argo CRDs, workflows.argoproj.io among them; their schemas are {kind}",
        expected="workflows.argoproj.io, full or minimal",
    )  # fmt: skip


def _paused(target: Target, cluster: Cluster) -> Check | None:
    """FAIL for a paused Deployment whose flag is a variable: what is set then is in no pod, until somebody resumes."""
    deployment = _deployment(target, cluster) if target.flag.medium == "env" else None
    if deployment is None or not rollouts.paused(deployment):
        return None
    return _line(
        "backend", Entry.FLAG_SET, good=False, paused=True,
        seen=f"deployment/{target.deployment} is paused (spec.paused): a change of {target.flag.env} replaces no pod",
        expected="a Deployment that is not paused",
        why="The flag would not be in effect, and go on for everything whenever somebody resumes the Deployment.",
        todo=f"Ask who paused it and why; {rollouts.resume_command(target)}, then run this again.",
    )  # fmt: skip


def _backend(target: Target) -> Check:
    """Reach the backend and read its flag."""
    backend = Backend.connect(target)
    try:
        report = backend.flag()
    except Missing:
        return _line(
            "backend", Entry.FLAG_SET, good=False, rule=rules.withheld,
            seen=f"{target.backend_url} answers, but {flag.NO_ROUTE}: whether the flag is on is not known",
            expected=f"{target.backend_url} answers, and says its flag",
            why="Without it only a workflow's own manifest can tell which path made it: never more than inferred.",
            todo="Give the service that route and its workflows a label (README, “A backend of your own”); what can be "
            "looked at and compared works without.",
        )  # fmt: skip
    return _line(
        "backend", Entry.KUBERNETES, good=True,
        seen=f"{target.backend_url} answers; flag {'on' if report.get('enabled') else 'off'}",
        expected=f"{target.backend_url} answers, and says its flag",
    )  # fmt: skip


def _claims(target: Target, cluster: Cluster) -> Check:
    """Whether the claim that workflows mount, and each claim of the backend's own pods, is Bound."""
    phases = {name: cluster.pvc(name) for name in claims(target, _deployment(target, cluster))}
    loose = {name: phase for name, phase in phases.items() if phase != "Bound"}
    names = " ".join(loose)
    return _line(
        "PVC", Entry.PVC, good=not loose, phases=phases,
        seen="; ".join(f"{name} is {phase}" for name, phase in phases.items()), expected="each claim is Bound",
        why="The backend answers 400 to every submission without the volume that workflows write to.",
        todo=f"kubectl describe pvc {names} -n {target.namespace} says why: no volume that fits, or a class not there.",
    )  # fmt: skip


def claims(target: Target, deployment: dict[str, Any] | None) -> list[str]:
    """The claims to look at: the one of the workflows (by the Deployment, else by the target) and the pods' own. Pure.

    Args:
        target: where.
        deployment: the backend's Deployment; None where there is none.
    """
    if deployment is None:
        return [target.workflow.pvc]
    spec = deployment["spec"]["template"]["spec"]
    containers = [one for one in spec["containers"] if one["name"] == target.container]
    env = {entry["name"]: entry.get("value") for one in containers for entry in one.get("env") or []}
    mounted = [(volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in spec.get("volumes") or []]
    return list(dict.fromkeys([env.get(CLAIM_VARIABLE) or target.workflow.pvc, *filter(None, mounted)]))


def _permissions(target: Target, cluster: Cluster, *, watches: bool) -> Check:
    """Whether the operator, and the backend's ServiceAccount where it has one, may do what the steps need."""
    frame = cluster.permissions(watches=watches)
    if _deployment(target, cluster) is None:
        frame = frame[frame["who"] == "operator"]
    missing = [
        f"{row.who}: {row.verb} {row.resource} ({row.needed_for})" for row in frame.itertuples() if not row.allowed
    ]
    return _line(
        "permissions", Entry.KUBERNETES, good=not missing, missing=missing,
        seen=f"missing: {'; '.join(missing)}" if missing else f"all {len(frame)} needed rights are there",
        expected="every right the steps and the backend's code need",
        why="A step would stop half way, or the backend would refuse what its clients may ask.",
        todo="kubectl apply -k deploy/rbac (the operator's rights), deploy/base (the backend's), then run this again.",
    )  # fmt: skip


def _prometheus(target: Target, unmeasured: Verdict = Verdict.PASS) -> Check:
    """Whether PromQL is answered; a target without Prometheus is told so."""
    if target.prometheus_url is None:
        return _without_prometheus(unmeasured)
    todo = f"See whether it runs and whether prometheus_url of target {target.name} is right, or take it out there."
    seconds = float(target.limits.request_timeout_seconds)
    caller = Caller("Prometheus", target.prometheus_url, seconds, unreachable_todo=todo)
    answer = caller.json("GET", "/api/v1/query", query={"query": "count(up)"})
    result = (answer.get("data") or {}).get("result") or []
    count = str(result[0]["value"][1]) if result else "0"
    return _line(
        "Prometheus", Entry.NETWORK, good=answer.get("status") == "success", targets=count,
        seen=f"{target.prometheus_url} answers PromQL; it scrapes {count} targets", expected="PromQL is answered",
        todo=todo,
    )  # fmt: skip


def _without_prometheus(means: Verdict) -> Check:
    """Phase 1 judges nothing by it; of phase 2 some gates hold; no gate of 3 and 4 could pass."""
    expected = {
        Verdict.PASS: "none is needed here; phase 2 holds without one, 3 and 4 do not begin",
        Verdict.HOLD: "one, for error rate, CPU and memory; the other gates are judged all the same",
        Verdict.FAIL: "one: answers and errors by path are judged by it, and without them no gate could pass",
    }
    return _line(
        "Prometheus", Entry.NETWORK, good=means is Verdict.PASS, checked=False,
        rule=rules.withheld if means is Verdict.HOLD else rules.holds,
        seen="not checked: the target names no prometheus_url", expected=expected[means],
        todo="Add prometheus_url to the target, of one that scrapes the backend's /metrics.",
    )  # fmt: skip
