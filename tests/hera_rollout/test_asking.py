import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hera_rollout.asking import Caller
from hera_rollout.errors import Ambiguous, Missing, Refused, Retryable, RolloutError
from rollout_lab import certificates


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


@pytest.fixture
def private(tmp_path):
    """A server on loopback whose certificate a private authority signed: its address, and the authority's file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

    certificates.ensure(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}", tmp_path / "ca.crt"
    server.shutdown()
    server.server_close()


def test_who_is_trusted_is_asked_anew_where_the_environment_names_an_authority_meanwhile(private, monkeypatch):
    url, authority = private
    with pytest.raises(Retryable, match="did not answer"):
        Caller("It", url, 2).json("GET", "/")
    assert Caller("It", url, 2, verify=False).json("GET", "/") == {}
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert Caller("It", url, 2).json("GET", "/") == {}
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Retryable, match="did not answer"):
        Caller("It", url, 2).json("GET", "/")
