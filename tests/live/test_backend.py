"""The backend in the lab, as the operator: real workflows on both paths and in both dialects, to the end."""

import hashlib
import json
import threading
import time

import httpx
import pytest
from websockets.sync.client import connect

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

FINISHED = {"Succeeded", "Failed", "Error"}
PACKAGES = "import humanize, six; print(humanize.intcomma(1234567), six.PY3)"
LONG = "import time\nprint('started', flush=True)\ntime.sleep(120)"


def client(lab):
    return httpx.Client(base_url=f"{lab.backend_url}/api/v1/tasks", timeout=30)


def run_task(http, dialect, **body):
    """Submit in either dialect; id, workflow's name and run number."""
    answer = http.post("/submit", json=body)
    assert answer.status_code == 200, answer.text
    if dialect == "two-step":
        assert "workflowId" not in answer.json()
        answer = http.post(f"/{answer.json()['id']}/run")
        assert answer.status_code == 200, answer.text
    return answer.json()


def wait_run(http, task_id, number=1, seconds=90, phases=FINISHED):
    deadline = time.monotonic() + seconds
    while True:
        runs = http.get(f"/{task_id}").json()["runs"]
        run = next(run for run in runs if run["runNumber"] == number)
        if run["phase"] in phases:
            return run
        assert time.monotonic() < deadline, run
        time.sleep(0.3)


def output(http, task_id, number=1):
    answer = http.get(f"/{task_id}/runs/{number}/logs").json()
    assert answer["runNumber"] == number
    return "\n".join(entry["logs"] for entry in answer["logs"])


def frames(lab, task_id):
    """All frames of the WebSocket up to its close."""
    with connect(f"{lab.backend_url.replace('http', 'ws')}/ws/tasks/{task_id}/logs", open_timeout=10) as socket:
        return [json.loads(frame) for frame in socket]


def path_of(lab, name):
    return lab.operator.workflow(name)["metadata"]["labels"]["hera-rollout/path"]


def side(task_id, percent):
    """The contract's split, written down once more and on its own."""
    bucket = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:8], "big") % 10_000
    return "hera" if bucket < percent * 100 else "yaml"


# --- functional scenarios -------------------------------------------------------------------------------------------


class Scenario:
    """All six scenarios at once on one path in one dialect: submitted together, looked at one by one."""

    def __init__(self, lab, dialect, path):
        self.lab, self.dialect, self.path = lab, dialect, path
        self.http = client(lab)
        mark = f"{dialect}-{path}"
        self.simple = self.run(pythonCode=f"print('simple {mark}'); open('/mnt/results/{mark}', 'w').write('kept')")
        self.packages = self.run(pythonCode=PACKAGES, dependencies="six, humanize")
        self.requirements = self.run(pythonCode="import six; print(six.__version__)", requirementsFile="six==1.17.0\n")
        self.long = self.run(pythonCode=LONG)
        self.doomed = self.run(pythonCode="print('to be deleted')")
        self.socket = []
        self.listener = threading.Thread(target=lambda: self.socket.extend(frames(lab, self.long["id"])), daemon=True)
        self.listener.start()

    def run(self, **body):
        return run_task(self.http, self.dialect, **body)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((dialect, path), marks=[pytest.mark.soak] * (dialect == "two-step"), id=f"{dialect}-{path}")
        for dialect in ("one-step", "two-step")  # the second one's own suite, foreign backend and trial are quicker
        for path in ("yaml", "hera")
    ],
)
def scenario(request, lab):
    dialect, path = request.param
    lab.clean()
    lab.set_env(BACKEND_DIALECT=dialect)
    lab.set_flag(path == "hera", 100)
    yield Scenario(lab, dialect, path)
    lab.clean()


def test_simple(scenario, lab):
    http, task = scenario.http, scenario.simple
    assert wait_run(http, task["id"])["phase"] == "Succeeded"
    text = f"simple {scenario.dialect}-{scenario.path}"
    assert output(http, task["id"]) == text
    last = frames(lab, task["id"])
    assert [frame["type"] for frame in last] == ["logs", "complete"]
    assert last[0]["data"][0]["logs"] == text
    assert last[1]["workflow_phase"] == "Succeeded"
    assert path_of(lab, task["workflowId"]) == scenario.path


def test_with_dependencies(scenario):
    assert wait_run(scenario.http, scenario.packages["id"])["phase"] == "Succeeded"
    assert output(scenario.http, scenario.packages["id"]) == "1,234,567 True"


def test_with_requirements_file(scenario):
    assert wait_run(scenario.http, scenario.requirements["id"])["phase"] == "Succeeded"
    assert output(scenario.http, scenario.requirements["id"]) == "1.17.0"


def test_rerun(scenario, lab):
    http, task_id = scenario.http, scenario.simple["id"]
    wait_run(http, task_id)
    code = f"print(open('/mnt/results/{scenario.dialect}-{scenario.path}').read(), 'again')"
    again = run_task(http, scenario.dialect, taskId=task_id, pythonCode=code)
    assert (again["id"], again["runNumber"]) == (task_id, 2)
    assert wait_run(http, task_id, 2)["phase"] == "Succeeded"
    assert output(http, task_id, 2) == "kept again"
    assert output(http, task_id, 1).startswith("simple")
    assert path_of(lab, again["workflowId"]) == scenario.path


def test_cancel(scenario, lab):
    http, task = scenario.http, scenario.long
    wait_run(http, task["id"], phases={"Running"})
    deadline = time.monotonic() + 30
    while "started" not in output(http, task["id"]):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    if scenario.dialect == "two-step":
        refused = http.post(f"/{task['id']}/run")
        assert (refused.status_code, "Running" in refused.text) == (400, True)
    assert http.delete(f"/{task['id']}").json() == {"status": "cancelled", "id": task["id"]}
    run = wait_run(http, task["id"])
    assert (run["phase"], "Stop" in run["message"]) == ("Failed", True)
    assert lab.operator.workflow(task["workflowId"])["spec"]["shutdown"] == "Stop"
    assert output(http, task["id"]).startswith("started")
    assert http.delete(f"/{task['id']}").status_code == 409
    scenario.listener.join(20)
    assert scenario.socket[-1] == {"type": "complete", "workflow_phase": "Failed"}
    assert any(frame["type"] == "logs" and frame["workflow_phase"] == "Running" for frame in scenario.socket)


def test_delete(scenario, lab):
    http, task = scenario.http, scenario.doomed
    wait_run(http, task["id"])
    assert output(http, task["id"]) == "to be deleted"
    answer = http.delete(f"/{task['id']}/delete").json()
    assert answer == {
        "status": "deleted",
        "id": task["id"],
        "runs_deleted": 1,
        "logs_deleted": 1,
        "workflows_deleted": 1,
    }
    assert http.get(f"/{task['id']}").status_code == 404
    assert lab.operator.workflows(f"hera-rollout/task={task['id']}") == []
    assert lab.query("SELECT count(*) FROM task_runs WHERE task_id = %s", task["id"]) == [(0,)]


def test_rows_in_postgresql_match(scenario, lab):
    http = scenario.http
    for task in (scenario.simple, scenario.packages, scenario.requirements):
        wait_run(http, task["id"])
        shown = http.get(f"/{task['id']}").json()
        rows = lab.query(
            "SELECT run_number, workflow_id, phase, path, python_code, dependencies, requirements_file,"
            " workflow_uid, id FROM task_runs WHERE task_id = %s ORDER BY run_number DESC",
            task["id"],
        )
        assert len(rows) == len(shown["runs"])
        for row, run in zip(rows, shown["runs"], strict=True):
            keys = ("runNumber", "workflowId", "phase", "path", "pythonCode", "dependencies", "requirementsFile")
            assert row[:7] == tuple(run[key] for key in keys)
            assert row[3] == scenario.path
            assert row[7] == lab.operator.workflow(row[1])["metadata"]["uid"]
            text = output(http, task["id"], row[0])
            logs = lab.query("SELECT logs, phase, pod_name FROM task_logs WHERE run_id = %s", row[8])
            assert logs == [(text, "Succeeded", row[1])]
        assert lab.query("SELECT python_code FROM tasks WHERE id = %s", task["id"]) == [(shown["pythonCode"],)]


def test_template_of_a_run(scenario):
    text = scenario.http.get(f"/{scenario.simple['id']}/runs/1/template").json()
    assert text["workflowId"].startswith(f"python-job-{scenario.simple['id']}-1-")
    assert "entrypoint: main" in text["yaml"]


# --- evidence -------------------------------------------------------------------------------------------------------


def test_archived_workflow_is_found_after_deletion(clean_backend):
    lab, http = clean_backend, client(clean_backend)
    task = http.post("/submit", json={"pythonCode": "print('archived')"}).json()
    wait_run(http, task["id"])
    # The collector keeps logs within COLLECT_SECONDS of a run's end; whoever deletes sooner deletes them too.
    saved = "SELECT 1 FROM task_logs l JOIN task_runs r ON l.run_id = r.id WHERE r.task_id = %s"
    deadline = time.monotonic() + 20
    while not lab.query(saved, task["id"]):
        assert time.monotonic() < deadline, "the collector did not keep the logs"
        time.sleep(0.3)
    lab.operator.kubectl("delete", "workflow", task["workflowId"])
    assert lab.operator.workflows(f"hera-rollout/task={task['id']}") == []
    headers = {"Authorization": f"Bearer {lab.operator.token}"}
    address = f"{lab.argo_url}/api/v1/workflows/{lab.namespace}/{task['workflowId']}"
    deadline = time.monotonic() + 20
    while (answer := httpx.get(address, headers=headers, timeout=10)).status_code != 200:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.3)
    assert answer.json()["status"]["phase"] == "Succeeded"
    assert http.get(f"/{task['id']}").json()["runs"][0]["phase"] == "Succeeded"
    logs = http.get(f"/{task['id']}/logs").json()
    assert (logs["source"], logs["logs"][0]["logs"]) == ("database", "archived")
