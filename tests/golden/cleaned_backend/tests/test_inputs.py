"""Bad input: the right status, the reason, and nothing touched."""

import pytest

FORBIDDEN = ("a;b", "a&&b", "a||b", "a`b`", "a$(b)")


@pytest.mark.parametrize("dependencies", FORBIDDEN)
def test_shell_signs_in_dependencies(client, argo, dependencies):
    answer = client.post("/api/v1/tasks/submit", json={"pythonCode": "x", "dependencies": dependencies})
    assert answer.status_code == 400
    assert "dependencies contain" in answer.json()["detail"]
    assert argo.requests == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"pythonCode": "x", "dependencies": "a" * 10_001}, "10000"),
        ({"pythonCode": "x", "requirementsFile": "a" * 50_001}, "50000"),
        ({"pythonCode": "x" * 120_001}, "120000"),
        ({"pythonCode": "  "}, "empty"),
        ({"pythonCode": "a\0b"}, "NUL"),
        ({"pythonCode": "x", "requirementsFile": "a\0b"}, "NUL"),
    ],
)
def test_content_that_cannot_work(client, argo, body, word):
    answer = client.post("/api/v1/tasks/submit", json=body)
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["detail"]
    assert argo.requests == []
    assert client.get("/api/v1/tasks").json()["tasks"] == []


def test_at_the_limit_is_fine(client, submit):
    submit(client, "#" * 120_000, dependencies="a" * 10_000, requirementsFile="a" * 50_000)


@pytest.mark.parametrize(
    "body", [{}, {"pythonCode": None}, {"pythonCode": 3}, {"pythonCode": "x", "dependencies": ["six"]}, []]
)
def test_wrong_shape(client, body):
    assert client.post("/api/v1/tasks/submit", json=body).status_code == 422


def test_no_json(client):
    answer = client.post("/api/v1/tasks/submit", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422


@pytest.mark.parametrize("task_id", ["task-0123456789ab", "x", "task-0123456789AB", "task-0123456789ab'--", "%00"])
@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("GET", "/logs"),
        ("GET", "/runs/1/logs"),
        ("GET", "/runs/1/template"),
        ("DELETE", ""),
        ("DELETE", "/delete"),
    ],
)
def test_unknown_task(client, task_id, method, tail):
    assert client.request(method, f"/api/v1/tasks/{task_id}{tail}").status_code == 404


def test_unknown_task_to_rerun(client):
    for task_id in ("task-0123456789ab", "nonsense"):
        answer = client.post("/api/v1/tasks/submit", json={"pythonCode": "x", "taskId": task_id})
        assert answer.status_code == 404


def test_unknown_run(client, submit):
    task_id = submit(client)["id"]
    assert "its latest is 1" in client.get(f"/api/v1/tasks/{task_id}/runs/7/logs").json()["detail"]
    assert client.get(f"/api/v1/tasks/{task_id}/logs?run_number=7").status_code == 404
    assert client.get(f"/api/v1/tasks/{task_id}/logs?run_number=x").status_code == 422
