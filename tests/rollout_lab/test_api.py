"""The client of the API server, against a real TLS server with the lab's own certificates."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from rollout_lab import api, certificates, cluster, status
from rollout_lab.api import Api
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths


class Server(http.server.BaseHTTPRequestHandler):
    """Answers by path and keeps what it was asked."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []
    answers: ClassVar[dict[str, tuple[int, Any]]] = {}

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append((self.command, self.path, dict(self.headers), body))
        code, document = self.answers.get(self.path.partition("?")[0], (404, {"message": "not found"}))
        content = document.encode() if isinstance(document, str) else json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Server]]:
    certificates.ensure(paths.certificates)
    Server.asked, Server.answers = [], {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(paths.certificates / "server.crt", paths.certificates / "server.key")
    context.load_verify_locations(paths.certificates / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as found:
        found.socket = context.wrap_socket(found.socket, server_side=True)
        threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(api, "API_SERVER", f"https://127.0.0.1:{found.server_address[1]}")
        yield Server
        found.shutdown()


def test_object_that_is_not_there_is_none(paths: Paths, server: type[Server]) -> None:
    with Api(paths) as client:
        assert client.get("/api/v1/nodes/lab") is None
        assert client.metadata("/api/v1/nodes/lab") is None


def test_apply_is_server_side_forced_and_under_our_name(paths: Paths, server: type[Server]) -> None:
    server.answers["/api/v1/namespaces/argo/configmaps/x"] = (200, {"metadata": {}})
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    with Api(paths) as client:
        client.apply(document)
    method, path, headers, body = server.asked[0]
    assert method == "PATCH"
    assert path.endswith("?fieldManager=rollout-lab&force=true")
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(body) == document


def test_refusal_is_one_short_sentence_with_the_servers_reason(paths: Paths, server: type[Server]) -> None:
    server.answers["/api/v1/namespaces/argo"] = (403, {"message": "forbidden: " + "x" * 5000})
    with Api(paths) as client, pytest.raises(LabError) as refused:
        client.get("/api/v1/namespaces/argo")
    assert str(refused.value).startswith("The API server refused GET /api/v1/namespaces/argo (403): forbidden: xxx")
    assert len(str(refused.value)) < 400


def test_api_server_that_is_away_is_one_sentence(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure(paths.certificates)
    monkeypatch.setattr(api, "API_SERVER", "https://127.0.0.1:1")
    with Api(paths) as client, pytest.raises(LabError, match=r"did not answer GET /x: ConnectError.*rollout-lab up"):
        client.get("/x")


def test_api_server_that_hangs_is_not_waited_for_without_end(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure(paths.certificates)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(api, "API_SERVER", f"https://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with Api(paths, seconds=0.3) as client, pytest.raises(LabError, match="Timeout"):
            client.get("/x")
    assert time.monotonic() - began < 20


def test_waiting_has_a_deadline_and_says_for_what(paths: Paths, server: type[Server]) -> None:
    with Api(paths) as client, pytest.raises(LabError, match=r"Waited 0 s for this, in vain: The node being ready"):
        client.wait("The node being ready", lambda: cluster.node_ready(client), 0.2)


def deployment(generation: int, observed: int, ready: int, updated: int) -> dict[str, Any]:
    status = {"observedGeneration": observed, "readyReplicas": ready, "updatedReplicas": updated}
    return {"metadata": {"generation": generation}, "spec": {"replicas": 2}, "status": status}


@pytest.mark.parametrize(
    ("found", "ready"),
    [
        (deployment(3, 3, 2, 2), True),
        (deployment(4, 3, 2, 2), False),
        (deployment(3, 3, 3, 1), False),
        (deployment(3, 3, 1, 2), False),
    ],
    ids=["ready", "change not seen yet", "old pods still serve", "one not ready"],
)
def test_deployment_is_ready_when_its_newest_pods_are(
    paths: Paths, server: type[Server], found: Any, ready: bool
) -> None:
    server.answers["/apis/apps/v1/namespaces/argo/deployments/backend"] = (200, found)
    with Api(paths) as client:
        assert cluster.deployment_ready(client, "backend") is ready


def test_crd_that_is_the_same_is_not_sent_again(paths: Paths, server: type[Server]) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/workflows.argoproj.io"
    body = b'{"metadata":{"annotations":{"rollout-lab/content":"abc123"}}}'
    server.answers[path] = (200, {"metadata": {"annotations": {"rollout-lab/content": "abc123"}}})
    with Api(paths) as client:
        cluster._apply_crd(client, "workflows.argoproj.io", body)
        assert [one[0] for one in server.asked] == ["GET"]
        server.answers[path] = (200, {"metadata": {"annotations": {"rollout-lab/content": "0ther"}}})
        server.answers[path.rpartition("/")[0]] = (409, {"message": "exists"})
        cluster._apply_crd(client, "workflows.argoproj.io", body)
    assert [one[0] for one in server.asked] == ["GET", "GET", "POST", "PATCH"]


def test_status_without_api_server_says_so_for_each_part(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure(paths.certificates)
    monkeypatch.setattr(api, "API_SERVER", "https://127.0.0.1:1")
    lines = status.pod_lines(paths)
    assert {line.name for line in lines} == {"argo-server", "workflow-controller", "dns", "node"}
    assert {line.state for line in lines} == {"down"}


def test_status_of_a_lab_that_was_never_up_says_so(paths: Paths) -> None:
    assert {line.state for line in status.pod_lines(paths)} == {"down"}
