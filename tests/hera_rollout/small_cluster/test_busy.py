"""Where a watch ends at once, as behind a proxy that knows none, the API server is not asked without a pause."""

import time

import pytest

from hera_rollout.errors import DeadlineExceeded
from hera_rollout.workflows import Workflows, waiting

WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
RUNNING = {"metadata": {"name": "w", "resourceVersion": "5"}, "status": {"phase": "Running"}}
DONE = {**RUNNING, "status": {"phase": "Succeeded"}}
GONE = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}


@pytest.fixture
def asked(kube):
    """Every question, by path; a watch of whatever it is ends at once."""
    paths = []

    def trouble(method, path):
        paths.append(path)
        return (200, GONE) if path in (WORKFLOWS, "/apis/apps/v1/namespaces/argo/deployments") else None

    kube.trouble = trouble
    return paths


def test_a_workflow_is_read_a_few_times_and_not_hundreds(kube, cluster, asked):
    kube.objects[f"{WORKFLOWS}/w"] = RUNNING
    assert Workflows(cluster.target, cluster).wait("w", 1.6).reached == "deadline"
    assert 3 <= asked.count(f"{WORKFLOWS}/w") <= 6


def test_a_workflow_that_has_ended_waits_for_no_pause(kube, cluster, asked, monkeypatch):
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 20.0)
    monkeypatch.setattr(waiting, "LEAST_SECONDS", 20.0)
    kube.objects[f"{WORKFLOWS}/w"] = DONE
    began = time.monotonic()
    assert Workflows(cluster.target, cluster).wait("w", 60).succeeded
    assert time.monotonic() - began < 15


def test_a_rollout_is_looked_at_a_few_times_and_not_hundreds(kube, cluster, asked):
    kube.deployment["status"]["updatedReplicas"] = 0
    with pytest.raises(DeadlineExceeded, match="0 of 1 new pods"):
        cluster.rollout_status(1.6)
    assert 3 <= asked.count("/apis/apps/v1/namespaces/argo/deployments/backend") <= 6
