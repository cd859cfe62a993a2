"""The lab itself, on a lab of its own: one lab a machine, so the shared one goes down first and comes up again last.

Runs after all other live tests. Everything goes through the real command line.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import yaml

from rollout_lab import addresses, preflight, processes, roster
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster

pytestmark = [pytest.mark.live, pytest.mark.soak, pytest.mark.timeout(300)]

PROJECT = Path(__file__).parents[2]
PODS = ("argo-server", "workflow-controller", "dns")


def _neighbour(name: str) -> ModuleType:
    """A module beside this file: the live tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


machine = _neighbour("machine")


@dataclass
class OwnLab:
    """A lab with a state folder of the test's own, driven by the command line."""

    state: Path

    def run(self, *arguments: str, timeout: float = 150) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rollout_lab.cli", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, cwd=PROJECT, check=False, env=self.environment
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ROLLOUT_LAB_STATE": str(self.state)}

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def up(self, *options: str) -> str:
        return self.ok("up", "--no-backend", *options)

    def status(self) -> dict[str, str]:
        lines = self.run("status").stdout.splitlines()
        return {words[1]: words[2] for words in (line.split() for line in lines) if len(words) > 2}

    def down_names(self) -> set[str]:
        return {name for name, state in self.status().items() if state != "up"}

    @property
    def roster(self) -> Roster:
        return Roster(Paths(Paths.from_environment().cache, self.state))

    @property
    def token(self) -> str:
        content = yaml.safe_load((self.state / "kubeconfig").read_text())
        return str(next(one["user"]["token"] for one in content["users"] if one["name"] == "lab"))

    def argo(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(
            method, f"{addresses.ARGO_SERVER}{path}", headers=headers, timeout=10, trust_env=False, **options
        )

    def submit(self, script: str) -> str:
        container = {"image": "rollout-lab/python:3.11", "command": ["bash", "-ec"], "args": [script]}
        spec = {
            "entrypoint": "main",
            "serviceAccountName": "workflow",
            "templates": [{"name": "main", "container": container}],
        }
        body = {"workflow": {"metadata": {"generateName": "lab-test-", "namespace": "argo"}, "spec": spec}}
        answer = self.argo("POST", "/api/v1/workflows/argo", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["metadata"]["name"])

    def phase(self, name: str) -> str:
        return str(self.argo("GET", f"/api/v1/workflows/argo/{name}").json().get("status", {}).get("phase", ""))

    def finish(self, script: str, seconds: float = 60) -> str:
        """Run a script as a workflow; returns its name when it has succeeded."""
        name = self.submit(script)
        wait(lambda: self.phase(name) in ("Succeeded", "Failed", "Error"), seconds)
        assert self.phase(name) == "Succeeded", self.log(name)
        return name

    def log(self, name: str) -> str:
        path = f"/api/v1/workflows/argo/{name}/log?logOptions.container=main"
        lines = [json.loads(line) for line in self.argo("GET", path).text.splitlines() if line]
        return "\n".join(line["result"].get("content", "") for line in lines)

    def kubectl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        inventory = json.loads((Paths.from_environment().cache / "inventory.json").read_text())
        program = f"{inventory['programs']['kubernetes']}/kubectl"
        context = [f"--kubeconfig={self.state}/kubeconfig", "--context=lab-admin", "--request-timeout=10s"]
        return subprocess.run([program, *context, *arguments], capture_output=True, text=True, timeout=60, check=False)


def wait(ready: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def _shared_down() -> bool:
    """Take the shared lab down; whether there was one."""
    paths = preflight.running_paths(Paths.from_environment())
    running = Roster(paths).any_running()
    subprocess.run([sys.executable, "-m", "rollout_lab.cli", "down"], check=True, capture_output=True, timeout=120)
    return running


@pytest.fixture(scope="module")
def before() -> Iterator[Any]:
    """The machine without any lab; at the end the shared lab is as it was."""
    was_up = _shared_down()
    yield machine.Machine.now()
    if was_up:
        command = [sys.executable, "-m", "rollout_lab.cli", "up"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=300, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def lab(before: Any) -> Iterator[OwnLab]:
    folder = Path(tempfile.mkdtemp(prefix="rollout-lab-test-", dir="/var/lib"))
    folder.chmod(0o755)
    own = OwnLab(folder)
    try:
        yield own
    finally:
        own.run("down")
        shutil.rmtree(folder)


@pytest.fixture
def running(lab: OwnLab) -> OwnLab:
    lab.up()
    return lab


# The order is the order of a life: refused, first boot, use, damage, stop, start, end.


@pytest.mark.parametrize("port", [2379, 8000, 9090])
def test_taken_port_is_one_sentence_and_nothing_is_started(lab: OwnLab, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        done = lab.run("up", "--no-backend")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"rollout-lab: Port 127.0.0.1:{port} is taken by")
    assert f"pid {os.getpid()}" in last
    assert not lab.roster.any_running()


def test_first_up_boots_everything(lab: OwnLab) -> None:
    out = lab.up()
    assert f"KUBECONFIG={lab.state}/kubeconfig" in out
    assert lab.down_names() == set()
    assert set(roster.NAMES) | set(PODS) | {"node"} <= set(lab.status())


def test_second_up_finds_nothing_to_do(running: OwnLab) -> None:
    pids = {name: running.roster.running(name) for name in roster.NAMES}
    assert "Everything is up already" in running.up()
    assert pids == {name: running.roster.running(name) for name in roster.NAMES}


def test_nothing_listens_beyond_loopback_and_the_bridge(running: OwnLab, before: Any) -> None:
    new = set(machine.listeners()) - before.listeners
    assert any(":6443" in one for one in new)
    allowed = re.compile(r"^(tcp|udp) +(127\.\d+\.\d+\.\d+|\[::1\]|10\.244\.0\.1):\d+$")
    assert [one for one in new if not allowed.match(one)] == []


def test_second_lab_beside_it_is_refused(running: OwnLab, tmp_path: Path) -> None:
    done = OwnLab(tmp_path).run("up", "--no-backend")
    assert done.returncode == 1
    assert "one lab a machine" in done.stderr


def test_argo_takes_the_operators_token_and_no_other(running: OwnLab) -> None:
    assert running.argo("GET", "/api/v1/workflows/argo").status_code == 200
    assert httpx.get(f"{addresses.ARGO_SERVER}/api/v1/workflows/argo", timeout=5, trust_env=False).status_code == 401


def test_operator_is_not_an_administrator(running: OwnLab) -> None:
    for account in ("operator", "argo", "argo-server", "workflow"):
        identity = f"--as=system:serviceaccount:argo:{account}"
        for verb, thing in (
            ("create", "pods/exec"),
            ("list", "secrets"),
            ("delete", "nodes"),
            ("create", "clusterroles.rbac.authorization.k8s.io"),
        ):
            if (account, thing) != ("argo", "pods/exec"):
                answer = running.kubectl("auth", "can-i", verb, thing, identity, "-n", "argo")
                assert answer.stdout.strip() == "no", (account, verb, thing, answer.stderr)


def test_pod_installs_packages_without_internet_and_finds_services_by_name(running: OwnLab) -> None:
    script = (
        "uv venv -q /tmp/v && . /tmp/v/bin/activate && uv pip install -q six python-dateutil\n"
        "python -c 'import six, dateutil'\n"
        "getent hosts argo-server && ! getent hosts example.org\n"
        "python -c 'import sys; print(\"grüße\", sys.stdout.encoding)'"
    )
    name = running.finish(script)
    assert "grüße utf-8" in running.log(name)


def test_finished_workflow_is_in_the_archive_after_its_deletion(running: OwnLab) -> None:
    name = running.finish("echo archived")
    listed = "/api/v1/archived-workflows?listOptions.fieldSelector=metadata.namespace=argo"
    wait(lambda: name in running.argo("GET", listed).text, 20)
    assert running.argo("DELETE", f"/api/v1/workflows/argo/{name}").status_code == 200
    assert running.phase(name) == "Succeeded"


def test_prometheus_scrapes_argo_and_the_kubelet(running: OwnLab) -> None:
    def healthy() -> set[str]:
        answer = httpx.get(f"{addresses.PROMETHEUS}/api/v1/targets", timeout=5, trust_env=False).json()
        return {one["labels"]["job"] for one in answer["data"]["activeTargets"] if one["health"] == "up"}

    wait(lambda: healthy() >= {"workflow-controller-metrics", "cadvisor", "resource", "apiserver"}, 30)
    query = 'container_memory_working_set_bytes{namespace="argo",container="argo-server"}'
    answer = httpx.get(f"{addresses.PROMETHEUS}/api/v1/query", params={"query": query}, timeout=5, trust_env=False)
    assert float(answer.json()["data"]["result"][0]["value"][1]) > 1e6


@pytest.mark.parametrize("name", roster.NAMES)
def test_killed_component_is_named_by_status_and_repaired_by_up(running: OwnLab, name: str) -> None:
    identity = running.roster.running(name)
    assert identity
    os.kill(identity.pid, signal.SIGKILL)
    assert processes.wait_gone([identity], 10)
    done = running.run("status")
    assert done.returncode == 1
    assert name in done.stderr.partition("not up:")[2]
    running.up()
    assert running.down_names() == set()


@pytest.mark.parametrize("name", PODS)
def test_killed_deployment_is_named_by_status_and_repaired_by_up(running: OwnLab, name: str) -> None:
    running.ok("kill", name)
    assert name in running.down_names()
    running.up()
    assert running.down_names() == set()


def test_kill_and_start_are_an_outage_of_one_component(running: OwnLab) -> None:
    running.ok("kill", "prometheus")
    assert running.down_names() == {"prometheus"}
    running.ok("start", "prometheus")
    assert running.down_names() == set()
    assert "prometheus" in running.ok("logs", "prometheus").lower() or running.ok("logs", "kubelet")


def test_workflow_runs_after_all_repairs(running: OwnLab) -> None:
    running.finish("echo still well")


def test_crash_of_everything_at_once_is_repaired(running: OwnLab) -> None:
    for name in roster.NAMES:
        if identity := running.roster.running(name):
            os.kill(identity.pid, signal.SIGKILL)
    running.up()
    assert running.down_names() == set()
    running.finish("echo back")


@pytest.mark.parametrize("seconds", [0.3, 1.5, 4.0])
def test_up_that_was_killed_in_the_middle_is_repaired_by_the_next(lab: OwnLab, seconds: float) -> None:
    lab.ok("down")
    command = [sys.executable, "-m", "rollout_lab.cli", "up", "--no-backend"]
    process = subprocess.Popen(command, env=lab.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()
    lab.up()
    assert lab.down_names() == set()


def test_data_survive_down_and_up_until_fresh(running: OwnLab) -> None:
    name = running.finish("echo remembered")
    running.kubectl("create", "configmap", "remembered", "-n", "argo")
    listed = "/api/v1/archived-workflows?listOptions.fieldSelector=metadata.namespace=argo"
    wait(lambda: name in running.argo("GET", listed).text, 20)
    running.ok("down")
    running.up()
    assert running.phase(name) == "Succeeded"
    assert "remembered" in running.log(name)
    assert name in running.argo("GET", listed).text
    assert running.kubectl("get", "configmap", "remembered", "-n", "argo").returncode == 0
    running.up("--fresh")
    assert name not in running.argo("GET", listed).text
    assert running.argo("GET", f"/api/v1/workflows/argo/{name}").status_code == 404
    assert running.kubectl("get", "configmap", "remembered", "-n", "argo").returncode == 1


def test_down_leaves_nothing(running: OwnLab, before: Any) -> None:
    with contextlib.suppress(httpx.HTTPError):
        running.submit("sleep 60")
    running.ok("down")
    after = machine.Machine.now()
    for part in before.__dataclass_fields__:
        left, lost = getattr(after, part) - getattr(before, part), getattr(before, part) - getattr(after, part)
        assert (part, left, lost) == (part, frozenset(), frozenset())


def test_down_of_a_lab_that_is_down_is_fine(lab: OwnLab) -> None:
    lab.ok("down")
