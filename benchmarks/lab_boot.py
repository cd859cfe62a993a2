"""How long the lab takes: a boot stage by stage, and what the seconds of a one-pod workflow are made of.

    python benchmarks/lab_boot.py [--boots 3] [--workflows 5] [--json FILE]

A boot here is `rollout-lab up --fresh`, from an empty data folder (etcd, PostgreSQL, kubelet; images and programs are
there) to "the backend answers". It forgets the data of the lab on this machine. minikube's published benchmark measured
an answering app after 33 s (k3d), 47 s (kind) and 57 s (minikube) on other hardware: named for scale, nothing claimed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from rollout_lab import health
from rollout_lab.addresses import API_SERVER
from rollout_lab.lab import Lab
from rollout_lab.paths import Paths

BOOT_SECONDS, WORKFLOW_SECONDS, BURST_SECONDS = 20.0, 4.0, 0.55
"""What is aimed at: a boot, a one-pod workflow, and each of a burst."""
BURST, SUBMITTERS = 40, 8
WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
PODS = "/api/v1/namespaces/argo/pods"


def boot(paths: Paths, *options: str) -> dict[str, Any]:
    """One boot by the command line; returns the stages it wrote down."""
    command = [sys.executable, "-m", "rollout_lab.cli"]
    subprocess.run([*command, "down"], check=True, capture_output=True, timeout=120)
    began = time.monotonic()
    done = subprocess.run([*command, "up", *options], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return {"command": time.monotonic() - began, **json.loads((paths.state / "boot.json").read_text())}


def print_boots(title: str, boots: list[dict[str, Any]]) -> None:
    """A table of stages: when each began and ended, medians over the boots."""
    whole = [one["seconds"] for one in boots]
    print(f"\n{title}: {statistics.median(whole):.1f} s (of {', '.join(f'{one:.1f}' for one in whole)})")
    for name in sorted(boots[0]["stages"], key=lambda name: boots[0]["stages"][name][1]):
        times = [one["stages"][name] for one in boots if name in one["stages"]]
        began, ended = (statistics.median(time[edge] for time in times) for edge in (0, 1))
        print(f"  {began:5.1f} – {ended:5.1f} s  {name}")


@dataclass
class Life:
    """When what was first seen of one workflow, in seconds since its submission."""

    began: float
    seen: dict[str, float] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        """Remember the first time."""
        self.seen.setdefault(name, time.monotonic() - self.began)


def container(status: dict[str, Any], kind: str, name: str, state: str) -> bool:
    """Whether a pod's container has reached a state."""
    found = [one for one in status.get(kind, []) if one["name"] == name]
    return bool(found) and (state in found[0]["state"] or (state == "running" and "terminated" in found[0]["state"]))


POD_MARKS: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "pod made by the controller": lambda spec, status: True,
    "pod scheduled": lambda spec, status: "nodeName" in spec,
    "init ended": lambda spec, status: container(status, "initContainerStatuses", "init", "terminated"),
    "main started": lambda spec, status: container(status, "containerStatuses", "main", "running"),
    "main ended": lambda spec, status: container(status, "containerStatuses", "main", "terminated"),
    "wait ended": lambda spec, status: container(status, "containerStatuses", "wait", "terminated"),
    "pod Succeeded": lambda spec, status: status.get("phase") == "Succeeded",
}


def see(life: Life, thing: dict[str, Any]) -> None:
    """Take note of a changed pod or workflow."""
    if thing["kind"] == "Workflow":
        if thing.get("status", {}).get("phase") == "Succeeded":
            life.mark("workflow Succeeded")
        return
    for name, reached in POD_MARKS.items():
        if reached(thing["spec"], thing.get("status", {})):
            life.mark(name)


def watch(client: httpx.Client, path: str, life: Life, name: str, ended: threading.Event) -> None:
    """Follow everything that belongs to a workflow, as the API server tells it."""
    with client.stream("GET", path, params={"watch": "true", "timeoutSeconds": "60"}, timeout=60) as answer:
        for line in answer.iter_lines():
            thing = json.loads(line)["object"]
            if thing["metadata"]["name"].startswith(name):
                see(life, thing)
            if ended.is_set() or "workflow Succeeded" in life.seen:
                return


def submit(client: httpx.Client, name: str, **labels: str) -> None:
    """Create a workflow of one pod that runs `true`."""
    template = {"name": "main", "container": {"image": "rollout-lab/python:3.11", "command": ["true"]}}
    spec = {"entrypoint": "main", "serviceAccountName": "workflow", "templates": [template]}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec,
            "metadata": {"name": name, "labels": labels}}  # fmt: skip
    client.post(WORKFLOWS, json=body).raise_for_status()


def burst_seconds(client: httpx.Client) -> float:
    """Seconds that each workflow of a burst took, from the first submission to the last end."""
    name = f"boot-burst-{int(time.time())}"
    began = time.monotonic()
    with ThreadPoolExecutor(SUBMITTERS) as pool:
        for submitted in [pool.submit(submit, client, f"{name}-{number}", burst=name) for number in range(BURST)]:
            submitted.result()
    query = {"labelSelector": f"burst={name},workflows.argoproj.io/completed=true"}
    while len(client.get(WORKFLOWS, params=query).raise_for_status().json()["items"]) < BURST:
        time.sleep(0.2)
    seconds = (time.monotonic() - began) / BURST
    client.delete(WORKFLOWS, params={"labelSelector": f"burst={name}"}).raise_for_status()
    return seconds


def one_workflow(client: httpx.Client, number: int) -> dict[str, float]:
    """Run a one-pod workflow and follow it."""
    name = f"boot-bench-{int(time.time())}-{number}"
    life, ended = Life(time.monotonic()), threading.Event()
    threads = [threading.Thread(target=watch, args=(client, path, life, name, ended)) for path in (PODS, WORKFLOWS)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    life.began = time.monotonic()
    submit(client, name)
    threads[1].join(60)
    ended.set()
    client.delete(f"{WORKFLOWS}/{name}")
    threads[0].join(60)
    return life.seen


def print_workflows(lives: list[dict[str, float]]) -> None:
    """What the seconds of a one-pod workflow are made of."""
    whole = [one["workflow Succeeded"] for one in lives]
    each = ", ".join(f"{one:.1f}" for one in whole)
    print(f"\nOne-pod workflow (`true`): {statistics.median(whole):.1f} s (aim {WORKFLOW_SECONDS} s; of {each})")
    earlier = 0.0
    for name in [*POD_MARKS, "workflow Succeeded"]:
        at = statistics.median(one[name] for one in lives)
        print(f"  {at:5.2f} s  (+{at - earlier:.2f})  {name}")
        earlier = at
    print("  Init ended, main ended, wait ended and pod Succeeded each wait for the kubelet's next look (PLEG relist):")
    print("  five a second in the lab (rollout_lab/mends.py), one a second in Kubernetes as it is released.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boots", type=int, default=3)
    parser.add_argument("--workflows", type=int, default=5)
    parser.add_argument("--bursts", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    paths = Lab().paths
    kept = [boot(paths) for _ in range(options.boots)]
    fresh = [boot(paths, "--fresh") for _ in range(options.boots)]
    if options.boots:
        print_boots("Boot with the data kept", kept)
        print_boots(f"Boot from an empty data folder to the backend's answer (aim {BOOT_SECONDS:.0f} s)", fresh)
    with httpx.Client(base_url=API_SERVER, verify=health.client_context(paths), timeout=30, trust_env=False) as client:
        lives = [one_workflow(client, number) for number in range(options.workflows)]
        print_workflows(lives)
        each = [burst_seconds(client) for _ in range(options.bursts)]
    print(f"\n{BURST} of them from {SUBMITTERS} threads: {statistics.median(each):.2f} s each "
          f"(aim {BURST_SECONDS} s; of {', '.join(f'{seconds:.2f}' for seconds in each)})")  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps({"kept": kept, "fresh": fresh, "workflows": lives, "burst": each}, indent=2))


if __name__ == "__main__":
    main()
