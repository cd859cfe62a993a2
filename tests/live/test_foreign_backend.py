"""A backend that somebody else wrote: nothing of it is ever called proven, and what can be looked at still is."""

import os
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from click.testing import CliRunner

from hera_rollout import preflight
from hera_rollout.backend import Backend, orphans, provenance, run
from hera_rollout.cli import main
from hera_rollout.cluster import Cluster
from hera_rollout.gates import Verdict
from hera_rollout.phase.steps.proving import provenance_check, provenance_frame
from hera_rollout.workflows import Workflows

pytestmark = pytest.mark.live


@pytest.fixture
def foreign(target, lab, tmp_path):
    """Starts it as a plain process; answers the target that it is, and its client. Its tasks are gone afterwards."""
    running = []

    def start(**environment):
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        given = {"PORT": str(port), "KUBECONFIG": str(lab.kubeconfig), "CONTEXT": "lab",
                 "ARGO_NAMESPACE": lab.namespace, "WORKFLOW_IMAGE": target.workflow.image}  # fmt: skip
        with (tmp_path / "log").open("ab") as log:
            words = [sys.executable, "tests/foreign_backend/service.py"]
            running.append((url, subprocess.Popen(words, env=os.environ | given | environment, stdout=log, stderr=log)))
        place = target.model_copy(
            update={"name": "foreign", "deployment": "no-such-backend", "backend_url": url,
                    "flag": target.flag.model_copy(update={"medium": "manual"})}
        )  # fmt: skip
        ends = time.monotonic() + 30
        while True:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{url}/api/v1/tasks", timeout=2).is_success:
                    return place, Backend.connect(place)
            assert time.monotonic() < ends, (tmp_path / "log").read_text()
            time.sleep(0.2)

    yield start
    for url, process in running:
        for task in httpx.get(f"{url}/api/v1/tasks", timeout=5).json()["tasks"]:
            httpx.delete(f"{url}/api/v1/tasks/{task['id']}/delete", timeout=20)
        process.terminate()
        process.wait(30)


def judged(backend, workflows, **packages):
    """How the workflow of one submission is judged; it is stopped, for only its manifest is looked at."""
    submitted = backend.submit("print('who made me?')", **packages)
    document = workflows.live(submitted.workflow)
    workflows.stop(submitted.workflow)
    return provenance(document)


def test_no_workflow_of_it_is_ever_proven(foreign, workflows):
    found = {}
    for path, environment in {
        "yaml": {"USE_HERA_SDK": "false"},
        "hera": {"USE_HERA_SDK": "true"},
        "silent": {"USE_HERA_SDK": "true", "BROKEN_HERA": "yes"},
    }.items():
        _, backend = foreign(**environment)
        found[path] = (judged(backend, workflows), judged(backend, workflows, dependencies="six"))
        assert backend.dialect == "two-step"
    told = {path: [(one.how, one.path) for one in both] for path, both in found.items()}
    assert told == {
        "yaml": [("unproven", ""), ("inferred", "yaml")],
        "hera": [("unproven", ""), ("inferred", "hera")],
        "silent": [("unproven", ""), ("inferred", "yaml")],  # the flag says on, and YAML is what ran
    }


def test_the_preflight_says_what_is_not_known_of_it_and_fails_nothing_for_that(foreign):
    place, _ = foreign()
    made = {
        one.name: one
        for one in preflight.checks(place, Cluster.connect(place), Workflows(place, Cluster.connect(place)))
    }
    assert {name: made[name].verdict for name in ("backend", "Hera in the backend")} == {
        "backend": Verdict.HOLD, "Hera in the backend": Verdict.HOLD,
    }  # fmt: skip
    assert "has no route /api/v1/flag" in made["backend"].seen
    assert "python -c 'import hera.workflows'" in made["Hera in the backend"].todo
    assert {made[name].verdict for name in ("Argo Server", "Argo CRDs", "PVC", "Prometheus")} == {Verdict.PASS}


def test_its_scenario_is_played_through_and_only_the_path_is_in_doubt(foreign, workflows):
    _, backend = foreign(USE_HERA_SDK="true")
    began = datetime.now(UTC) - timedelta(seconds=2)
    result = run("simple", backend, workflows, deadline_seconds=90, expect_path="hera")
    assert not result.passed
    assert result.seen == (
        "made by path=none (unproven): no label hera-rollout/path, and a manifest that either path could have made"
    )  # nothing else is wrong: it ran, its output came through the log route, its task says so
    check = provenance_check(provenance_frame([("hera", result)]), "")
    assert check.verdict is Verdict.HOLD

    name = result.workflows[0]
    listed = workflows.list(since=began).set_index("name")
    assert listed.loc[name, "phase"] == "Succeeded"
    counted = orphans.count(backend, workflows, began)
    assert name not in {one.name for one in counted.orphans}
    assert orphans.made(workflows.live(name)) is not None  # by its name, for it has no label


def test_its_two_paths_are_compared_by_the_names_of_their_workflows(foreign, workflows, target_path):
    names = []
    for flag in ("false", "true"):
        _, backend = foreign(USE_HERA_SDK=flag)
        submitted = backend.submit("print('compare me')", dependencies="six")
        workflows.stop(submitted.workflow)
        names.append(submitted.workflow)
    done = CliRunner().invoke(main, ["diff", "--live", *names, "--target", target_path])
    assert done.exit_code == 1, done.output
    assert "spec.templates[main].script.source" in done.output
