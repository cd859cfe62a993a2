"""What one submission makes of the cluster and the database, whatever the Argo Server does."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest


def test_answer_and_workflow(hera_client, submit, argo):
    answer = submit(hera_client)
    assert re.fullmatch(r"task-[0-9a-f]{12}", answer["id"])
    assert answer["workflowId"] == f"python-job-{answer['id']}-1-1"
    assert answer["runNumber"] == 1
    workflow = argo.workflows[answer["workflowId"]]
    assert workflow["metadata"]["labels"] == {
        "hera-rollout/path": "hera",
        "hera-rollout/task": answer["id"],
        "hera-rollout/run": "1",
    }
    assert workflow["metadata"]["annotations"]["hera-rollout/code-revision"].endswith("+hera-7.1.0")
    assert argo.creates()[0][3]["Authorization"] == "Bearer secret-token"


def test_rerun_counts_up_and_keeps_the_code(hera_client, submit, argo):
    first = submit(hera_client, "print('a')")
    second = hera_client.post("/api/v1/tasks/submit", json={"taskId": first["id"]}).json()
    third = submit(hera_client, "print('b')", taskId=first["id"])
    assert [second["runNumber"], third["runNumber"]] == [2, 3]
    code = [workflow["spec"]["templates"][0]["container"]["args"][0] for workflow in argo.workflows.values()]
    assert code == ["print('a')", "print('a')", "print('b')"]
    runs = hera_client.get(f"/api/v1/tasks/{first['id']}").json()["runs"]
    assert [(run["runNumber"], run["pythonCode"]) for run in runs] == [
        (3, "print('b')"),
        (2, "print('a')"),
        (1, "print('a')"),
    ]


def test_suspended_when_set(make_client, submit, argo):
    client = make_client(workflow_suspend=True)
    assert argo.workflows[submit(client)["workflowId"]]["spec"]["suspend"] is True


@pytest.mark.parametrize("trouble", ["drop-after", "drop-before", 500, 503])
def test_lost_answer_makes_one_workflow(hera_client, submit, argo, trouble):
    argo.trouble["POST"] = [trouble]
    answer = submit(hera_client)
    assert list(argo.workflows) == [answer["workflowId"]]
    assert hera_client.get(f"/api/v1/tasks/{answer['id']}").json()["runs"][0]["phase"] == "Pending"


def test_unknown_outcome_keeps_the_run_and_finds_the_workflow_later(hera_client, argo):
    argo.trouble = {"POST": ["drop-after"], "GET": [503]}
    answer = hera_client.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"})
    assert answer.status_code == 503
    assert "was created is not known" in answer.json()["detail"]
    (task,) = hera_client.get("/api/v1/tasks").json()["tasks"]
    argo.finish(f"python-job-{task['id']}-1-1")
    assert hera_client.get(f"/api/v1/tasks/{task['id']}").json()["runs"][0]["phase"] == "Succeeded"


@pytest.mark.parametrize(("status", "expected"), [(400, 400), (401, 503), (403, 503)])
def test_refusal_leaves_nothing_behind(hera_client, argo, status, expected):
    argo.trouble["POST"] = [status]
    answer = hera_client.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"})
    assert answer.status_code == expected
    assert f"stub says {status}" in answer.json()["detail"]
    assert ("ServiceAccount" in answer.json()["detail"]) == (status in {401, 403})
    assert hera_client.get("/api/v1/tasks").json()["tasks"] == []
    assert argo.workflows == {}


def test_argo_server_down_is_503_at_once_and_leaves_nothing(hera_client, argo):
    argo.close()
    answer = hera_client.post("/api/v1/tasks/submit", json={"pythonCode": "print(1)"})
    assert answer.status_code == 503
    assert "cannot be reached" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "5"
    assert hera_client.get("/api/v1/tasks").json()["tasks"] == []


def test_name_taken_by_other_work_moves_to_the_next_attempt(hera_client, submit, argo):
    first = submit(hera_client)
    argo.workflows[f"python-job-{first['id']}-2-1"] = {"metadata": {"name": "x", "uid": "u", "annotations": {}}}
    second = submit(hera_client, taskId=first["id"])
    assert second["workflowId"] == f"python-job-{first['id']}-2-2"
    assert hera_client.get(f"/api/v1/tasks/{first['id']}").json()["runs"][0]["workflowId"] == second["workflowId"]


def test_failed_rerun_keeps_the_task(hera_client, submit, argo):
    first = submit(hera_client)
    argo.trouble["POST"] = [403]
    assert hera_client.post("/api/v1/tasks/submit", json={"taskId": first["id"]}).status_code == 503
    assert [run["runNumber"] for run in hera_client.get(f"/api/v1/tasks/{first['id']}").json()["runs"]] == [1]


def test_idempotency_key_answers_the_same_run(hera_client, argo):
    body, headers = {"pythonCode": "print(1)"}, {"Idempotency-Key": "k1"}
    answers = [hera_client.post("/api/v1/tasks/submit", json=body, headers=headers).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(argo.workflows) == 1
    other = hera_client.post("/api/v1/tasks/submit", json={"pythonCode": "print(2)"}, headers=headers)
    assert other.status_code == 409


def test_concurrent_reruns_get_numbers_of_their_own(hera_client, submit, argo):
    first = submit(hera_client)
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda _: hera_client.post("/api/v1/tasks/submit", json={"taskId": first["id"]}), range(8))
        )
    numbers = [answer.json()["runNumber"] for answer in answers if answer.status_code == 200]
    assert len(set(numbers)) == len(numbers)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(argo.workflows) == len(numbers) + 1


def test_deleted_while_being_created_leaves_no_orphan(hera_client, submit, argo):
    task_id = submit(hera_client)["id"]
    argo.delay = 0.5
    with ThreadPoolExecutor(1) as pool:
        rerun = pool.submit(hera_client.post, "/api/v1/tasks/submit", json={"taskId": task_id})
        while len(argo.creates()) < 2:
            pass
        hera_client.app.state.services.rows.delete(task_id)
    assert rerun.result().status_code == 409
    assert f"python-job-{task_id}-2-1" not in argo.workflows


def test_unreadable_answer_is_looked_up_not_repeated(hera_client, submit, argo, monkeypatch):
    from hera.workflows import WorkflowsService

    real = WorkflowsService.create_workflow

    def garbled(self, *args, **kwargs):
        real(self, *args, **kwargs)
        raise ValueError("Expecting value: line 1 column 1")

    monkeypatch.setattr(WorkflowsService, "create_workflow", garbled)
    submit(hera_client)
    assert len(argo.workflows) == 1
    assert len(argo.creates()) == 1
