"""Submission against an Argo Server that is down, silent or says no: real sockets, Hera's real client."""

import time
from collections.abc import Callable

import pytest

from hera_rollout.errors import Ambiguous, Conflicting, Missing, Refused
from hera_rollout.workflows import hello, submission
from hera_rollout.workflows.server import ArgoServer
from hera_rollout.workflows.submission import SPEC_HASH, Submitter, spec_hash

PATH = "/api/v1/workflows/argo"


@pytest.fixture(autouse=True)
def short_pause(monkeypatch):
    monkeypatch.setattr(submission, "_PAUSE_SECONDS", 0.05)


def nothing(name: str) -> dict:
    raise Missing(f"no {name}")


def submitter(target, find: Callable[[str], dict] = nothing) -> Submitter:
    return Submitter(target, lambda: "sesame", find)


def test_argo_server_down_is_refused_with_what_was_seen_and_what_to_do(make_target, closed_url):
    target = make_target(argo_url=closed_url)
    with pytest.raises(Refused) as caught:
        submitter(target).submit(hello(target), "w")
    assert closed_url in caught.value.seen
    assert "nothing was created" in caught.value.why
    assert "kubectl get pods" in caught.value.todo or "See whether it runs" in caught.value.todo


def test_a_server_that_is_gone_before_the_first_look_up_is_refused_too(make_target, closed_url):
    target = make_target(argo_url=closed_url)
    with pytest.raises(Refused, match="did not answer") as caught:
        submitter(target, ArgoServer(target, lambda: None).get).submit(hello(target), "w")
    assert "nothing was created" in caught.value.why


def test_check_server_down_and_silent_are_refusals_in_time(make_target, closed_url, silent_url):
    for url in (closed_url, silent_url):
        began = time.monotonic()
        with pytest.raises(Refused, match="did not answer"):
            ArgoServer(make_target(argo_url=url), lambda: None).version()
        assert time.monotonic() - began < 20


def test_check_server_tells_a_token_that_is_not_taken(make_target, answering):
    url = answering({"/api/v1/version": (401, '{"message": "token not valid"}')})
    with pytest.raises(Refused, match="token not valid") as caught:
        ArgoServer(make_target(argo_url=url), lambda: None).version()
    assert "HERA_ROLLOUT_ARGO_TOKEN" in caught.value.todo


def test_a_name_that_was_taken_and_is_gone_is_told_as_that(make_target, answering):
    target = make_target(argo_url=answering({PATH: (409, '{"message": "workflows \\"w\\" already exists"}')}))
    with pytest.raises(Ambiguous, match="Workflow w was there already when it was to be created, and now it is not"):
        submitter(target).submit(hello(target), "w")


def test_check_server_tells_a_right_that_is_missing(make_target, answering):
    forbidden = '{"message": "workflows.argoproj.io is forbidden: cannot list"}'
    url = answering({"/api/v1/version": (200, '{"version": "v4.0.5"}'), PATH: (403, forbidden)})
    with pytest.raises(Refused, match="cannot list"):
        ArgoServer(make_target(argo_url=url), lambda: None).version()


@pytest.mark.slow
def test_a_server_that_never_answers_is_ambiguous_and_in_time_never_a_hang(make_target, silent_url):
    target = make_target(argo_url=silent_url)
    began = time.monotonic()
    with pytest.raises(Ambiguous) as caught:
        submitter(target).submit(hello(target), "w")
    assert caught.value.name == "w"
    assert time.monotonic() - began < 30


def test_a_lost_answer_is_looked_up_and_the_workflow_adopted(make_target, silent_url):
    target = make_target(argo_url=silent_url)
    looks = []

    def find(name: str) -> dict:
        looks.append(name)
        if len(looks) < 2:
            raise Missing("not yet")
        digest = spec_hash(hello(target).to_dict()["spec"])
        return {"metadata": {"name": name, "uid": "u", "annotations": {SPEC_HASH: digest}}}

    done = submitter(target, find).submit(hello(target), "w")
    assert (done.name, done.uid, done.adopted) == ("w", "u", True)


def test_another_workflow_of_that_name_is_never_adopted(make_target, closed_url):
    target = make_target(argo_url=closed_url)
    with pytest.raises(Conflicting, match="is already there"):
        submitter(target, lambda name: {"metadata": {"name": name, "uid": "u"}}).submit(hello(target), "w")


@pytest.mark.parametrize(
    ("status", "text"),
    [(400, '{"message": "templates.main: bad"}'), (403, '{"message": "cannot create"}'), (403, "{}"), (422, "no json")],
)
def test_what_the_server_does_not_want_is_refused_with_its_reason_whatever_hera_makes_of_it(
    make_target, answering, status, text
):
    target = make_target(argo_url=answering({PATH: (status, text)}))
    with pytest.raises(Refused, match=str(status)):
        submitter(target).submit(hello(target), "w")


@pytest.mark.parametrize(
    ("status", "text"), [(500, '{"message": "boom"}'), (500, "{}"), (502, "<html>"), (200, "no json")]
)
def test_an_answer_that_may_have_created_ends_ambiguous_after_the_look_ups(make_target, answering, status, text):
    target = make_target(argo_url=answering({PATH: (status, text)}))
    with pytest.raises(Ambiguous):
        submitter(target).submit(hello(target), "w")
