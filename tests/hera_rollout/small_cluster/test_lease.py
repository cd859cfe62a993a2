"""A lease is renewed through an API server's trouble until it would expire; only another's hand ends it before."""

import time

import pytest

from hera_rollout import state

LEASE = "/apis/coordination.k8s.io/v1/namespaces/argo/leases/hera-rollout-backend"
FORBIDDEN = (403, {"message": "leases is forbidden"})


@pytest.fixture
def held(cluster):
    with state.hold(cluster, "Ann", doing="03_canary", seconds=3) as hold:
        yield hold


def troubled(kube, readyz):
    def trouble(_method, path):
        return readyz if path == "/readyz" else FORBIDDEN if "/leases" in path else None

    kube.trouble = trouble


@pytest.mark.parametrize("readyz", [(500, {"message": "rbac is not ready"}), (200, {})])
def test_a_403_while_renewing_loses_nothing_that_is_renewed_in_time(kube, held, readyz):
    since = held.since
    troubled(kube, readyz)
    time.sleep(1.2)
    kube.trouble = lambda _method, _path: None
    time.sleep(2.2)
    assert held.lost == ""
    held.check()
    assert held.since == since


def test_an_outage_that_outlasts_the_lease_is_a_loss_with_its_reason_and_not_before(kube, held):
    troubled(kube, (500, {"message": "rbac is not ready"}))
    time.sleep(1.5)
    assert held.lost == ""
    time.sleep(2)
    assert "could not be renewed since" in held.lost
    assert "has only just started" in held.lost


def test_somebody_else_who_holds_it_is_a_loss_at_once_and_by_name(kube, held):
    lease = kube.objects[LEASE]
    lease["metadata"]["annotations"]["hera-rollout/process"] = "laptop/boot/pid:[1] 42 7"
    lease["spec"]["holderIdentity"] = "bo@laptop"
    time.sleep(1.3)
    assert held.lost.startswith("bo@laptop (03_canary")
