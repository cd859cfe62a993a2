"""The service itself: metrics, deadlines, the database, and what happens without it."""

import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from reference_backend import database
from reference_backend.settings import Settings
from reference_backend.tables import Base


def sample(client, name, **labels):
    """The sum over all series with these labels."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name + "{")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(part in line for part in wanted))


def test_healthz(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"], answer.json()["pod"]) == (200, "ok", "pod-1")


def test_requests_are_counted_by_template_status_and_path(hera_client, submit):
    submitted = {"route": "/api/v1/tasks/submit", "status": "200", "path": "hera", "method": "POST"}
    read = {"route": "/api/v1/tasks/{task_id}", "status": "200", "path": "none"}
    missing = {"route": "/api/v1/tasks/{task_id}", "status": "404"}
    names = ("backend_http_requests_total",) * 3
    before = [
        sample(hera_client, name, **labels) for name, labels in zip(names, (submitted, read, missing), strict=True)
    ]
    for _ in range(3):
        hera_client.get(f"/api/v1/tasks/{submit(hera_client)['id']}")
    hera_client.get("/api/v1/tasks/x")
    after = [
        sample(hera_client, name, **labels) for name, labels in zip(names, (submitted, read, missing), strict=True)
    ]
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 3, 1]


def test_creations_by_path(client, submit, argo):
    before = [sample(client, "backend_workflow_creations_total", path="hera", outcome=o) for o in ("created", "error")]
    count = sample(client, "backend_workflow_creation_seconds_count", path="hera")
    submit(client)
    argo.trouble["POST"] = [403]
    client.post("/api/v1/tasks/submit", json={"pythonCode": "x"})
    after = [sample(client, "backend_workflow_creations_total", path="hera", outcome=o) for o in ("created", "error")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]
    assert sample(client, "backend_workflow_creation_seconds_count", path="hera") == count + 2


def test_unknown_addresses_make_one_series(client):
    before = sample(client, "backend_http_requests_total", route="unmatched")
    for number in range(3):
        assert client.get(f"/nothing/{number}").status_code == 404
    assert sample(client, "backend_http_requests_total", route="unmatched") == before + 3


def test_a_request_that_hangs_is_given_up(make_client, argo):
    client = make_client(request_seconds=0.3)
    argo.delay = 2
    started = time.monotonic()
    answer = client.post("/api/v1/tasks/submit", json={"pythonCode": "x"})
    assert answer.status_code == 503
    assert "No answer within 0.3 s" in answer.json()["detail"]
    assert time.monotonic() - started < 1.5


def test_argo_that_does_not_answer_is_503(make_client, argo, monkeypatch):
    from reference_backend import argo_session

    monkeypatch.setattr(argo_session, "READ_SECONDS", 0.2)
    argo.delay = 1
    client = make_client()
    answer = client.post("/api/v1/tasks/submit", json={"pythonCode": "x"})
    assert answer.status_code == 503
    assert "timed out" in answer.json()["detail"]


def test_no_argo_server_configured(make_client, monkeypatch):
    monkeypatch.delenv("ARGO_SERVER_SERVICE_HOST", raising=False)
    client = make_client(argo_server="")
    answer = client.post("/api/v1/tasks/submit", json={"pythonCode": "x"})
    assert answer.status_code == 503
    assert "set ARGO_SERVER" in answer.json()["detail"]


def test_database_down_is_503_with_the_reason(make_client):
    client = make_client(database_url="postgresql://u:p@127.0.0.1:1/x")
    assert client.get("/healthz").status_code == 200
    for answer in (client.get("/api/v1/tasks"), client.post("/api/v1/tasks/submit", json={"pythonCode": "x"})):
        assert answer.status_code == 503
        assert "database does not answer" in answer.json()["detail"]
        assert "p@" not in answer.text


def test_migrations_make_exactly_the_tables(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.begin() as connection:
        database.upgrade(connection)
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        database.upgrade(connection)
    assert {"tasks", "task_runs", "task_logs"} <= set(inspect(engine).get_table_names())


def test_data_outlive_the_process(make_client, submit):
    task = submit(make_client())
    assert make_client().get(f"/api/v1/tasks/{task['id']}").json()["runs"][0]["workflowId"] == task["workflowId"]


def test_cors(make_client):
    client = make_client(cors_origins="http://a.example, http://b.example")
    answer = client.get("/healthz", headers={"Origin": "http://b.example"})
    assert answer.headers["access-control-allow-origin"] == "http://b.example"


@pytest.mark.parametrize("url", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"])
def test_driver_is_named(url):
    assert Settings(database_url=url).sqlalchemy_url() == "postgresql+psycopg://u@h/d"


def test_argo_address_from_the_service_variables(monkeypatch):
    monkeypatch.setenv("ARGO_SERVER_SERVICE_HOST", "10.96.0.7")
    monkeypatch.setenv("ARGO_SERVER_SERVICE_PORT", "2746")
    assert Settings(argo_server="").argo_url() == "http://10.96.0.7:2746"
    assert Settings(argo_server="https://argo/x/").argo_url() == "https://argo/x"


def test_token_is_read_anew(tmp_path, make_settings):
    from reference_backend.argo_session import ArgoSession

    session = ArgoSession(make_settings(argo_token=None, service_account_dir=tmp_path))
    assert session.token() == ""
    for token in ("one", "two"):
        (tmp_path / "token").write_text(token + "\n")
        assert session.token() == token


@pytest.mark.parametrize(("name", "value"), [("BACKEND_DIALECT", "three-step"), ("DATABASE_URL", "nonsense")])
def test_an_environment_that_does_not_fit_is_told_in_words(monkeypatch, name, value):
    from reference_backend.__main__ import main

    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="environment does not fit"):
        main()
