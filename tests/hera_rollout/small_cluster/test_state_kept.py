"""The rollout's state and its lease on an API server: who wrote, who holds, and what nobody else may take."""

import atexit
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hera_rollout import flag, state
from hera_rollout.errors import Conflicting, Refused
from hera_rollout.state import State, processes
from hera_rollout.state.holding import Holding
from hera_rollout.state.processes import Process

PHASE = "01_dev_testing"
CONFIGMAP = "/api/v1/namespaces/argo/configmaps/hera-rollout-backend"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/argo/leases"
LEASE = f"{LEASES}/hera-rollout-backend"


def until(condition, seconds=5):
    """Wait for it; at most so long."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.01)


# --- state ------------------------------------------------------------------------------------------------------------


def test_reading_writes_nothing(kube, cluster):
    assert State.load(cluster).facts == state.Facts()
    assert State.load(cluster).drift() == []
    assert kube.sent == []


def test_known_good_is_what_ran_before_phase_1_and_not_what_runs_later(kube, cluster):
    kept = State.load(cluster)
    kept.enter("backend-2026-11", PHASE, by="ann")
    first = kept.remember_known_good(by="ann")
    assert (first.image, first.env, first.template_hash) == ("backend:1", None, "h")
    kube.variable = "true"
    assert State.load(cluster).remember_known_good(by="bo") == first
    kept.enter("backend-2027-01", PHASE, by="ann")
    assert kept.facts.known_good is None


@pytest.mark.parametrize("made_first", [True, False])
def test_deleted_or_created_meanwhile_is_noticed_too(cluster, made_first):
    mine = State.load(cluster)
    if made_first:
        mine.enter("a", PHASE, by="ann")
        cluster.connection.delete(CONFIGMAP)
    else:
        State.load(cluster).enter("b", PHASE, by="bo")
    with pytest.raises(Conflicting, match="was changed since it was read"):
        mine.enter("c", PHASE, by="ann")
    mine.enter("c", PHASE, by="ann")
    assert State.load(cluster).facts.rollout.id == "c"


def test_steps_that_end_side_by_side_are_all_kept(cluster):
    kept = State.load(cluster)
    kept.enter("backend-2026-11", PHASE, by="ann")
    run = state.begin(kept, PHASE, by="ann")
    threads = [threading.Thread(target=lambda n=n: run.once(f"scenario {n}", lambda: {"n": n})) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = State.load(cluster).facts.runs[PHASE].steps
    assert {key: value["n"] for key, value in found.items()} == {f"scenario {n}": n for n in range(12)}


def test_nothing_changed_is_no_drift_nor_is_a_flag_that_the_kit_never_set(kube, cluster):
    kube.file = {"enabled": "true"}
    assert State.load(cluster).drift() == []
    flag.throw(cluster.by("configmap"), flag.plan(cluster.by("configmap"), enabled=True, percent=10.0))
    State.load(cluster.by("configmap")).flag_set(enabled=True, percent=10.0, by="ann@laptop")
    assert State.load(cluster).drift() == []


# --- the lease --------------------------------------------------------------------------------------------------------


def lease(cluster, process, *, ago=0, holder="ann@laptop"):
    """Somebody's lease of a minute, renewed so many seconds ago."""
    renewed = datetime.now(UTC) - timedelta(seconds=ago)
    held = Holding(holder, "backend-2026-11", PHASE, renewed, renewed, 60, process)
    cluster.connection.create(LEASES, held.document("hera-rollout-backend", "argo"))


ELSEWHERE = Process("laptop/boot/pid:[1]", 42, "7")


def test_a_second_operator_on_this_machine_is_refused_by_name_with_the_process_that_lives(cluster):
    parent = os.getppid()
    lease(cluster, Process(processes.own().place, parent, processes.started(parent)), holder="ann@here")
    with pytest.raises(Refused) as caught:
        state.hold(cluster, "bo")
    assert f"ann@here ({PHASE} of rollout backend-2026-11) since" in caught.value.seen
    assert "expires" in caught.value.seen
    assert f"process {parent} is alive" in caught.value.seen
    assert state.holder(cluster).holder == "ann@here"


def test_a_lease_of_another_machine_is_refused_until_it_expires(cluster):
    lease(cluster, ELSEWHERE, ago=58)
    with pytest.raises(Refused, match="ann@laptop"):
        state.hold(cluster, "bo")


def test_an_expired_lease_of_another_machine_is_taken_over(cluster):
    lease(cluster, ELSEWHERE, ago=61)
    with state.hold(cluster, "bo") as held:
        assert state.holder(cluster).holder == held.holder == f"bo@{processes.host()}"
        assert state.holder(cluster).transitions == 1


def test_it_is_given_back_when_the_interpreter_ends(kube, cluster, monkeypatch):
    at_the_end = []
    monkeypatch.setattr(atexit, "register", at_the_end.append)
    held = state.hold(cluster, "ann")
    (end,) = at_the_end
    end()
    assert LEASE not in kube.objects
    assert held.lost == "it was given back"


def test_begun_again_in_the_same_kernel_replaces_its_own_hold(cluster):
    first = state.hold(cluster, "ann")
    with state.hold(cluster, "ann") as second:
        second.check()
        assert first.lost
        first.release()
        assert state.holder(cluster)


@pytest.mark.parametrize("ago", [0, 120])
def test_whoever_lost_the_lease_is_told_before_the_next_change_and_does_not_take_it_back(kube, cluster, ago):
    renewed = datetime.now(UTC) - timedelta(seconds=ago)
    theirs = Holding("bo@desk", "backend-2026-11", PHASE, renewed, renewed, 60, ELSEWHERE)
    with state.hold(cluster, "ann", seconds=1) as held:
        while True:  # its own renewals may come between
            taken = replace(theirs, version=kube.objects[LEASE]["metadata"]["resourceVersion"])
            try:
                cluster.connection.replace(LEASE, taken.document("hera-rollout-backend", "argo"))
                break
            except Conflicting:
                continue
        until(lambda: held.given_up)
        with pytest.raises(Refused, match="no longer holds the rollout") as caught:
            held.check()
        assert "bo@desk" in caught.value.seen
    assert kube.objects[LEASE]["spec"]["holderIdentity"] == "bo@desk"


def test_a_lease_that_only_expired_is_renewed_where_nobody_took_it_meanwhile(kube, cluster):
    with state.hold(cluster, "ann", seconds=1) as held:
        kube.unavailable(10_000, lambda _method, path: path == LEASE)
        until(lambda: held.lost)
        with pytest.raises(Refused, match="could not be renewed since"):
            held.check()
        kube.well()
        until(lambda: not held.lost)
        held.check()
