import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from kubernetes.config import incluster_config

from hera_rollout.cluster import Cluster
from hera_rollout.cluster import connection as connections
from hera_rollout.errors import Ambiguous, Missing, Refused, Retryable


def kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "sesame"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_missing_kubeconfig_is_a_refusal_with_the_fix(make_target, tmp_path):
    target = make_target(kubeconfig=str(tmp_path / "none"), commands={"start": "make lab"})
    with pytest.raises(Refused, match="There is no kubeconfig at") as caught:
        Cluster.connect(target)
    assert "make lab" in caught.value.todo


def test_a_missing_context_is_a_refusal_that_names_it(make_target, tmp_path):
    target = make_target(kubeconfig=str(kubeconfig(tmp_path, "http://127.0.0.1:9")), context="elsewhere")
    with pytest.raises(Refused, match="elsewhere"):
        Cluster.connect(target)


def test_a_broken_kubeconfig_is_a_refusal(make_target, tmp_path):
    path = tmp_path / "kubeconfig"
    path.write_text("{[")
    with pytest.raises(Refused, match="cannot be used"):
        Cluster.connect(make_target(kubeconfig=str(path)))


def test_the_kubeconfig_that_the_environment_names_is_named_where_it_is_broken(make_target, tmp_path, monkeypatch):
    path = tmp_path / "of-the-environment"
    path.write_text("{[")
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(Refused, match=f"The kubeconfig {path} cannot be used"):
        Cluster.connect(make_target())


def test_an_unreachable_server_is_refused_at_once(make_target, tmp_path, closed_url):
    target = make_target(kubeconfig=str(kubeconfig(tmp_path, closed_url)))
    with pytest.raises(Refused, match="did not answer") as caught:
        Cluster.connect(target)
    assert closed_url in caught.value.seen
    assert "0x" not in str(caught.value)


def test_a_server_that_never_answers_is_refused_within_the_limit(make_target, tmp_path, silent_url):
    began = time.monotonic()
    with pytest.raises(Refused, match="did not answer"):
        Cluster.connect(make_target(kubeconfig=str(kubeconfig(tmp_path, silent_url))))
    assert time.monotonic() - began < 20


@pytest.fixture
def in_pod(tmp_path, monkeypatch):
    """What a pod with a ServiceAccount finds: an address, a token and a CA; and no kubeconfig anywhere."""
    for variable, content in {"SERVICE_TOKEN_FILENAME": "sesame", "SERVICE_CERT_FILENAME": "-"}.items():
        (tmp_path / variable).write_text(content)
        monkeypatch.setattr(incluster_config, variable, str(tmp_path / variable))
    for name, value in {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path


def test_in_a_pod_the_pods_own_account_is_used(make_target, in_pod):
    connection = connections.load(make_target())
    assert (connection.host, connection.token()) == ("https://10.96.0.1:443", "sesame")


def test_in_a_pod_too_a_kubeconfig_that_is_named_comes_first(make_target, in_pod, monkeypatch):
    path = kubeconfig(in_pod, "http://127.0.0.1:9")
    assert connections.load(make_target(kubeconfig=str(path))).host == "http://127.0.0.1:9"
    assert connections.load(make_target(kubeconfig=str(path))).token() == "sesame"
    with pytest.raises(Refused, match="context here"):
        connections.load(make_target(context="here"))
    (in_pod / ".kube").mkdir()
    path.rename(in_pod / ".kube/config")
    assert connections.load(make_target()).host == "http://127.0.0.1:9"


def test_a_pod_without_an_account_is_told_what_it_lacks(make_target, in_pod):
    (in_pod / "SERVICE_TOKEN_FILENAME").unlink()
    with pytest.raises(Refused, match="no ServiceAccount") as caught:
        connections.load(make_target())
    assert "serviceAccountName" in caught.value.todo


@pytest.mark.slow
def test_reads_and_changes_differ_in_what_silence_means(make_target, tmp_path, silent_url):
    connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, silent_url))))
    with pytest.raises(Retryable):
        connection.get("/x")
    with pytest.raises(Ambiguous) as caught:
        connection.create("/x", {}, name="w")
    assert caught.value.name == "w"


def test_a_watch_of_a_silent_server_ends_in_time(make_target, tmp_path, silent_url):
    connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, silent_url))))
    began = time.monotonic()
    with pytest.raises(Retryable):
        list(connection.watch("/x", 0.5))
    assert time.monotonic() - began < 20


def test_a_certificate_that_is_not_trusted_is_refused_and_nothing_was_sent(make_target, tmp_path, answering):
    url = answering({}).replace("http://", "https://")  # answers, but not in TLS
    with pytest.raises(Refused, match="was not asked to: read its version") as caught:
        Cluster.connect(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
    assert "get its kubeconfig anew" in caught.value.todo


def test_a_watch_that_is_forbidden_says_so_and_one_too_old_just_ends(make_target, tmp_path, answering):
    url = answering({"/no": (403, '{"message": "cannot watch"}'), "/old": (410, '{"message": "too old"}')})
    connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
    with pytest.raises(Refused, match="cannot watch"):
        list(connection.watch("/no", 1))
    assert list(connection.watch("/old", 1)) == []


FORBIDDEN = (403, '{"message": "pods is forbidden"}')


@pytest.mark.parametrize(
    "paths", [{"/readyz": (500, "rbac is not ready")}, {"/readyz": FORBIDDEN, "/version": FORBIDDEN}]
)
def test_a_server_that_has_only_just_started_forbids_for_now_and_not_for_good(make_target, tmp_path, answering, paths):
    url = answering({"/no": FORBIDDEN, **paths})
    connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
    with pytest.raises(Retryable, match="has only just started"):
        connection.get("/no")
    with pytest.raises(Retryable, match="has only just started"):
        list(connection.watch("/no", 1))


def test_a_server_that_came_up_between_two_questions_is_asked_once_more(make_target, tmp_path, answering):
    class ComingUp(dict[str, tuple[int, str]]):
        def get(self, path, default=None):
            if path == "/readyz":
                self["/no"] = (200, '{"now": "allowed"}')
            return super().get(path, default)

    url = answering(ComingUp({"/no": FORBIDDEN, "/readyz": (200, "ok")}))
    connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
    assert connection.get("/no") == {"now": "allowed"}


def test_where_only_its_readiness_is_kept_from_us_a_missing_right_is_one(make_target, tmp_path, answering):
    url = answering({"/no": FORBIDDEN, "/readyz": FORBIDDEN, "/version": (200, "{}")})
    with pytest.raises(Refused, match="pods is forbidden"):
        connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, url)))).get("/no")


def test_a_connection_the_server_closed_meanwhile_costs_a_read_nothing_but_a_change_is_never_sent_twice(
    make_target, tmp_path
):
    seen: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        while len(seen) < 3:
            with closing(listener.accept()[0]) as peer:
                seen.append(peer.recv(65536))
                if len(seen) == 2:
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
        assert connection.get("/x") == {}
        with pytest.raises(Ambiguous):
            connection.create("/x", {}, name="w")
    assert [one.split()[0] for one in seen] == [b"GET", b"GET", b"POST"]


def test_answers_are_read_raw_and_errors_keep_the_reason(make_target, tmp_path, answering):
    url = answering(
        {
            "/version": (200, '{"gitVersion": "v1.35.4", "unknownField": {"_env": 1}}'),
            "/log": (200, "x" * 1000),
            "/no": (403, '{"message": "pods is forbidden"}'),
        }
    )
    connection = connections.load(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
    assert connection.get("/version")["unknownField"] == {"_env": 1}
    assert connection.text("/log", "logs", 10) == "x" * 10
    with pytest.raises(Refused, match="pods is forbidden"):
        connection.get("/no")
    with pytest.raises(Missing):
        connection.get("/nothing")
    assert connection.token() == "sesame"


def test_the_argo_token_of_the_environment_wins(make_target, tmp_path, answering, monkeypatch):
    url = answering({"/version": (200, '{"gitVersion": "v1.35.4"}')})
    cluster = Cluster.connect(make_target(kubeconfig=str(kubeconfig(tmp_path, url))))
    assert (cluster.version, cluster.bearer_token()) == ("v1.35.4", "sesame")
    monkeypatch.setenv("HERA_ROLLOUT_ARGO_TOKEN", "other")
    assert cluster.bearer_token() == "other"
