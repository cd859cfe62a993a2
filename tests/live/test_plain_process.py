"""A development target that is no Deployment: the preflight asks the process that answers, the cluster for the rest."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress

import httpx
import pytest

from hera_rollout import preflight
from hera_rollout.cluster import Cluster
from hera_rollout.workflows import Workflows

pytestmark = pytest.mark.live


def answers(url):
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    return False


@pytest.fixture
def start(tmp_path):
    """The backend as a developer runs it, at an address of its own; answers that."""
    running = []

    def started(**environment):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        given = {"PORT": str(port), "POD_NAME": "my-laptop", "DATABASE_URL": f"sqlite:///{tmp_path}/backend.db"}
        with (tmp_path / "log").open("ab") as log:
            words = [sys.executable, "-m", "reference_backend"]
            running.append(subprocess.Popen(words, env=os.environ | given | environment, stdout=log, stderr=log))
        url, ends = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while not answers(url):
            assert time.monotonic() < ends, (tmp_path / "log").read_text()
            time.sleep(0.2)
        return url

    yield started
    for process in running:
        process.terminate()
        process.wait(30)


@pytest.fixture
def lines(target):
    def made(url, medium="manual"):
        place = target.model_copy(
            update={"name": "laptop", "deployment": "no-such-backend", "backend_url": url,
                    "flag": target.flag.model_copy(update={"medium": medium})}
        )  # fmt: skip
        cluster = Cluster.connect(place)
        return {check.name: check for check in preflight.checks(place, cluster, Workflows(place, cluster))}

    return made


@pytest.fixture
def its_state(admin):
    """The rights on what this target's rollout remembers: deploy/rbac names those of deployment/backend."""
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{admin.target.namespace}/roles/operator"
    rules = admin.connection.get(path)["rules"]
    name = "hera-rollout-no-such-backend"
    more = [
        {**rule, "resourceNames": [*rule["resourceNames"], name]} if "resourceNames" in rule else rule for rule in rules
    ]
    admin.connection.patch(path, {"rules": more}, "merge-patch")
    yield
    admin.connection.patch(path, {"rules": rules}, "merge-patch")


def test_every_line_is_green_and_each_is_asked_where_it_can_be(start, lines, its_state):
    made = lines(start())
    assert {name: check.seen for name, check in made.items() if check.verdict != "PASS"} == {}
    assert "in each of 1 pods" in made["Hera in the backend"].seen
    assert made["PVC"].seen == "task-results-pvc is Bound"
    assert "needed rights are there" in made["permissions"].seen


def test_rights_on_what_its_rollout_remembers_are_asked_for_by_its_name(start, lines):
    told = lines(start())["permissions"]
    assert told.verdict == "FAIL"
    assert "update configmaps (what the rollout remembers: hera-rollout-no-such-backend)" in told.seen


def test_a_hera_that_does_not_import_there_is_told_with_its_error(start, lines, tmp_path):
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "silent-yaml-import").write_text("on")
    told = lines(start(FAULTS_DIR=str(tmp_path / "faults")))["Hera in the backend"]
    assert told.verdict == "FAIL"
    assert "my-laptop cannot import Hera: ImportError" in told.seen
    assert "guide, “" in told.todo


def test_another_medium_without_a_deployment_fails_by_name(start, lines):
    made = lines(start(), medium="env")
    assert {name for name, check in made.items() if check.verdict == "FAIL"} >= {"Hera in the backend", "PVC"}
    assert "no-such-backend" in made["PVC"].seen
