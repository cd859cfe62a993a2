"""What it takes to have 10,000 workflows in hand: the kit beside kubectl and Hera, time and peak memory, in one run.

    python benchmarks/inspect.py [--count 10000] [--rounds 3] [--target lab] [--admin lab-admin] [--json FILE] [--keep]

Finished workflows are made in a namespace of their own, which is deleted at the end, whatever happens. Then, round by
round, each in a new process, as the target's operator:

- kit: `metrics.workflow_frame`, the frame of the plots, read in pages and projected as they come (without the archive);
- kubectl: `kubectl get workflows -o json` to /dev/null;
- Hera: `WorkflowsService.list_workflows`, the whole list. An Argo Server that is `--namespaced`, as the lab's, lists no
  other namespace, so that one more is started for this one: the lab's program with the lab's options.

A time is that of the whole process, imports and all. Aim: the kit takes at most half of what the faster other one does.
"""

from __future__ import annotations

import os
import sys

# ruff: noqa: E402
# Scripts here have this folder first in sys.path: whoever means the standard library's inspect would find this file.
_own = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
_others = [entry for entry in sys.path if os.path.realpath(entry) != _own]
if __name__ == "__main__":
    sys.path[:] = _others
elif __name__ == "inspect":
    _all, sys.path = sys.path, _others
    del sys.modules["inspect"]
    __import__("inspect")  # it takes this one's place in sys.modules: that is what the importer gets
    sys.path = _all

# Nothing below may need inspect when it is imported: the kit, httpx and the like are imported where they are used. It
# keeps this process small too: Linux counts a parent's memory as the least peak of each child.
import argparse
import json
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hera_rollout.cluster.connection import Connection
    from hera_rollout.target import Target

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "bench-inspect"
OWN = {"hera-rollout/benchmark": "inspect"}
AIM = 0.5
LONGEST = 300.0
MAKERS = 8
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
NAMES = {"kit": "kit", "kubectl": "kubectl", "hera": "Hera"}
TOKEN = "HERA_ROLLOUT_ARGO_TOKEN"
RIGHTS = "/apis/rbac.authorization.k8s.io/v1/namespaces"
WORKFLOWS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
Figures = dict[str, Any]


def workflow(number: int, now: datetime) -> dict[str, Any]:
    """A finished one-pod workflow of the backend, field by field as the lab's controller leaves it."""
    task, good = f"task-{number:012x}", number % 20 != 19
    name = f"python-job-{task}-1-1"
    began, seconds = now - timedelta(minutes=5), 4 + number % 7
    span = {"startedAt": f"{began:{MOMENT}}", "finishedAt": f"{began + timedelta(seconds=seconds):{MOMENT}}"}
    phase = {"phase": "Succeeded" if good else "Failed"} | ({} if good else {"message": "Error (exit code 1)"})
    common = {**span, **phase, "progress": "1/1" if good else "0/1", "resourcesDuration": {"cpu": 0, "memory": seconds}}
    node = {
        "id": name, "name": name, "displayName": name, "type": "Pod", "hostNodeName": "lab", "templateName": "main",
        "templateScope": f"local/{name}", "taskResultSynced": True, "outputs": {"exitCode": "0" if good else "1"},
    }  # fmt: skip
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": _labels(number, task, phase["phase"]),
                     "annotations": _annotations(number)},
        "spec": _spec(number, task),
        "status": {
            **common,
            "artifactGCStatus": {"notSpecified": True},
            "artifactRepositoryRef": {"artifactRepository": {}, "default": True},
            "conditions": [{"status": "False", "type": "PodRunning"}, {"status": "True", "type": "Completed"}],
            "nodes": {name: node | common},
        },
    }  # fmt: skip


def _labels(number: int, task: str, phase: str) -> dict[str, str]:
    # Not workflow-archiving-status=Archived: those the Argo Server lists from its database only.
    return {
        "hera-rollout/path": ("hera", "yaml")[number % 2], "hera-rollout/run": "1", "hera-rollout/task": task,
        "workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": phase,
        "workflows.argoproj.io/creator": "system-serviceaccount-argo-backend",
    }  # fmt: skip


def _annotations(number: int) -> dict[str, str]:
    return {
        "hera-rollout/code-revision": "content-1a2cf8129c9b+hera-7.1.0", "hera-rollout/content": f"{number:032x}",
        "hera-rollout/flag": f"file:on:50%:bucket={number % 10_000}", "workflows.argoproj.io/pod-name-format": "v2",
        "workflows.argoproj.io/last-seen-version": str(50_000 + number),
    }  # fmt: skip


def _spec(number: int, task: str) -> dict[str, Any]:
    container = {
        "name": "", "image": "rollout-lab/python:3.11", "command": ["python", "-c"], "resources": {},
        "args": [f'print("[03-20261128-115127-100-1-{number:05}] traffic")'],
        "env": [{"name": "RESULTS_DIR", "value": "/mnt/results"}],
        "volumeMounts": [{"mountPath": "/mnt/results", "name": "task-results"}],
    }  # fmt: skip
    return {
        "arguments": {}, "entrypoint": "main", "serviceAccountName": "workflow",
        "synchronization": {"mutexes": [{"name": f"results-{task}"}]},
        "templates": [{"container": container, "inputs": {}, "metadata": {}, "name": "main", "outputs": {}}],
        "volumes": [{"name": "task-results", "persistentVolumeClaim": {"claimName": "task-results-pvc"}}],
    }  # fmt: skip


def place(given: Mapping[str, Any], *, admin: bool = False) -> Target:
    """The target, in the benchmark's namespace."""
    from hera_rollout.target import Target

    there = Target.load(given["target"], search=ROOT)
    return there.model_copy(update={"namespace": NAMESPACE} | ({"context": given["admin"]} if admin else {}))


def make(given: Mapping[str, Any]) -> Figures:
    """The namespace with everything in it, and what the readers need to know."""
    from concurrent.futures import ThreadPoolExecutor

    from hera_rollout.cluster import connection
    from rollout_lab.paths import Paths

    operator, now = place(given), datetime.now(UTC)
    remove(given)
    reader, maker = connection.load(operator), connection.load(place(given, admin=True))
    maker.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": OWN}})
    # The Argo Server does not start without its settings; empty ones mean the defaults, and no archive.
    settings = {"metadata": {"name": "workflow-controller-configmap"}}
    maker.create(f"/api/v1/namespaces/{NAMESPACE}/configmaps", settings)
    _let_in(maker, reader)
    began = time.monotonic()
    with ThreadPoolExecutor(MAKERS) as pool:
        for _ in pool.map(lambda number: maker.create(WORKFLOWS, workflow(number, now)), range(given["count"])):
            pass
    took = time.monotonic() - began
    example = maker.get(WORKFLOWS, limit=1)["items"][0]
    programs = {name: shutil.which(name) or str(Paths.from_environment().bin / name) for name in ("kubectl", "argo")}
    return {"seconds": took, "bytes": len(json.dumps(example, separators=(",", ":"))), "since": now.isoformat(),
            "kubeconfig": str(operator.kubeconfig or ""), "context": operator.context, "token": reader.token(),
            **programs}  # fmt: skip


def _let_in(maker: Connection, reader: Connection) -> None:
    """The operator may read the workflows here; who that is, the API server tells."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    user = reader.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", review)["status"]["userInfo"]["username"]
    rule = {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get", "list"]}
    group = "rbac.authorization.k8s.io"
    maker.create(f"{RIGHTS}/{NAMESPACE}/roles", {"metadata": {"name": "reader"}, "rules": [rule]})
    maker.create(
        f"{RIGHTS}/{NAMESPACE}/rolebindings",
        {"metadata": {"name": "reader"}, "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
         "subjects": [{"apiGroup": group, "kind": "User", "name": user}]},
    )  # fmt: skip


def remove(given: Mapping[str, Any]) -> Figures:
    """Delete the namespace, also one that an earlier run left, and wait until it is gone; never somebody else's."""
    from hera_rollout.cluster import connection
    from hera_rollout.errors import Missing

    admin, path = connection.load(place(given, admin=True)), f"/api/v1/namespaces/{NAMESPACE}"
    ends = time.monotonic() + LONGEST
    with suppress(Missing):
        if OWN.items() - (admin.get(path)["metadata"].get("labels") or {}).items():
            sys.exit(f"There is a namespace {NAMESPACE} that this benchmark did not make: it is left as it is.")
        admin.delete(path)
        while time.monotonic() < ends:
            admin.get(path)
            time.sleep(0.5)
        sys.exit(f"The namespace {NAMESPACE} was deleted, but is still there after {LONGEST:.0f} s.")
    return {}


def kit(given: Mapping[str, Any]) -> Figures:
    """The frame that the plots use."""
    from hera_rollout.cluster import Cluster
    from hera_rollout.metrics import workflow_frame
    from hera_rollout.workflows import Workflows

    startup = time.monotonic() - given["began"]
    there = place(given)
    workflows = Workflows(there, Cluster.connect(there))
    frame = workflow_frame(workflows, since=datetime.fromisoformat(given["since"]), archive=False)
    return {"startup": startup, "rows": len(frame)}


def hera(given: Mapping[str, Any]) -> Figures:
    """Hera's own list of all of them."""
    from hera.workflows import WorkflowsService

    startup = time.monotonic() - given["began"]
    service = WorkflowsService(host=given["argo_url"], token=os.environ[TOKEN], namespace=NAMESPACE)
    return {"startup": startup, "rows": len(service.list_workflows().items or [])}


def settle(given: Mapping[str, Any]) -> Figures:
    """Wait until the Argo Server knows all workflows: its lists come from a store that follows the cluster."""
    import httpx

    server = httpx.Client(
        base_url=given["argo_url"], headers={"Authorization": f"Bearer {os.environ[TOKEN]}"}, timeout=60
    )
    ends, found = time.monotonic() + 60, 0
    while found < given["count"] and time.monotonic() < ends:
        with suppress(httpx.HTTPError):
            answer = server.get(f"/api/v1/workflows/{NAMESPACE}", params={"fields": "items.metadata.name"})
            found = len(answer.raise_for_status().json().get("items") or [])
        time.sleep(0.5)
    return {"rows": found}


CHILDREN: dict[str, Callable[[Mapping[str, Any]], Figures]] = {
    "make": make, "remove": remove, "settle": settle, "kit": kit, "hera": hera,
}  # fmt: skip


def measured(command: list[str], token: str = "") -> Figures:
    """One process from its start to its end: seconds, peak memory, and what it wrote or died of."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, TOKEN: token})
        limit = threading.Timer(LONGEST, process.kill)
        limit.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            limit.cancel()
            if process.returncode is None:
                process.kill()
                process.wait()
        seconds = time.monotonic() - began
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip().splitlines() or [""]
    # The kit's errors are several lines, what was seen first.
    problem = f"exit code {process.returncode}: {' '.join(words[-3:])[:300]}" if process.returncode else ""
    return {"seconds": seconds, "mib": used.ru_maxrss / 1024, "problem": problem, "said": words[-1]}


def child(name: str, given: Mapping[str, Any], token: str = "") -> Figures:
    """One of this file's functions in a process of its own; its figures come on the last line of standard error."""
    words = json.dumps({**given, "began": time.monotonic()})
    one = measured([sys.executable, str(Path(__file__).resolve()), "--child", name, words], token)
    last = one.pop("said")
    return one if one["problem"] else one | json.loads(last)


def needed(name: str, given: Mapping[str, Any]) -> Figures:
    """A child without which there is no benchmark."""
    one = child(name, given)
    if one["problem"]:
        sys.exit(f"{name}: {one['problem']}")
    return one


@contextmanager
def argo_server(made: Mapping[str, Any], admin: str) -> Iterator[str]:
    """An Argo Server for this namespace, as the lab's is for its own; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # By the environment: what it asks with a caller's own token, it asks without a look at its options.
    environment = os.environ | ({"KUBECONFIG": made["kubeconfig"]} if made["kubeconfig"] else {})
    command = [
        made["argo"], "server", "--context", admin, "--namespace", NAMESPACE, "--namespaced",
        "--auth-mode=client", "--secure=false", "--kube-api-qps=200", "--kube-api-burst=400", "--port", str(port),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            while not _answers(port):
                time.sleep(0.2)
                if server.poll() is not None:
                    log.seek(0)
                    sys.exit(f"The Argo Server ended: {log.read().decode('utf-8', 'replace').strip()[-300:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def rounds(given: Mapping[str, Any], made: Mapping[str, Any], times: int) -> dict[str, list[Figures]]:
    """All three readers, one after the other, so often."""
    chosen = ["--kubeconfig", made["kubeconfig"]] if made["kubeconfig"] else []
    context = ["--context", made["context"]] if made["context"] else []
    kubectl = [made["kubectl"], *chosen, *context, "get", "workflows", "-n", NAMESPACE, "-o", "json"]
    found: dict[str, list[Figures]] = {"kit": [], "kubectl": [], "hera": []}
    with argo_server(made, given["admin"]) as address:
        known = {**given, "since": made["since"], "argo_url": address}
        child("settle", known, made["token"])
        for _ in range(times):
            found["kit"].append(child("kit", known))
            found["kubectl"].append(measured(kubectl))
            found["hera"].append(child("hera", known, made["token"]))
    return found


def median(taken: list[Figures], count: int) -> Figures:
    """The medians of one reader; `problem` if any round died or did not see all workflows."""
    problems = [one["problem"] for one in taken if one["problem"]]
    problems += [f"{one['rows']:,} of {count:,} workflows seen" for one in taken if one.get("rows", count) != count]
    names = [name for name in ("seconds", "mib", "startup") if all(name in one for one in taken)]
    middle = {name: statistics.median(one[name] for one in taken) for name in names}
    return middle | {"problem": problems[0] if problems else ""}


def ratio(middle: Mapping[str, Figures]) -> float:
    """The kit's seconds over those of the faster other reader that did what it was asked."""
    others = [one["seconds"] for name, one in middle.items() if name != "kit" and not one["problem"]]
    return float(middle["kit"]["seconds"] / min(others))


def summary(middle: Mapping[str, Figures]) -> str:
    """The last line."""
    known = [(name, middle[key]) for key, name in NAMES.items()]
    times = [f"{name} failed" if one["problem"] else f"{name} {one['seconds']:.2f} s" for name, one in known]
    memory = [f"{name} {one['mib']:.0f} MiB" for name, one in known]
    share = ratio(middle)
    verdict = "met" if share <= AIM else "missed"
    return (
        f"inspect: {', '.join(times)}; ratio to the faster {share:.2f} (aim <= {AIM}: {verdict}); "
        f"peak memory {', '.join(memory)}"
    )


def show(middle: Mapping[str, Figures]) -> None:
    """One line a reader."""
    for name, one in middle.items():
        startup = f", of it start-up (imports) {one['startup']:.2f} s" if "startup" in one else ""
        problem = f"; {one['problem']}" if one["problem"] else ""
        print(f"{NAMES[name]:8} {one['seconds']:6.2f} s, peak {one['mib']:5.0f} MiB{startup}{problem}")


def main() -> None:
    """Make, read in rounds, say so, delete."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--count", type=int, default=10_000)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--target", default="lab", help="whose operator reads")
    words.add_argument("--admin", default="lab-admin", help="the context that may make and delete the namespace")
    words.add_argument("--json", type=Path, help="write the figures here too")
    words.add_argument("--keep", action="store_true", help="leave the namespace; the next run deletes it")
    words.add_argument("--child", nargs=2, metavar=("NAME", "GIVEN"), help=argparse.SUPPRESS)
    chosen = words.parse_args()
    if chosen.child:
        print(json.dumps(CHILDREN[chosen.child[0]](json.loads(chosen.child[1]))), file=sys.stderr)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended from outside."))  # so that `finally` has its turn
    given = {"target": chosen.target, "admin": chosen.admin, "count": chosen.count}
    try:
        made = needed("make", given)
        print(f"{chosen.count:,} workflows of {made['bytes']:,} bytes made in {made['seconds']:.0f} s; "
              f"median of {chosen.rounds} rounds, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        taken = rounds(given, made, chosen.rounds)
    finally:
        if not chosen.keep:
            needed("remove", given)
    middle = {name: median(each, chosen.count) for name, each in taken.items()}
    show(middle)
    if chosen.json:
        figures = {"count": chosen.count, "bytes": made["bytes"], "median": middle, "rounds": taken}
        chosen.json.write_text(json.dumps(figures, indent=2))
    if failed := [f"{name}: {middle[name]['problem']}" for name in ("kit", "kubectl") if middle[name]["problem"]]:
        sys.exit(f"inspect: nothing to compare. {'; '.join(failed)}")
    print(summary(middle))


if __name__ == "__main__":
    main()
