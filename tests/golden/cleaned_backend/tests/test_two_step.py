"""The later dialect: submit saves, run starts."""

import pytest


@pytest.fixture
def later(make_client):
    return make_client(backend_dialect="two-step")


def test_submit_saves_and_run_starts(later, argo):
    saved = later.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"}).json()
    assert saved.keys() == {"id", "message"}
    assert argo.workflows == {}
    (listed,) = later.get("/api/v1/tasks").json()["tasks"]
    assert (listed["phase"], listed["runCount"], listed["latestRunNumber"]) == ("Not Started", 0, None)
    started = later.post(f"/api/v1/tasks/{saved['id']}/run").json()
    assert started == {
        "id": saved["id"],
        "workflowId": f"python-job-{saved['id']}-1-1",
        "runNumber": 1,
        "message": "Run 1 started",
    }
    assert list(argo.workflows) == [started["workflowId"]]


def test_run_is_refused_while_one_is_active(later, argo):
    task_id = later.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"}).json()["id"]
    first = later.post(f"/api/v1/tasks/{task_id}/run").json()["workflowId"]
    for set_phase in (lambda: None, lambda: argo.running(first)):
        set_phase()
        answer = later.post(f"/api/v1/tasks/{task_id}/run")
        assert answer.status_code == 400
        assert "Run 1" in answer.json()["detail"]
    argo.finish(first)
    assert later.post(f"/api/v1/tasks/{task_id}/run").json()["runNumber"] == 2


def test_submitting_again_changes_the_saved_code(later, argo):
    task_id = later.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)", "dependencies": "six"}).json()["id"]
    later.post("/api/v1/tasks/submit", json={"pythonCode": "print(2)", "dependencies": None, "taskId": task_id})
    name = later.post(f"/api/v1/tasks/{task_id}/run").json()["workflowId"]
    assert argo.workflows[name]["spec"]["templates"][0]["container"]["args"] == ["print(2)"]


def test_no_logs_and_no_cancel_before_the_first_run(later):
    task_id = later.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"}).json()["id"]
    assert later.get(f"/api/v1/tasks/{task_id}/logs").status_code == 404
    assert later.delete(f"/api/v1/tasks/{task_id}").status_code == 409
    assert later.delete(f"/api/v1/tasks/{task_id}/delete").json()["runs_deleted"] == 0


def test_idempotency_key_on_run(later, argo):
    task_id = later.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"}).json()["id"]
    answers = [later.post(f"/api/v1/tasks/{task_id}/run", headers={"Idempotency-Key": "k"}).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(argo.workflows) == 1


def test_failed_run_leaves_the_task(later, argo):
    task_id = later.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"}).json()["id"]
    argo.trouble["POST"] = [403]
    assert later.post(f"/api/v1/tasks/{task_id}/run").status_code == 503
    assert later.get(f"/api/v1/tasks/{task_id}").json()["runs"] == []


def test_run_in_the_first_dialect_is_not_found(client, submit):
    answer = client.post(f"/api/v1/tasks/{submit(client)['id']}/run")
    assert answer.status_code == 404
    assert "one-step" in answer.json()["detail"]
