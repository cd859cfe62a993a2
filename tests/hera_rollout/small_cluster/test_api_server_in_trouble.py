"""An API server that is wrong as the real one is: what was not done is FAIL or REFUSED, with what to do; no hang."""

import asyncio
import time

import pytest

from hera_rollout.cluster import rollouts
from hera_rollout.errors import Conflicting, DeadlineExceeded, PhaseFailed, Refused, RolloutError
from hera_rollout.gates import Verdict
from hera_rollout.phase import steps

DEPLOYMENT = "/apis/apps/v1/namespaces/argo/deployments/backend"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/argo/leases/hera-rollout-backend"
PATCHED = ("PATCH", DEPLOYMENT)
BEHIND, MADE = "waiting for the controller to see the change", "0 of 1 new pods have been made"
DONE = "rolled out: every pod is new and available"


def turned_on(begin):
    """A run of 01 that turns the flag on; its check."""
    phase = begin("01_dev_testing")
    asyncio.run(steps.set_flag(phase, enabled=True))
    return phase.checks["flag in effect"]


def not_turned_on(begin):
    """A run of 01 that could not turn the flag on: the check that says so, after the run has ended."""
    phase = begin("01_dev_testing")
    with pytest.raises(PhaseFailed, match="flag in effect"):
        asyncio.run(steps.set_flag(phase, enabled=True))
    return phase.checks["flag in effect"]


# --- a Deployment that is not rolled out yet --------------------------------------------------------------------------


def test_a_rollout_is_waited_for_until_every_pod_is_new(kube, cluster):
    kube.slow_reads, lines = 6, []
    cluster.apply_env(cluster.plan_env("USE_HERA_SDK", "true"))
    assert kube.pods_variable is None, "the old pod is still there"
    cluster.rollout_status(5, lines.append)
    assert lines == [BEHIND, MADE, DONE]
    assert kube.pods_variable == "true"


def test_a_flag_is_on_once_its_pod_is_new_and_not_before(kube, begin):
    kube.slow_reads = 6
    assert turned_on(begin).verdict is Verdict.PASS
    assert kube.says()["enabled"] is True


def test_a_rollout_that_never_ends_is_fail_with_what_is_missing_and_the_way_back(kube, begin, limit):
    kube.slow_reads = -1
    limit(rollout_deadline_seconds=0)
    check = not_turned_on(begin)
    assert f"The rollout of deployment/backend did not end: after 0 s {BEHIND}" in check.seen
    assert "kubectl rollout undo deployment/backend -n argo" in check.todo


# --- a conflict -------------------------------------------------------------------------------------------------------


def test_a_status_that_moved_between_read_and_write_costs_another_try(kube, begin):
    kube.meanwhile(DEPLOYMENT, times=2)
    assert turned_on(begin).verdict is Verdict.PASS
    assert kube.touched == [PATCHED] * 3


def test_somebody_elses_change_between_the_patch_and_its_approval_is_not_overwritten(kube, begin):
    def labelled():
        kube.deployment["spec"]["template"]["metadata"]["labels"]["by"] = "Bo"

    kube.meanwhile(DEPLOYMENT, labelled)
    check = not_turned_on(begin)
    assert "deployment/backend was changed meanwhile" in check.seen
    assert "plan again; nothing was touched" in check.todo
    assert kube.variable is None


def test_a_conflict_that_never_ends_is_given_up_and_nothing_is_changed(kube, cluster):
    kube.meanwhile(DEPLOYMENT, times=99)
    with pytest.raises(Conflicting, match=r'Operation cannot be fulfilled on deployments\.apps "backend"'):
        cluster.apply_env(cluster.plan_env("USE_HERA_SDK", "true"))
    assert kube.variable is None


# --- a right that is missing ------------------------------------------------------------------------------------------


def test_a_flip_that_is_forbidden_is_fail_in_the_servers_own_words(kube, begin):
    kube.forbid("patch", "deployments")
    check = not_turned_on(begin)
    assert ('deployments.apps "backend" is forbidden: User "system:serviceaccount:argo:operator" cannot patch resource '
            '"deployments" in API group "apps" in the namespace "argo"') in check.seen  # fmt: skip
    assert "deploy/rbac lists all that are needed" in check.todo
    assert kube.variable is None


@pytest.mark.parametrize(("verb", "resource"), [("get", "leases"), ("create", "leases"), ("get", "configmaps"),
                                                ("create", "configmaps"), ("get", "deployments")])  # fmt: skip
def test_a_run_that_may_not_remember_is_refused_and_keeps_nobody_out(kube, begin, verb, resource):
    kube.forbid(verb, resource)
    with pytest.raises(Refused, match=f'cannot {verb} resource "{resource}"') as refused:
        begin("01_dev_testing")
    assert "grant it" in refused.value.todo
    assert LEASE not in kube.objects
    assert kube.touched == []


# --- a watch that ends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["early", "gone", "cut"])
def test_a_watch_that_ends_is_no_rollout_that_ended(kube, begin, monkeypatch, how):
    monkeypatch.setattr(rollouts, "_LEAST_SECONDS", 0.01)
    kube.slow_reads = 6
    kube.watches(how, "/deployments")
    assert turned_on(begin).verdict is Verdict.PASS
    assert kube.pods_variable == "true"


@pytest.mark.parametrize("how", ["early", "gone", "cut"])
def test_a_watch_that_always_ends_keeps_no_wait_beyond_its_deadline(kube, cluster, monkeypatch, how):
    monkeypatch.setattr(rollouts, "_LEAST_SECONDS", 0.01)
    kube.slow_reads = -1
    kube.watches(how)
    cluster.apply_env(cluster.plan_env("USE_HERA_SDK", "true"))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=BEHIND):
        cluster.rollout_status(0.2)
    assert time.monotonic() - began < 5


# --- too many requests, and none served -------------------------------------------------------------------------------


@pytest.mark.parametrize(("trouble", "words"), [
    ("overloaded", "answered 429 to: patch deployment backend. It said: Too many requests, please try again later."),
    ("unavailable", "answered 503 to: patch deployment backend. It said: the server is currently unable to handle"),
])  # fmt: skip
def test_a_flip_that_was_not_served_is_fail_and_may_be_tried_again(kube, begin, trouble, words):
    getattr(kube, trouble)(1, lambda method, path: (method, path) == PATCHED)
    check = not_turned_on(begin)
    assert words in check.seen
    assert "Wait a moment and try again" in check.todo
    assert kube.variable is None
    assert turned_on(begin).verdict is Verdict.PASS, "the next run, after a moment"


@pytest.mark.parametrize("trouble", ["overloaded", "unavailable"])
@pytest.mark.parametrize("part", ["/leases", "/configmaps"])
def test_a_run_that_cannot_be_begun_says_so_and_keeps_nobody_out(kube, begin, trouble, part):
    getattr(kube, trouble)(1, lambda _method, path: part in path)
    with pytest.raises(RolloutError, match=r"answered (429|503)") as refused:
        begin("01_dev_testing")
    assert "Wait a moment and try again" in refused.value.todo
    assert LEASE not in kube.objects
    assert begin("01_dev_testing").keeping
