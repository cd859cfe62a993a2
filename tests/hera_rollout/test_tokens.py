"""A token reaches the server as it is meant, however it was pasted; one that cannot be sent is refused unseen."""

import json
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from kubernetes.config import incluster_config

from hera_rollout.cluster import Cluster
from hera_rollout.cluster import connection as connections
from hera_rollout.errors import Missing, Refused, Retryable, RolloutError
from hera_rollout.redaction import MASK, Redactor
from hera_rollout.workflows import hello
from hera_rollout.workflows.server import ArgoServer
from hera_rollout.workflows.submission import Submitter

OPAQUE = "v2:Zm9yLXRlc3RzLW9ubHktbm90LWEtdG9rZW4"
VERSION = b'{"gitVersion": "v1.35.4", "version": "v4.0"}'


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that answers anything; its address, and each Authorization header that came."""
    headers: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.send_header("Content-Length", str(len(VERSION)))
            self.end_headers()
            self.wfile.write(VERSION)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}", headers
    running.shutdown()
    running.server_close()


def kubeconfig(folder: Path, url: str, **user: object) -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(content))
    return str(folder / "kubeconfig")


def not_found(name: str) -> dict[str, object]:
    raise Missing(f"no {name}")


def told(call: Callable[[], object]) -> str:
    """The whole traceback of the kit's error that a call ends with, chained errors too."""
    try:
        call()
    except RolloutError as error:
        return "".join(traceback.format_exception(error)) + str(error)
    raise AssertionError("it was not refused")


@pytest.mark.parametrize(
    "case",
    [
        (f"Bearer {OPAQUE}", f"Bearer {OPAQUE}"),
        (f"bearer  {OPAQUE}\r\n", f"Bearer {OPAQUE}"),
        (f"BEARER Bearer {OPAQUE}", f"Bearer {OPAQUE}"),
        (f" {OPAQUE}\n", f"Bearer {OPAQUE}"),
        ("Basic YW5uOmh1bnRlcjI=\n", "Basic YW5uOmh1bnRlcjI="),
        (f'"Bearer {OPAQUE}"\n', f"Bearer {OPAQUE}"),
        (f"'{OPAQUE}'", f"Bearer {OPAQUE}"),
        (f'Bearer "{OPAQUE}"', f"Bearer {OPAQUE}"),
        (f"\u201cBearer {OPAQUE}\u201d", f"Bearer {OPAQUE}"),
        (f"`{OPAQUE}`", f"Bearer {OPAQUE}"),
        (f"\ufeff{OPAQUE}\u200b\r\n", f"Bearer {OPAQUE}"),
        (f"bearer: {OPAQUE}", f"Bearer {OPAQUE}"),
        (f"Authorization: Bearer {OPAQUE}", f"Bearer {OPAQUE}"),
        (f"authorization:{OPAQUE}", f"Bearer {OPAQUE}"),
        ('"Basic YW5uOmh1bnRlcjI="', "Basic YW5uOmh1bnRlcjI="),
    ],
)
def test_argos_token_is_sent_once_as_bearer_however_it_was_pasted(make_target, tmp_path, server, monkeypatch, case):
    (url, headers), (given, sent) = server, case
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", given)
    target = make_target(kubeconfig=kubeconfig(tmp_path, url, token="sesame"), argo_url=url)
    cluster = Cluster.connect(target)
    headers.clear()
    ArgoServer(target, cluster.bearer_token).version()
    with pytest.raises(RolloutError):  # the answer is no workflow: what was sent is what this is about
        Submitter(target, cluster.bearer_token, not_found).submit(hello(target), "w")
    assert set(headers) == {sent}
    assert len(headers) > 2


@pytest.mark.parametrize("kind", ["token", "tokenFile", "exec", "account"])
def test_a_kubeconfigs_token_is_stripped_for_kubernetes_and_for_argo(make_target, tmp_path, server, monkeypatch, kind):
    url, headers = server
    monkeypatch.delenv("HERA_ROLLOUT_ARGO_TOKEN", raising=False)
    value = f"Bearer {OPAQUE}\n"
    if kind == "account":
        target = make_target(argo_url=url)
        account(tmp_path, monkeypatch, value)
    else:
        target = make_target(argo_url=url, kubeconfig=kubeconfig(tmp_path, url, **user(tmp_path, kind, value)))
    connection = connections.load(target)
    if kind == "account":
        sent = connection._api.configuration.auth_settings()["BearerToken"]["value"]
        assert sent == f"Bearer {OPAQUE}"
    else:
        connection.get("/version")
    ArgoServer(target, connection.token).version()
    assert set(headers) == {f"Bearer {OPAQUE}"}


def user(folder: Path, kind: str, value: str) -> dict[str, object]:
    if kind == "tokenFile":
        (folder / "token").write_text(value)
        return {"tokenFile": str(folder / "token")}
    if kind == "exec":
        credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                      "status": {"token": value}}  # fmt: skip
        (folder / "credential").write_text(json.dumps(credential))
        run = {"apiVersion": "client.authentication.k8s.io/v1", "command": "cat", "interactiveMode": "Never",
               "args": [str(folder / "credential")]}  # fmt: skip
        return {"exec": run}
    return {"token": value}


def account(folder: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for variable, content in {"SERVICE_TOKEN_FILENAME": value, "SERVICE_CERT_FILENAME": "-"}.items():
        (folder / variable).write_text(content)
        monkeypatch.setattr(incluster_config, variable, str(folder / variable))
    for name, setting in {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "9"}.items():
        monkeypatch.setenv(name, setting)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.mark.parametrize(
    "bad",
    [
        f"{OPAQUE}\nmore",
        f"{OPAQUE}\x00x",
        f"{OPAQUE}ä…",
        f"{OPAQUE}\x1b[0m",
        "Bearer ",
        f"ARGO_TOKEN=Bearer {OPAQUE}",
        f"{OPAQUE[:9]}\u200b{OPAQUE}",
        "<no value>",
    ],
)
def test_a_token_that_no_header_can_carry_is_refused_and_never_printed(make_target, tmp_path, server, monkeypatch, bad):
    url, headers = server
    target = make_target(kubeconfig=kubeconfig(tmp_path, url, token=bad), argo_url=url)
    words = told(lambda: Cluster.connect(target))
    assert "kubeconfig" in words
    assert OPAQUE not in words
    good = make_target(kubeconfig=kubeconfig(tmp_path, url, token="sesame"), argo_url=url)
    cluster = Cluster.connect(good)
    if "\x00" not in bad:  # the environment cannot hold it
        monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", bad)
        headers.clear()
        words = told(lambda: ArgoServer(good, cluster.bearer_token).version())
        assert "HERA_ROLLOUT_ARGO_TOKEN" in words
        assert "What to do" in words
        assert OPAQUE not in words
        assert headers == []


def test_an_empty_line_in_the_variable_is_no_token(make_target, tmp_path, server, monkeypatch):
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", " \n")
    target = make_target(kubeconfig=kubeconfig(tmp_path, server[0], token="sesame"))
    assert Cluster.connect(target).bearer_token() == "sesame"


def test_an_error_that_quotes_a_header_masks_it():
    words = f"Invalid header value b'Bearer {OPAQUE}\\n'"
    for error in (Refused(words), Retryable("silent", why=words), Refused("no", expected=words, todo=words)):
        assert OPAQUE not in str(error) + error.seen + error.why + error.todo + error.expected
        assert MASK in str(error)


@pytest.mark.parametrize("value", [f"{OPAQUE}\n", f"Bearer {OPAQUE}", f"  bearer {OPAQUE}\r\n", f"'Bearer {OPAQUE}'",
                                   f"\ufeffAuthorization: Bearer {OPAQUE}\u200b", f'"{OPAQUE}"'])  # fmt: skip
def test_a_token_of_the_environment_is_masked_also_as_it_is_sent(monkeypatch, value):
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", value)
    assert OPAQUE not in Redactor().text(f"sent x{OPAQUE}x")
    for form in (quote(OPAQUE, safe=""), repr({"Authorization": OPAQUE}), b64encode(OPAQUE.encode()).decode()):
        assert OPAQUE[4:] not in Redactor().text(f"/x?key={form}&y")
        assert form not in Redactor().text(f"/x?key={form}&y")
