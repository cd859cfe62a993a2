"""What is asked, of whom, and what is left where somebody does not answer. Real HTTP on loopback."""

import json
import threading

import pytest

from hera_rollout.cluster.connection import Connection
from hera_rollout.status import Known, Unknown, gather
from hera_rollout.status.bounding import asked
from hera_rollout.status.parts import PARTS

pytestmark = pytest.mark.timeout(60)


def unknown(status):
    return {name for name in PARTS if isinstance(getattr(status, name), Unknown)}


def test_everything_there_is_everything_known(place):
    found = gather(place.target(), place.records)
    assert unknown(found) == set()
    assert (found.rollout.value.phase, found.rollout.value.rung) == ("03_canary", 25.0)
    assert [one.percent for one in found.evidence.value.rungs] == [10.0, 25.0]
    assert [(pod.pod, pod.enabled, pod.percent) for pod in found.flag.value] == [
        ("pod-a", True, 25.0),
        ("pod-b", True, 25.0),
    ]
    assert [one.name for one in found.in_flight.value] == ["python-job-1"], "the other one is YAML's"
    assert (found.lease.value.holder, found.lease.value.alive) == ("ann@laptop", True)
    assert found.drift.value == ()
    assert [one.verdict for one in found.records.value] == ["PASS"]


@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize(
    ("name", "others"),
    [("rollout", {"evidence", "drift"}), ("flag", set()), ("in_flight", set()), ("lease", set()), ("drift", set())],
)
def test_each_source_that_fails_alone_leaves_the_rest(place, name, others, status):
    place.answers[place.paths[name]] = (status, '{"message": "not for you"}')
    found = gather(place.target(), place.records)
    assert unknown(found) == {name, *others}
    assert "not for you" in getattr(found, name).why


def test_argo_that_is_not_installed_is_not_none_in_flight(place):
    del place.answers[place.paths["in_flight"]]
    assert unknown(gather(place.target(), place.records)) == {"in_flight"}


def test_evidence_that_cannot_be_read_leaves_where_the_rollout_stands(place):
    odd = place.made.run(steps={"rung 10": {"somebody": "else's"}})
    place.remember(place.made.facts(runs={place.made.phase: odd}))
    found = gather(place.target(), place.records)
    assert unknown(found) == {"evidence"}
    assert "This is no Rung" in found.evidence.why


def test_an_answer_that_is_no_kubernetes_document_is_told_and_nothing_else_is_lost(place):
    place.answers[place.paths["in_flight"]] = (200, '{"items": [{"kind": "odd"}]}')
    found = gather(place.target(), place.records)
    assert unknown(found) == {"in_flight"}
    assert "could not be read" in found.in_flight.why


def test_a_pod_that_does_not_answer_leaves_the_other(place):
    del place.answers[f"{place.paths['flag']}/pod-b:8000/proxy/api/v1/flag"]
    pods = gather(place.target(), place.records).flag.value
    assert [bool(pod.problem) for pod in pods] == [False, True]


def test_a_flag_changed_by_hand_is_told(place):
    place.answers[place.paths["drift"]] = (200, json.dumps({"metadata": {}, "data": {"enabled": "false"}}))
    drift = gather(place.target(), place.records).drift.value
    assert len(drift) == 1
    assert "configmap/backend-flag now says enabled=false" in drift[0]


def test_no_state_yet_is_known_as_nothing(place):
    for name in ("rollout", "lease"):
        del place.answers[place.paths[name]]
    found = gather(place.target(), place.records)
    assert unknown(found) == set()
    assert (found.rollout.value.id, found.lease.value) == ("", None)


def test_records_of_other_rollouts_are_left_out_and_a_missing_folder_is_said(place):
    place.keep(place.made.record(rollout="another", verdict="FAIL"))
    assert [one.verdict for one in gather(place.target(), place.records).records.value] == ["PASS"]
    found = gather(place.target(), place.records / "nowhere")
    assert unknown(found) == {"records"}
    assert "there is no folder" in found.records.why


def test_a_record_that_is_no_record_is_passed_over(place):
    for number, text in enumerate(("[]", "{", '{"target": 1, "verdict": null}')):
        (odd := place.records / "backend-2026-11" / f"2027-{number}").mkdir()
        (odd / "record.json").write_text(text)
    assert [one.verdict for one in gather(place.target(), place.records).records.value] == ["PASS"]


def test_without_the_cluster_the_backend_and_the_records_are_still_seen(place, closed_url, answering):
    backend = answering({"/api/v1/flag": (200, '{"pod": "pod-a", "enabled": true, "percent": 25}')})
    found = gather(place.target(closed_url, backend_url=backend), place.records)
    assert unknown(found) == set(PARTS) - {"flag", "records"}
    assert "did not answer" in found.cluster.why
    assert found.flag.value[0].enabled is True


def test_without_anybody_every_part_says_so(place, closed_url):
    found = gather(place.target(closed_url, backend_url=closed_url), place.records / "nowhere")
    assert unknown(found) == set(PARTS)


def test_somebody_who_never_answers_is_given_up(place, silent_url):
    found = gather(place.target(silent_url, backend_url=silent_url), place.records)
    assert unknown(found) == set(PARTS) - {"records"}


def test_what_takes_longer_than_its_time_is_left_behind():
    never = threading.Event()
    part = asked(never.wait, 0.1)()
    never.set()
    assert part == Unknown("it was not answered whole within 0.1 s.",
                           "Try again, or raise limits.request_timeout_seconds of the target.")  # fmt: skip
    assert asked(lambda: 1, 10)() == Known(1)


def test_nothing_is_written(place, monkeypatch):
    methods, real = [], Connection._sent

    def sent(self, request, timeout):
        methods.append(request.method)
        return real(self, request, timeout)

    monkeypatch.setattr(Connection, "_sent", sent)
    before = sorted(path for path in place.records.rglob("*"))
    gather(place.target(), place.records)
    assert len(methods) > 5
    assert set(methods) == {"GET"}
    assert sorted(path for path in place.records.rglob("*")) == before
