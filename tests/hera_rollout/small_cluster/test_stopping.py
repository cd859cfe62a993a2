"""A wait for the flag ends when the operator stops it, also while its pods restart or the API server is away."""

import threading
import time

import pytest

from hera_rollout import flag
from hera_rollout.errors import DeadlineExceeded


def stopped(cluster, after=0.6):
    stop = threading.Event()
    threading.Timer(after, stop.set).start()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="the wait was stopped by the operator") as caught:
        flag.settled(cluster, None, flag.plan(cluster, enabled=False), stop=stop, deadline_seconds=30)
    return time.monotonic() - began, caught.value


def test_a_rollout_that_does_not_end_is_waited_for_until_it_is_stopped(kube, cluster):
    kube.deployment["status"]["updatedReplicas"] = 0
    took, error = stopped(cluster)
    assert took < 20
    assert "0 of 1 new pods have been made" in error.seen
    assert "backend-1" in error.seen, "what the pods were like then"


def test_an_api_server_that_is_away_keeps_nobody_from_stopping(kube, cluster):
    change = flag.plan(cluster, enabled=False)
    kube.trouble = lambda _method, _path: (503, {"message": "starting"})
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="stopped by the operator, and the cluster could not be asked"):
        flag.settled(cluster, None, change, stop=stop, deadline_seconds=30)
    assert time.monotonic() - began < 20, "it ends by the stop and not by its deadline"
