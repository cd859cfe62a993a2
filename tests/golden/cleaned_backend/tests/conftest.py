"""The service on SQLite, with a stand-in for the Argo Server."""

import importlib.util
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from reference_backend import watched
from reference_backend.app import create_app
from reference_backend.settings import Settings

_spec = importlib.util.spec_from_file_location("argo_stub", Path(__file__).parent / "argo_stub.py")
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)


@pytest.fixture
def argo():
    stub = _module.ArgoStub()
    yield stub
    stub.close()


class Folder:
    """A mounted ConfigMap that a test can change."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def put(self, **files):
        for file in self.path.iterdir():
            file.unlink()
        for name, text in files.items():
            (self.path / name.replace("_", "-")).write_text(str(text))


@pytest.fixture
def faults(tmp_path):
    return Folder(tmp_path / "faults")


@pytest.fixture
def make_settings(tmp_path, argo, faults):
    def make(**changes):
        values = {
            "database_url": f"sqlite:///{tmp_path / 'backend.db'}",
            "argo_server": argo.url,
            "argo_token": "secret-token",
            "faults_dir": faults.path,
            "collect_seconds": 0,
            "pod_name": "pod-1",
        }
        return Settings(**{**values, **changes})

    return make


@pytest.fixture
def make_client(make_settings, monkeypatch):
    monkeypatch.setattr(watched, "INTERVAL", 0.0)
    opened = []

    def make(**changes):
        client = TestClient(create_app(make_settings(**changes)), raise_server_exceptions=False)
        opened.append(client.__enter__())
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client):
    return make_client()


@pytest.fixture
def hera_client(make_client):
    return make_client()


@pytest.fixture
def submit():
    def post(client, code="print(1)", **fields):
        answer = client.post("/api/v1/tasks/submit", json={"pythonCode": code, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return post
