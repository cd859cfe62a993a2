"""The integration list without a cluster: what each misbehaviour of a backend comes to. Real servers on loopback."""

import json
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from hera_rollout.backend import Backend
from hera_rollout.backend.integration import INTEGRATION, IntegrationResult, judged, routes, run_integration, sockets
from hera_rollout.backend.integration.routes import Bad, Route
from hera_rollout.checklists import TESTING
from hera_rollout.errors import Refused

FIRST, LAST = "[m] first line", "[m] last line"


def test_the_list_is_the_guides_and_its_names_are_the_checklists(guide):
    section = guide.split("### Integration Tests")[1].split("###")[0]
    assert [f"- [ ] {line.title}" for line in INTEGRATION.values()] == section.split("\n")[1:6]
    lines = [line for line in TESTING if line.kind == "integration"]
    assert {line.words: line.checks for line in lines} == {
        line.title: (f"integration {line.name}",) for line in INTEGRATION.values()
    }


def test_a_backend_that_answers_500_to_everything_fails_every_line_and_raises_nothing(make_target, answering):
    refused = (500, '{"detail": "boom"}')
    target = make_target(backend_url=answering({"/api/v1/tasks/submit": refused}))
    told = []
    results = run_integration(Backend(target), None, deadline_seconds=2, on_result=told.append)
    assert [result.name for result in results] == list(INTEGRATION)
    assert not any(result.passed for result in results)
    assert all("boom" in result.seen for result in results if result.name != "api")
    assert "500 instead of a 4xx" in results[0].seen
    assert sorted(result.name for result in told) == sorted(INTEGRATION)


def test_a_backend_that_is_not_there_fails_every_line_within_the_limit(make_target, closed_url):
    began = time.monotonic()
    results = run_integration(Backend(make_target(backend_url=closed_url)), None, deadline_seconds=2)
    assert not any(result.passed for result in results)
    assert all(result.todo for result in results)
    assert time.monotonic() - began < 30


def test_an_unknown_line_is_refused_before_anything_is_sent(make_target):
    with pytest.raises(Refused, match="no integration test"):
        run_integration(Backend(make_target()), None, deadline_seconds=1, names=["nonsense"])


def test_bad_input_that_was_taken_is_taken_back(make_target, answering):
    deleted = []
    answers = {
        "/api/v1/tasks/submit": (200, '{"id": "task-9", "workflowId": "w", "runNumber": 1}'),
        "/api/v1/tasks/task-9/delete": (200, '{"status": "deleted"}'),
    }
    backend = Backend(make_target(backend_url=answering(answers)))
    delete = backend.delete
    backend.delete = lambda task: deleted.append(task) or delete(task)
    (result,) = run_integration(_without_submit(backend), None, deadline_seconds=2, names=["api"])
    assert "a submission without code was answered 200 instead of a 4xx" in result.seen
    assert set(deleted) == {"task-9"}


def _without_submit(backend):
    """The good submission itself is refused, so that no cluster is asked."""

    def refuse(*_, **__):
        raise Refused("not in this test")

    backend.submit = refuse
    return backend


def test_the_check_carries_the_result():
    result = IntegrationResult("logs", "Log retrieval", False, "none", "some", "look", 1.0)
    check = judged(result)
    assert (check.name, check.verdict, check.todo) == ("integration logs", "FAIL", "look")


BAD = Bad("x", "GET", "/")


@pytest.mark.parametrize(("status", "wanted", "good"), [
    (400, None, True), (422, None, True), (404, 404, True), (400, 404, False), (500, None, False), (200, None, False),
    (302, None, False),
])  # fmt: skip
def test_bad_input_is_a_4xx(status, wanted, good):
    fault = routes.refusal_fault(Bad("x", "GET", "/", status=wanted), status, {"detail": "400: no"})
    assert (fault == "") is good


ROUTE = Route("GET", "/x", ("a", "list"), ("list", ("b",)))


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, {"a": 1, "list": [{"b": 1, "c": 2}], "more": 1}, ""),
        (200, {"list": [{"b": 1}]}, "lacks a"),
        (200, {"a": 1, "list": [{}]}, "an entry of list"),
        (200, {"a": 1, "list": []}, "is empty"),
        (200, {"a": 1, "list": "no"}, "no list"),
        (200, [1], "no"),
        (404, {}, "404 instead of 200"),
    ],
)
def test_a_good_answer_has_its_fields(status, answer, told):
    fault = routes.answer_fault(ROUTE, status, answer)
    assert (told in fault) if told else fault == ""


def test_a_route_of_later_versions_may_be_missing():
    later = Route("GET", "/x", ("a",), later=True)
    assert routes.answer_fault(later, 404, {}) == ""
    assert routes.answer_fault(later, 500, {})


def test_bad_input_covers_every_forbidden_sign_and_both_limits():
    bodies = [json.dumps(bad.body) for bad in routes.bad_inputs("print(1)")]
    assert all(any(sign in body for body in bodies) for sign in routes.FORBIDDEN)
    assert max(len(body) for body in bodies) > 50_000


@contextmanager
def socket_server(handler):
    with serve(handler, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()


def frames(*sent, then=None):
    def handler(socket):
        for frame in sent:
            socket.send(frame if isinstance(frame, str) else json.dumps(frame))
        if then:
            then(socket)

    return handler


def silence(socket):
    with suppress(ConnectionClosed):
        socket.recv(timeout=20)


def logs(text):
    return {
        "type": "logs",
        "data": [{"node": "n", "pod": "p", "phase": "x", "logs": text}],
        "workflow_phase": "Running",
    }


COMPLETE = {"type": "complete", "workflow_phase": "Succeeded"}
WHOLE = logs(f"{FIRST}\n{LAST}\n")


def heard_faults(handler, seconds=3.0):
    with socket_server(handler) as url:
        heard = sockets.listen(url, "task-1", seconds=seconds)
    return list(sockets.faults(heard, FIRST, LAST, "Succeeded"))


def test_frames_until_complete_then_closed():
    assert heard_faults(frames(logs(FIRST), WHOLE, COMPLETE)) == []


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (frames(WHOLE), "the last frame is 'logs'"),
        (frames(logs(FIRST), COMPLETE), "do not hold the last line"),
        (frames(WHOLE, {"type": "complete", "workflow_phase": "Failed"}), "says 'Failed'"),
        (frames({"type": "error", "message": "x"}), "the last frame is 'error'"),
        (frames("no json"), "no JSON object"),
        (frames("[1]"), "no JSON object"),
        (frames(), "the last frame is 'none'"),
        (frames(WHOLE, COMPLETE, then=silence), "not complete in time"),
        (frames(then=lambda socket: socket.socket.close()), "the connection broke"),
    ],
)
def test_a_socket_that_misbehaves_is_told(handler, told):
    assert told in "; ".join(heard_faults(handler, seconds=1.5))


def test_a_socket_that_never_says_anything_is_left_in_time():
    began = time.monotonic()
    assert "not complete in time" in "; ".join(heard_faults(frames(then=silence), seconds=1.0))
    assert time.monotonic() - began < 30


def test_a_port_nobody_listens_on_is_a_refusal(closed_url):
    heard = sockets.listen(closed_url, "task-1", seconds=2)
    assert heard.refused
    assert next(iter(sockets.faults(heard, FIRST, LAST, "Succeeded"))).startswith("the socket could not be opened")


@pytest.mark.slow
def test_frames_without_end_are_cut(monkeypatch):
    monkeypatch.setattr(sockets, "MOST_FRAMES", 5)
    assert "more than 5 frames" in "; ".join(heard_faults(frames(*[WHOLE] * 20, COMPLETE)))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/tasks/t%2F1/logs"),
        ("https://x.test/base", "wss://x.test/base/ws/tasks/t%2F1/logs"),
    ],
)
def test_the_address_of_a_socket(url, address):
    assert sockets.address(url, "t/1") == address
