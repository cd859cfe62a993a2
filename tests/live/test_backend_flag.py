"""Flag, split and restarts of the backend, on suspended workflows: real ones that start no pod."""

import hashlib
import threading
import time

import httpx
import pytest

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def fresh(suspended):
    """No flag file, no fault before each test."""
    suspended.clear_flag()
    suspended.set_faults()
    suspended.set_env(USE_HERA_SDK=None)


def client(lab):
    return httpx.Client(base_url=f"{lab.backend_url}/api/v1/tasks", timeout=30)


def path_of(lab, name):
    return lab.operator.workflow(name)["metadata"]["labels"]["hera-rollout/path"]


def side(task_id, percent):
    """The contract's split, written down once more and on its own."""
    bucket = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[:8], "big") % 10_000
    return "hera" if bucket < percent * 100 else "yaml"


@pytest.mark.soak  # tests/live/test_traffic.py sees the split kept by fewer tasks
def test_split_of_200_tasks_and_reruns(suspended, each):
    lab, http = suspended, client(suspended)
    lab.set_flag(True, 0)
    tasks = each(lambda _: http.post("/submit", json={"pythonCode": "pass"}).json()["id"], range(200))
    assert len(set(tasks)) == 200
    expected = {(task, 1): "yaml" for task in tasks}
    number = 1
    for percent in (10, 50, 100, 50):
        lab.set_flag(True, percent)
        number += 1
        answers = each(lambda task: http.post("/submit", json={"taskId": task}).json(), tasks)
        assert {answer["runNumber"] for answer in answers} == {number}
        expected |= {(task, number): side(task, percent) for task in tasks}
    found, mine = {}, set(tasks)
    for workflow in lab.operator.workflows("hera-rollout/run"):
        labels = workflow["metadata"]["labels"]
        if labels["hera-rollout/task"] not in mine:
            continue  # what other tests left, such as workflows without a path
        found[labels["hera-rollout/task"], int(labels["hera-rollout/run"])] = labels["hera-rollout/path"]
    assert {key: found.get(key) for key in expected} == expected
    sides = [sum(expected[task, run] == "hera" for task in tasks) for run in range(1, 6)]
    assert sides[0] == 0 < sides[1] < sides[2] < sides[3] == 200
    assert sides[2] == sides[4]
    rows = lab.query("SELECT task_id, run_number, path FROM task_runs WHERE task_id = ANY(%s)", tasks)
    assert {(task, run): path for task, run, path in rows} == expected
    # Two at once: what is asked here is what is deleted, not how much a busy Argo Server takes.
    answers = each(lambda task: http.delete(f"/{task}/delete"), tasks, workers=2)
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers if answer.is_error]
    assert [answer.json()["workflows_deleted"] for answer in answers] == [5] * 200


def test_set_env_false_rolls_back_whatever_the_file_says(suspended):
    lab, http = suspended, client(suspended)
    lab.set_flag(True, 100)
    task = http.post("/submit", json={"pythonCode": "pass"}).json()
    assert path_of(lab, task["workflowId"]) == "hera"
    lab.operator.kubectl("set", "env", "deployment/backend", "USE_HERA_SDK=false")
    lab.settled()
    for flag in lab.flags():
        assert (flag["enabled"], flag["percent"], flag["decidedBy"]) == (False, 0, "env")
        assert flag["file"] == {"enabled": "true", "percent": "100"}
    names = [http.post("/submit", json={"taskId": task["id"]}).json()["workflowId"] for _ in range(6)]
    assert {path_of(lab, name) for name in names} == {"yaml"}
    http.delete(f"/{task['id']}/delete")


@pytest.mark.soak
def test_env_true_without_a_file_is_all_and_a_file_switched_off_wins(suspended):
    lab, http = suspended, client(suspended)
    lab.set_env(USE_HERA_SDK="true")
    assert {(flag["percent"], flag["decidedBy"], flag["heraImport"]) for flag in lab.flags()} == {(100, "env", "ok")}
    assert len({flag["pod"] for flag in lab.flags()}) == 2
    assert len({flag["codeRevision"] for flag in lab.flags()}) == 1
    lab.set_flag(False, 100)
    task = http.post("/submit", json={"pythonCode": "pass"}).json()
    assert path_of(lab, task["workflowId"]) == "yaml"
    lab.clear_flag()
    task = http.post("/submit", json={"taskId": task["id"]}).json()
    assert path_of(lab, task["workflowId"]) == "hera"
    http.delete(f"/{task['id']}/delete")


def test_rolling_restart_loses_no_new_connection(suspended, each):
    lab = suspended
    seen = {"GET": [], "POST": []}
    tasks, stop = [], threading.Event()

    def load(method, call):
        while not stop.is_set():
            try:
                answer = call()
                seen[method].append(answer.status_code)
                if method == "POST":
                    tasks.append(answer.json()["id"])
            except Exception as error:
                seen[method].append(repr(error))
            time.sleep(0.02)  # health checks without a pause leave the submissions no processor

    # A new connection each: no client object, no keep-alive. A slow answer is no lost connection.
    submissions = f"{lab.backend_url}/api/v1/tasks/submit"
    calls = {
        "GET": lambda: httpx.get(f"{lab.backend_url}/healthz", timeout=30, verify=False),
        "POST": lambda: httpx.post(submissions, json={"pythonCode": "pass"}, timeout=30, verify=False),
    }
    threads = [threading.Thread(target=load, args=item) for item in calls.items() for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    before = {pod.metadata.name for pod in lab.pods()}
    lab.operator.kubectl("rollout", "restart", "deployment/backend")
    lab.settled()
    assert not before & {pod.metadata.name for pod in lab.pods()}
    stop.set()
    for thread in threads:
        thread.join(40)
    every = seen["GET"] + seen["POST"]
    each(lambda task: client(lab).delete(f"/{task}/delete"), tasks)
    print(f"{len(seen['GET'])} GET and {len(seen['POST'])} POST connections")
    assert [code for code in every if code != 200] == []
    assert len(seen["GET"]) >= 200
    assert len(seen["POST"]) >= 20  # a submission takes up to a second beside other tests


def test_sigterm_finishes_what_is_under_way(suspended):
    """A request that the pod is still working on when it is told to stop gets its answer."""
    lab, http = suspended, client(suspended)
    lab.set_flag(True, 100)
    lab.set_faults(slow_hera="5000")
    pods = lab.pods()
    answers = []

    def slow(pod):
        address = f"http://{pod.status.pod_ip}:8000/api/v1/tasks/submit"
        answers.append(httpx.post(address, json={"pythonCode": "pass"}, timeout=20))

    threads = [threading.Thread(target=slow, args=(pod,)) for pod in pods]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    lab.operator.kubectl("rollout", "restart", "deployment/backend")
    for thread in threads:
        thread.join(30)
    lab.settled()
    assert [answer.status_code for answer in answers] == [200, 200]
    for answer in answers:
        http.delete(f"/{answer.json()['id']}/delete")


def test_concurrent_submissions_to_both_replicas_make_one_workflow_a_run(suspended, each):
    """Reruns of one task, and one Idempotency-Key, sent to both replicas at once."""
    lab, http = suspended, client(suspended)
    task = http.post("/submit", json={"pythonCode": "pass"}).json()["id"]
    addresses = [f"http://{pod.status.pod_ip}:8000/api/v1/tasks/submit" for pod in lab.pods()] * 10
    answers = each(lambda url: httpx.post(url, json={"taskId": task}, timeout=20).json(), addresses)
    assert sorted(answer["runNumber"] for answer in answers) == list(range(2, 22))
    headers = {"Idempotency-Key": f"key-{task}"}
    body = {"pythonCode": "pass", "taskId": task}
    again = each(lambda url: httpx.post(url, json=body, headers=headers, timeout=20), addresses[:8])
    assert {answer.status_code for answer in again} <= {200, 409}
    assert {answer.json()["runNumber"] for answer in again if answer.status_code == 200} == {22}
    names = [workflow["metadata"]["name"] for workflow in lab.operator.workflows(f"hera-rollout/task={task}")]
    assert sorted(names) == sorted(f"python-job-{task}-{number}-1" for number in range(1, 23))
    deleted = http.delete(f"/{task}/delete")
    assert deleted.status_code == 200, deleted.text
    assert deleted.json()["workflows_deleted"] == 22


def test_metrics_reach_prometheus_by_route_status_and_path(suspended):
    lab, http = suspended, client(suspended)
    lab.set_flag(True, 100)
    mine = f'path="hera",namespace="{lab.namespace}"'
    query = f'sum(backend_http_requests_total{{route="/api/v1/tasks/submit",status="200",{mine}}})'
    creations = f"sum(backend_workflow_creation_seconds_count{{{mine}}})"

    def value(expression):
        answer = httpx.get(f"{lab.prometheus_url}/api/v1/query", params={"query": expression}, timeout=10).json()
        return float(answer["data"]["result"][0]["value"][1]) if answer["data"]["result"] else 0.0

    tasks = [http.post("/submit", json={"pythonCode": "pass"}).json()["id"] for _ in range(5)]
    deadline = time.monotonic() + 60
    while not (value(query) >= 5 and value(creations) >= 5):
        assert time.monotonic() < deadline, (value(query), value(creations))
        time.sleep(1)
    for task in tasks:
        http.delete(f"/{task}/delete")
