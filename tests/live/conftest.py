"""The lab as its operator sees it. Tests here need `make lab`; a lab that is not there is a failure, never a skip.

Each process of tests has a tenant of the lab: a namespace with a backend of its own, so that several may run at once.
"""

import base64
import fcntl
import functools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from kubernetes import client, config
from kubernetes.client.rest import ApiException

from hera_rollout import flag, records
from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows
from rollout_lab import tenants
from rollout_lab.lab import Lab as LabOfMachine

ROOT = Path(__file__).parents[2]
LAB_TOML = ROOT / "targets" / "lab.toml"
KUBECONFIG = Path(os.environ.get("ROLLOUT_LAB_STATE") or "/var/lib/rollout-lab") / "kubeconfig"


@dataclass(frozen=True)
class Place:
    """One installation of the backend.

    Attributes:
        namespace: where it is.
        kubeconfig: contexts `lab`, its operator, and `lab-admin`.
        backend_url: where it answers.
    """

    namespace: str
    kubeconfig: Path
    backend_url: str


IN_ARGO = Place("argo", KUBECONFIG, "http://127.0.0.1:8000")


@functools.cache
def number() -> int:
    """Of the first tenant that no other run of tests has; the lock lasts as long as this process."""
    for candidate in range(1, tenants.MOST + 1):
        lock = os.open(f"/run/lock/hera-rollout-tenant-{candidate}.lock", os.O_CREAT | os.O_WRONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return candidate
    raise AssertionError(f"all {tenants.MOST} tenants of the lab are taken by other runs of tests")


@functools.cache
def tenant() -> Place:
    """This process's own tenant."""
    machine = LabOfMachine(project=ROOT)
    made = machine.tenant(number())
    return Place(made.name, made.kubeconfig(machine.paths), made.backend_url)


@pytest.fixture(scope="module")
def place(in_argo: bool) -> Place:
    """Where this file's tests are; without a lab they fail and say how to get it."""
    if not KUBECONFIG.is_file():
        pytest.fail(f"no lab: {KUBECONFIG} is missing. Start it with `make lab`", pytrace=False)
    return IN_ARGO if in_argo else tenant()


@pytest.fixture(scope="module")
def target_path(place: Place, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The place's target file, for `--target`. But for the place it is the lab's own."""
    if place is IN_ARGO:
        return str(LAB_TOML)
    text = LAB_TOML.read_text(encoding="utf-8")
    for name in ("kubeconfig", "namespace", "backend_url"):
        text = replaced(text, name, f'"{getattr(place, name)}"')
    path = tmp_path_factory.mktemp(place.namespace) / "lab.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def replaced(text: str, name: str, value: object) -> str:
    """A target file's text with another value for a line that is there."""
    text, count = re.subn(rf"(?m)^{name} = .*$", lambda _: f"{name} = {value}", text)
    assert count == 1, name
    return text


@pytest.fixture(scope="module")
def target(target_path: str) -> Target:
    return Target.load(target_path)


@pytest.fixture(scope="module")
def cluster(target: Target) -> Cluster:
    return Cluster.connect(target)


@pytest.fixture(scope="module")
def admin(target: Target) -> Cluster:
    """The lab's administrator, for what a test breaks and mends; never for what it asserts."""
    return Cluster.connect(target.model_copy(update={"context": "lab-admin"}))


@pytest.fixture(scope="module")
def workflows(target: Target, cluster: Cluster) -> Workflows:
    return Workflows(target, cluster)


@pytest.fixture(scope="module")
def backend(target: Target) -> Backend:
    return Backend.connect(target)


@pytest.fixture
def unique() -> str:
    return f"{datetime.now(UTC):%H%M%S%f}"


@pytest.fixture
def flag_off_after(cluster: Cluster, backend: Backend) -> Iterator[None]:
    """Whatever a test does with the flag, it is off afterwards."""
    yield
    flag.apply(cluster, backend, flag.plan(cluster, enabled=False))


# --- The backend as deployed: real clients and what a test may switch ------------------------------------------------

DEPLOYMENT = "backend"
PASSING_ENV = ("USE_HERA_SDK", "BACKEND_DIALECT", "WORKFLOW_SUSPEND", "RESULTS_PVC")


def wait_for(what, condition, seconds=60, pause=0.1):
    """Poll until the condition gives something true; the last word of a failure is what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)


def kubectl_program():
    """The lab's own kubectl; its version fits the cluster."""
    cache = (
        os.environ.get("ROLLOUT_LAB_CACHE")
        or f"{os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'}/rollout-lab"
    )
    built = sorted(Path(cache).glob("builds/kubernetes-*/kubectl"), key=lambda file: file.stat().st_mtime)
    return str(built[-1]) if built else "kubectl"


class Identity:
    """The Kubernetes API and the Argo Server as one user."""

    def __init__(self, place, context):
        self.context = context
        self.kubeconfig, self.namespace = place.kubeconfig, place.namespace
        self.api = config.new_client_from_config(str(self.kubeconfig), context)
        self.core = client.CoreV1Api(self.api)
        self.apps = client.AppsV1Api(self.api)
        self.rbac = client.RbacAuthorizationV1Api(self.api)
        self.custom = client.CustomObjectsApi(self.api)

    @property
    def token(self):
        known = yaml.safe_load(self.kubeconfig.read_text())
        users = {user["name"]: user["user"] for user in known["users"]}
        contexts = {entry["name"]: entry["context"] for entry in known["contexts"]}
        return users[contexts[self.context]["user"]]["token"]

    def workflow(self, name):
        return self.custom.get_namespaced_custom_object("argoproj.io", "v1alpha1", self.namespace, "workflows", name)

    def workflows(self, selector=""):
        listed = self.custom.list_namespaced_custom_object(
            "argoproj.io", "v1alpha1", self.namespace, "workflows", label_selector=selector
        )
        return listed["items"]

    def kubectl(self, *args, timeout=60, stdin=None, namespace=None):
        """The very command an operator types."""
        command = [
            kubectl_program(),
            "--kubeconfig",
            str(self.kubeconfig),
            "--context",
            self.context,
            "-n",
            namespace or self.namespace,
            *args,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=stdin, check=False)
        assert done.returncode == 0, f"{' '.join(args)}: {done.stderr}"
        return done.stdout


class Lab:
    """A place in the lab with its operator and its administrator."""

    argo_url = "http://127.0.0.1:32746"
    prometheus_url = "http://127.0.0.1:9090"

    def __init__(self, place):
        self.namespace, self.kubeconfig, self.backend_url = place.namespace, place.kubeconfig, place.backend_url
        self.operator = Identity(place, "lab")
        self.admin = Identity(place, "lab-admin")

    def pods(self):
        """The backend's pods that are not on their way out."""
        listed = self.operator.core.list_namespaced_pod(self.namespace, label_selector="app=backend").items
        return [pod for pod in listed if pod.metadata.deletion_timestamp is None]

    def flags(self):
        """What each pod says of its flag, asked directly: the Service would ask one of them."""
        return [httpx.get(f"http://{pod.status.pod_ip}:8000/api/v1/flag", timeout=5).json() for pod in self.pods()]

    def faults(self):
        """What each pod says of its faults."""
        addresses = [f"http://{pod.status.pod_ip}:8000/api/v1/faults" for pod in self.pods()]
        return [httpx.get(address, timeout=5).json()["active"] for address in addresses]

    def settled(self):
        """Wait until the Deployment is rolled out, no old pod is left and the Service answers."""
        wait_for("Deployment backend rolled out", self._rolled_out, 90)
        wait_for("old pods gone", self._only_new_pods, 60)
        wait_for("Service backend answers", self._answers, 90)  # a minute after an outage of the API server

    def _rolled_out(self):
        found = self.operator.apps.read_namespaced_deployment(DEPLOYMENT, self.namespace)
        status, wanted = found.status, found.spec.replicas
        seen = (status.observed_generation or 0) >= found.metadata.generation
        return seen and (status.updated_replicas, status.ready_replicas, status.replicas) == (wanted,) * 3

    def _only_new_pods(self):
        return len(self.operator.core.list_namespaced_pod(self.namespace, label_selector="app=backend").items) == 2

    def _answers(self):
        try:
            return httpx.get(f"{self.backend_url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def generation(self):
        """Of the Deployment's spec: it grows with each change."""
        return self.operator.apps.read_namespaced_deployment(DEPLOYMENT, self.namespace).metadata.generation

    def env(self):
        """The environment in the Deployment."""
        found = self.operator.apps.read_namespaced_deployment(DEPLOYMENT, self.namespace)
        return {entry.name: entry.value for entry in found.spec.template.spec.containers[0].env}

    def set_env(self, **values):
        """`kubectl set env`, waited for; None takes the variable away."""
        current = self.env()
        wanted = {name: value for name, value in values.items() if current.get(name) != value}
        if wanted:
            words = [f"{name}-" if value is None else f"{name}={value}" for name, value in wanted.items()]
            self.operator.kubectl("set", "env", f"deployment/{DEPLOYMENT}", *words)
            self.settled()

    def set_flag(self, enabled=True, percent=100):
        """The flag file, seen by every pod."""
        wanted = {"enabled": str(enabled).lower(), "percent": str(percent)}
        self._put("backend-flag", wanted)
        wait_for("every pod reports the flag", lambda: all(flag["file"] == wanted for flag in self.flags()), 30)

    def clear_flag(self):
        """No flag file."""
        self._drop("backend-flag")
        wait_for("no pod sees a flag file", lambda: all(flag["file"] is None for flag in self.flags()), 90)

    def set_faults(self, **faults):
        """Exactly these faults on, in every pod."""
        wanted = {name.replace("_", "-"): str(value) for name, value in faults.items()}
        self._put("backend-faults", wanted)
        wait_for("every pod sees the faults", lambda: all(found == wanted for found in self.faults()), 30)

    def clean(self, **env):
        """Faults off, no flag file, nothing remembered, the environment as deployed but for what is given."""
        self.forget()
        self._drop("backend-faults")
        self._drop("backend-flag")
        deployed = {"BACKEND_DIALECT": "one-step", **env}
        self.set_env(**{name: deployed.get(name) for name in PASSING_ENV if name in self.env() or name in env})
        wait_for("no pod sees a flag file", lambda: all(flag["file"] is None for flag in self.flags()), 90)
        wait_for("no pod has a fault", lambda: not any(self.faults()), 90)

    def forget(self):
        """No rollout is under way: its state and its lease are gone."""
        name = f"hera-rollout-{DEPLOYMENT}"
        self.admin.kubectl("delete", f"configmap/{name}", f"lease/{name}", "--ignore-not-found", "--wait=false")

    def _put(self, name, data):
        core = self.operator.core
        body = {"metadata": {"name": name}, "data": data}
        try:
            found = core.read_namespaced_config_map(name, self.namespace)
            body["metadata"]["resourceVersion"] = found.metadata.resource_version
            core.replace_namespaced_config_map(name, self.namespace, body)
        except ApiException as error:
            if error.status != 404:
                raise
            core.create_namespaced_config_map(self.namespace, body)
        self._touch()

    def _drop(self, name):
        try:
            self.operator.core.delete_namespaced_config_map(name, self.namespace)
        except ApiException as error:
            if error.status != 404:
                raise
        self._touch()

    def _touch(self):
        """An annotation on the pod makes the kubelet look at its ConfigMaps at once."""
        body = {"metadata": {"annotations": {"hera-rollout/touched": str(time.time_ns())}}}
        for pod in self.pods():
            self.operator.core.patch_namespaced_pod(pod.metadata.name, self.namespace, body)

    def query(self, sql, *values):
        """Rows of the backend's own PostgreSQL."""
        secret = self.admin.core.read_namespaced_secret("backend-database", self.namespace).data["DATABASE_URL"]
        url = base64.b64decode(secret).decode().replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute(sql, values).fetchall()


@pytest.fixture(scope="module")
def lab(place):
    """The file's place in the lab that is up."""
    found = Lab(place)
    found.settled()
    return found


@pytest.fixture
def clean_backend(lab):
    """The backend as deployed, before and after."""
    lab.clean()
    yield lab
    lab.clean()


@pytest.fixture(scope="module")
def suspended(lab):
    """For a whole module: the backend makes workflows that start no pod."""
    lab.clean(WORKFLOW_SUSPEND="true")
    yield lab
    lab.clean()


@pytest.fixture
def target_file(target_path, tmp_path):
    """Makes the place's target as a file of its own, with other values.

    By default the flag goes by its file: that restarts no pod. By the variable: nbval's copies, and test_drill.
    """

    def make(**values):
        text = Path(target_path).read_text(encoding="utf-8")
        for name, value in {"medium": '"configmap"', **values}.items():
            text = replaced(text, name, value)
        path = tmp_path / f"lab-{len(list(tmp_path.glob('lab-*.toml')))}.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return make


@pytest.fixture
def submit(lab):
    """Submit a task; its workflow's name. Its tasks, `submit.tasks`, are gone afterwards."""
    tasks = []

    def one():
        answer = httpx.post(f"{lab.backend_url}/api/v1/tasks/submit", json={"pythonCode": "print('done')"}, timeout=20)
        assert answer.status_code == 200, answer.text
        tasks.append(answer.json()["id"])
        return answer.json()["workflowId"]

    one.tasks = tasks
    yield one
    for task in tasks:
        httpx.delete(f"{lab.backend_url}/api/v1/tasks/{task}/delete", timeout=20)


@pytest.fixture(scope="session")
def each():
    """Call for every item, a few at a time; results in order."""

    def call(function, items, workers=8):
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, items))

    return call


@pytest.fixture(scope="session")
def passed(tmp_path_factory):
    """Records of 01, 02 and the drill: what tests/run left (nbval's; the drill's by papermill), or papermill's now.

    They are of the installation in namespace argo, and of this very code: a record names its Deployment, and no gate
    asks for the namespace.
    """
    common = tmp_path_factory.getbasetemp()
    common = common.parent if "PYTEST_XDIST_WORKER" in os.environ else common
    folder = Path(os.environ.get("HERA_TEST_RECORDS") or common / "records")
    with (common / "records.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(records.find(folder)):
            Lab(IN_ARGO).clean()
            subprocess.run([sys.executable, ROOT / "tests" / "nbval" / "prepare.py", folder], check=True, timeout=1200)
    return {record.data["notebook"]: record for record in reversed(list(records.find(folder)))}


@pytest.fixture(scope="session")
def passed_01(passed):
    """Phase 1's record."""
    return passed["01_dev_testing"]
