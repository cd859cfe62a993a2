import time

import pytest

from hera_rollout.asking import Caller
from hera_rollout.errors import Ambiguous, Missing, Refused, Retryable, RolloutError


def test_a_json_object_comes_back(answering):
    url = answering({"/a": (200, '{"x": 1}')})
    assert Caller("It", url, 2).json("GET", "/a") == {"x": 1}


@pytest.mark.parametrize("text", ["", "<html>", "[1]", "null"])
def test_an_answer_that_is_no_object_is_told_and_not_a_key_error(answering, text):
    url = answering({"/a": (200, text)})
    with pytest.raises(RolloutError, match="no JSON object"):
        Caller("It", url, 2).json("GET", "/a")


def test_the_servers_reason_is_in_the_error(answering):
    url = answering({"/a": (422, '{"detail": "pythonCode is missing"}')})
    with pytest.raises(Refused, match="pythonCode is missing"):
        Caller("It", url, 2).json("GET", "/a")
    with pytest.raises(Missing):
        Caller("It", url, 2).json("GET", "/b")


def test_nobody_listening_is_told_with_the_address(closed_url):
    with pytest.raises(Retryable, match="did not answer") as caught:
        Caller("The Argo Server", closed_url, 2).json("POST", "/a", creates="w")
    assert closed_url in caught.value.seen


def test_a_server_that_never_answers_ends_within_the_limit(silent_url):
    began = time.monotonic()
    with pytest.raises(Retryable):
        Caller("It", silent_url, 0.5).json("GET", "/a")
    with pytest.raises(Ambiguous) as caught:
        Caller("It", silent_url, 0.5).json("POST", "/a", creates="w")
    assert time.monotonic() - began < 20
    assert caught.value.name == "w"
