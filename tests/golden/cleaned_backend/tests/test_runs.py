"""Phases, logs, cancel and delete over a run's life."""

import time

import pytest


@pytest.fixture
def task(client, submit):
    return submit(client, "print('hello')")


def detail(client, task):
    return client.get(f"/api/v1/tasks/{task['id']}").json()


def test_phase_follows_the_workflow(client, task, argo):
    assert detail(client, task)["runs"][0]["phase"] == "Pending"
    argo.running(task["workflowId"])
    run = detail(client, task)["runs"][0]
    assert (run["phase"], run["startedAt"], run["finishedAt"]) == ("Running", "2026-01-01T00:00:00Z", None)
    argo.finish(task["workflowId"])
    run = detail(client, task)["runs"][0]
    assert (run["phase"], run["finishedAt"]) == ("Succeeded", "2026-01-01T00:00:05Z")
    (listed,) = client.get("/api/v1/tasks").json()["tasks"]
    assert listed == {
        "id": task["id"],
        "phase": "Succeeded",
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:05Z",
        "createdAt": listed["createdAt"],
        "pythonCode": "print('hello')",
        "dependencies": None,
        "runCount": 1,
        "latestRunNumber": 1,
    }


def test_many_runs_are_refreshed_by_one_list(client, submit, argo):
    for task in [submit(client) for _ in range(15)]:
        argo.finish(task["workflowId"])
    argo.requests.clear()
    phases = {task["phase"] for task in client.get("/api/v1/tasks").json()["tasks"]}
    assert phases == {"Succeeded"}
    assert len(argo.requests) == 1


def test_argo_down_says_stale_and_serves_what_is_known(client, task, argo):
    argo.close()
    answer = detail(client, task)
    assert answer["runs"][0]["phase"] == "Pending"
    assert "cannot be reached" in answer["stale"]
    assert "cannot be reached" in client.get("/api/v1/tasks").json()["stale"]


def test_logs_from_cluster_then_database_then_after_deletion(client, task, argo):
    name, url = task["workflowId"], f"/api/v1/tasks/{task['id']}/logs"
    assert client.get(url).json() == {"logs": [], "source": "kubernetes", "runId": 1, "runNumber": 1, "detail": None}
    argo.running(name, "one\n")
    entry = {"node": name, "pod": name, "phase": "Running", "logs": "one"}
    assert client.get(url).json()["logs"] == [entry]
    argo.finish(name, log="one\ntwo\n")
    final = [{**entry, "phase": "Succeeded", "logs": "one\ntwo"}]
    assert (client.get(url).json()["source"], client.get(url).json()["source"]) == ("kubernetes", "database")
    del argo.workflows[name]
    assert client.get(url).json()["logs"] == final
    assert client.get(f"/api/v1/tasks/{task['id']}/runs/1/logs").json()["logs"] == final
    assert detail(client, task)["runs"][0]["phase"] == "Succeeded"


def test_the_executors_chatter_is_not_output(client, task, argo):
    chatter = 'time=2026-11-24T23:40:25.5Z level=INFO msg="sub-process exited" argo=true error=<nil>\n'
    failure = 'time=2026-11-24T23:40:25.5Z level=ERROR msg="no such program" argo=true\n'
    argo.finish(task["workflowId"], log=chatter + "42\n" + failure + "argo=true\n")
    logs = client.get(f"/api/v1/tasks/{task['id']}/logs").json()["logs"]
    assert logs[0]["logs"] == "42\n" + failure + "argo=true"


def test_collector_keeps_what_nobody_asked_for(client, task, argo):
    argo.finish(task["workflowId"], log="kept\n")
    client.app.state.services.collector.collect()
    del argo.workflows[task["workflowId"]]
    assert detail(client, task)["runs"][0]["phase"] == "Succeeded"
    assert client.get(f"/api/v1/tasks/{task['id']}/logs").json()["logs"][0]["logs"] == "kept"


def test_collector_thread_works_by_itself(make_client, submit, argo):
    client = make_client(collect_seconds=0.05)
    task = submit(client)
    argo.finish(task["workflowId"], log="kept\n")
    deadline = time.monotonic() + 10
    while not client.app.state.services.rows.saved_logs(1):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_logs_of_a_running_run_with_argo_down(client, task, argo):
    argo.close()
    answer = client.get(f"/api/v1/tasks/{task['id']}/logs")
    assert answer.status_code == 503
    assert (answer.json()["source"], answer.json()["logs"]) == ("error", [])
    assert "cannot be reached" in answer.json()["detail"]


def test_workflow_deleted_while_running_ends_in_error(client, task, argo, monkeypatch):
    from datetime import timedelta

    from reference_backend import states

    del argo.workflows[task["workflowId"]]
    assert detail(client, task)["runs"][0]["phase"] == "Pending"
    monkeypatch.setattr(states, "GRACE", timedelta(0))
    run = detail(client, task)["runs"][0]
    assert run["phase"] == "Error"
    assert "neither in the cluster nor in the archive" in run["message"]


def test_cancel_stops_and_keeps_the_evidence(client, task, argo):
    argo.running(task["workflowId"], "so far\n")
    answer = client.delete(f"/api/v1/tasks/{task['id']}")
    assert answer.json() == {"status": "cancelled", "id": task["id"]}
    run = detail(client, task)["runs"][0]
    assert run["phase"] == "Failed"
    assert "Stopped with strategy 'Stop'" in run["message"]
    assert task["workflowId"] in argo.workflows
    assert client.get(f"/api/v1/tasks/{task['id']}/logs").json()["logs"][0]["logs"] == "so far"


def test_cancel_with_nothing_running(client, task, argo):
    argo.finish(task["workflowId"])
    answer = client.delete(f"/api/v1/tasks/{task['id']}")
    assert answer.status_code == 409
    assert "run 1 is Succeeded" in answer.json()["detail"]


def test_cancel_and_delete_with_argo_down_change_nothing(client, task, argo):
    argo.close()
    for tail in ("", "/delete"):
        answer = client.delete(f"/api/v1/tasks/{task['id']}{tail}")
        assert answer.status_code == 503
    assert len(detail(client, task)["runs"]) == 1


def test_delete_takes_everything(client, submit, task, argo):
    argo.finish(task["workflowId"])
    client.get(f"/api/v1/tasks/{task['id']}/logs")
    submit(client, taskId=task["id"])
    other = submit(client)
    # An orphan of this task, of which the database knows nothing, goes too.
    orphan = {"metadata": {"name": "orphan", "labels": {"hera-rollout/task": task["id"]}}}
    argo.workflows["orphan"] = orphan
    answer = client.delete(f"/api/v1/tasks/{task['id']}/delete").json()
    assert answer == {
        "status": "deleted",
        "id": task["id"],
        "runs_deleted": 2,
        "logs_deleted": 1,
        "workflows_deleted": 3,
    }
    assert list(argo.workflows) == [other["workflowId"]]
    assert client.get(f"/api/v1/tasks/{task['id']}").status_code == 404


def test_template_is_the_document_as_written(client, task, argo):
    import yaml

    answer = client.get(f"/api/v1/tasks/{task['id']}/runs/1/template").json()
    assert answer["workflowId"] == task["workflowId"]
    assert yaml.safe_load(answer["yaml"])["spec"] == argo.workflows[task["workflowId"]]["spec"]


def test_one_run(client, task):
    assert client.get(f"/api/v1/tasks/{task['id']}/runs/1").json()["workflowId"] == task["workflowId"]


def test_websocket_frames(client, task, argo):
    name = task["workflowId"]
    argo.running(name, "one\n")
    with client.websocket_connect(f"/ws/tasks/{task['id']}/logs") as socket:
        entry = {"node": name, "pod": name, "phase": "Running", "logs": "one"}
        assert socket.receive_json() == {"type": "logs", "data": [entry], "workflow_phase": "Running"}
        argo.finish(name, log="one\ntwo\n")
        last = socket.receive_json()
        assert (last["data"][0]["logs"], last["workflow_phase"]) == ("one\ntwo", "Succeeded")
        assert socket.receive_json() == {"type": "complete", "workflow_phase": "Succeeded"}
        assert socket.receive()["type"] == "websocket.close"


def test_websocket_of_an_unknown_task(client):
    for task_id in ("task-0123456789ab", "x"):
        with client.websocket_connect(f"/ws/tasks/{task_id}/logs") as socket:
            frame = socket.receive_json()
            assert frame["type"] == "error"
            assert task_id in frame["message"]
            assert socket.receive()["code"] == 4404


def test_websocket_with_argo_down(client, task, argo):
    argo.close()
    with client.websocket_connect(f"/ws/tasks/{task['id']}/logs") as socket:
        assert "cannot be reached" in socket.receive_json()["message"]
        assert socket.receive()["code"] == 1011
