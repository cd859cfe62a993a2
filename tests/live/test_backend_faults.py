"""Every fault of the backend's table, switched on in the lab, does what its row says."""

import time
from pathlib import Path

import httpx
import pytest
import yaml

pytestmark = [pytest.mark.live, pytest.mark.timeout(200)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def hera_on(suspended, each):
    """All tasks by Hera, suspended; whatever is left behind goes at the end."""
    before = {workflow["metadata"]["name"] for workflow in suspended.operator.workflows("hera-rollout/task")}
    suspended.set_flag(True, 100)
    yield
    left = [w["metadata"]["name"] for w in suspended.operator.workflows("hera-rollout/task")]
    each(lambda name: suspended.operator.kubectl("delete", "workflow", name), set(left) - before, 4)


@pytest.fixture
def http(suspended):
    with httpx.Client(base_url=f"{suspended.backend_url}/api/v1/tasks", timeout=30) as opened:
        yield opened


def submit(http, code="print(1)", **body):
    return http.post("/submit", json={"pythonCode": code, **body})


def task_workflows(lab, task_id):
    return lab.operator.workflows(f"hera-rollout/task={task_id}")


def only(lab, answer):
    assert answer.status_code == 200, answer.text
    (workflow,) = task_workflows(lab, answer.json()["id"])
    return workflow


def template(workflow):
    return workflow["spec"]["templates"][0]


def label(workflow):
    return workflow["metadata"]["labels"].get("hera-rollout/path")


def names(lab):
    return {workflow["metadata"]["name"] for workflow in lab.operator.workflows("hera-rollout/task")}


def resume(lab, name):
    lab.operator.kubectl("patch", "workflow", name, "--type=merge", "-p", '{"spec":{"suspend":false}}')


def wait_for(what, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.3)
    return result


def test_no_fault(suspended, http):
    suspended.set_faults()
    workflow = only(suspended, submit(http))
    assert label(workflow) == "hera"
    assert workflow["spec"]["synchronization"]["mutexes"]
    assert [entry["name"] for entry in template(workflow)["container"]["env"]] == ["RESULTS_DIR"]


def test_loud_in_the_log(suspended, http):
    suspended.set_faults(slow_hera="0.01")
    submit(http)
    suspended.set_faults()
    logs = suspended.operator.kubectl("logs", "-l", "app=backend", "--tail=-1", "--since=60s")
    assert "WARNING reference_backend.faults: FAULT ON: slow-hera=0.01" in logs
    assert "FAULT OFF: slow-hera" in logs


def test_silent_yaml_import(suspended, http):
    suspended.set_faults(silent_yaml_import="on")
    assert label(only(suspended, submit(http))) == "yaml"
    for flag in suspended.flags():
        assert flag["enabled"]
        assert flag["heraImport"].startswith("ImportError")


def test_silent_yaml_build_is_unmarked(suspended, http):
    suspended.set_faults(silent_yaml_build="on")
    workflow = only(suspended, submit(http))
    assert label(workflow) is None
    assert template(workflow)["container"]["name"] == "main"  # the YAML templates' fingerprint


def test_silent_yaml_build_that_lies(suspended, http):
    suspended.set_faults(silent_yaml_build="lie")
    workflow = only(suspended, submit(http))
    assert label(workflow) == "hera"
    assert template(workflow)["container"]["name"] == "main"


def test_all_500(suspended, http):
    suspended.set_faults(all_500="on")
    before = names(suspended)
    answers = [submit(http) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500] * 4
    assert names(suspended) == before


@pytest.mark.parametrize("fault", ["orphan_after_success", "orphan_after_timeout"])
def test_orphans(suspended, http, fault):
    suspended.set_faults(**{fault: "on"})
    before = names(suspended)
    assert [submit(http, "print('once')").status_code for _ in range(3)] == [500] * 3
    orphans = names(suspended) - before
    assert len(orphans) == 3
    assert suspended.query("SELECT count(*) FROM task_runs WHERE workflow_id = ANY(%s)", list(orphans)) == [(0,)]
    suspended.set_faults()
    assert only(suspended, submit(http, "print('once')"))  # the client's retry: a duplicate of each orphan
    assert len(names(suspended) - before) == 4


def test_dead_cancel(suspended, http):
    task = submit(http).json()
    suspended.set_faults(dead_cancel="on")
    assert http.delete(f"/{task['id']}").status_code == 404
    assert "shutdown" not in suspended.operator.workflow(task["workflowId"])["spec"]


def test_cancel_deletes(suspended, http):
    task = submit(http).json()
    suspended.set_faults(cancel_deletes="on")
    assert http.delete(f"/{task['id']}").status_code == 200
    assert task_workflows(suspended, task["id"]) == []
    headers = {"Authorization": f"Bearer {suspended.operator.token}"}
    address = f"{suspended.argo_url}/api/v1/workflows/{suspended.namespace}/{task['workflowId']}"
    assert httpx.get(address, headers=headers, timeout=10).status_code == 404  # not in the archive either


def test_compare_nothing(suspended, http):
    suspended.set_faults(compare_nothing="on")
    answer = submit(http)
    workflow = only(suspended, answer)
    assert answer.json()["workflowId"] != workflow["metadata"]["name"]
    assert answer.json()["workflowId"] not in names(suspended)


def test_paths_differ(suspended, http):
    suspended.set_faults(paths_differ="on")
    workflow = only(suspended, submit(http))
    assert not workflow["spec"].get("synchronization")
    assert not template(workflow)["container"].get("env")


def test_dirty_yaml(suspended, http):
    suspended.set_faults(dirty_yaml="on")
    suspended.set_flag(False, 0)
    task = submit(http).json()
    suspended.set_flag(True, 100)
    document = yaml.safe_load(http.get(f"/{task['id']}/runs/1/template").json()["yaml"])
    assert {"_env", "_volume_mounts"} <= document["spec"]["templates"][0].keys()
    # The Argo Server dropped them without a word.
    assert not {"_env", "_volume_mounts"} & template(task_workflows(suspended, task["id"])[0]).keys()


def test_bad_image(suspended, http):
    suspended.set_faults(bad_image="on")
    task = submit(http).json()
    suspended.set_faults()
    resume(suspended, task["workflowId"])

    def reason():
        pods = suspended.operator.core.list_namespaced_pod(
            suspended.namespace, label_selector=f"workflows.argoproj.io/workflow={task['workflowId']}"
        )
        waiting = [
            s.state.waiting.reason for p in pods.items for s in p.status.container_statuses or [] if s.state.waiting
        ]
        return {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"} & set(waiting)

    wait_for("the pod cannot get its image", reason)
    assert http.get(f"/{task['id']}").json()["runs"][0]["phase"] in {"Pending", "Running"}
    assert http.delete(f"/{task['id']}").status_code == 200


def test_flaky_hera(suspended, http):
    suspended.set_faults(flaky_hera="1")
    tasks = [submit(http, "print('done')").json(), submit(http, "print('done')", dependencies="six").json()]
    suspended.set_faults()
    for task in tasks:
        resume(suspended, task["workflowId"])
    for task in tasks:

        def run(task=task):
            found = http.get(f"/{task['id']}").json()["runs"][0]
            return found if found["phase"] in {"Succeeded", "Failed", "Error"} else None

        ended = wait_for("the run ends", run, 90)
        assert (ended["phase"], "exit code 1" in ended["message"]) == ("Failed", True), ended
        assert http.get(f"/{task['id']}/logs").json()["logs"][0]["logs"].startswith("done")


def test_slow_hera(suspended, http):
    def seconds():
        started = time.monotonic()
        assert submit(http).status_code == 200
        return time.monotonic() - started

    suspended.set_faults(slow_hera="500")
    slow = min(seconds() for _ in range(3))
    assert slow >= 0.5, "a wait of 500 ms is never shorter, however busy the machine is"
    suspended.set_flag(False, 0)
    assert min(seconds() for _ in range(5)) < slow, "only Hera's path waits"
    suspended.set_flag(True, 100)


def test_leak(suspended, http):
    def resident():
        total = 0.0
        for pod in suspended.pods():
            text = httpx.get(f"http://{pod.status.pod_ip}:8000/metrics", timeout=5).text
            total += next(float(x.split()[1]) for x in text.splitlines() if x.startswith("process_resident_memory"))
        return total / 2**20

    suspended.set_faults()
    for _ in range(10):
        submit(http)
    before = resident()
    suspended.set_faults(leak="10")
    for _ in range(10):
        submit(http)
    assert 95 <= resident() - before < 160


def test_bad_input_500(suspended, http):
    suspended.set_faults(bad_input_500="on")
    answer = submit(http, dependencies="six; rm -rf /")
    assert (answer.status_code, answer.json()["detail"][:4]) == (500, "400:")
    suspended.set_faults()
    assert submit(http, dependencies="six; rm -rf /").status_code == 400


def component(lab, name, tmp_path):
    """The documents of deploy/base with the component."""
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": lab.namespace,
        "resources": [relative(tmp_path, "deploy/base")],
        "components": [relative(tmp_path, f"deploy/components/{name}")] if name else [],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return list(yaml.safe_load_all(lab.operator.kubectl("kustomize", str(tmp_path))))


def relative(folder, target):
    return "/".join([".."] * (len(folder.resolve().parts) - 1)) + str(ROOT / target)


def apply(lab, documents, kind):
    chosen = [document for document in documents if document["kind"] == kind]
    assert chosen
    lab.admin.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(chosen))


def test_rbac_gap(suspended, http, tmp_path):
    task = submit(http).json()
    try:
        apply(suspended, component(suspended, "rbac-gap", tmp_path), "Role")
        refused = wait_for(
            "cancel is refused", lambda: (a := http.delete(f"/{task['id']}")).status_code == 503 and a, 15
        )
        assert "ServiceAccount" in refused.json()["detail"]
        assert "patch" in refused.json()["detail"] or "forbidden" in refused.json()["detail"]
        assert http.delete(f"/{task['id']}/delete").status_code == 503
        logs = http.get(f"/{task['id']}/logs")
        assert (logs.status_code, logs.json()["source"]) == (503, "error")
        assert "pods/log" in logs.json()["detail"]
    finally:
        apply(suspended, component(suspended, "", tmp_path), "Role")
    wait_for("delete works again", lambda: http.delete(f"/{task['id']}/delete").status_code == 200, 15)


@pytest.mark.soak  # two restarts for what tests/live/test_faults.py shows to the operator
def test_pvc_missing(suspended, http, tmp_path):
    documents = component(suspended, "pvc-missing", tmp_path)
    deployment = next(document for document in documents if document["kind"] == "Deployment")
    env = {
        entry["name"]: entry.get("value") for entry in deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    before = names(suspended)
    try:
        apply(suspended, documents, "PersistentVolumeClaim")
        suspended.set_env(RESULTS_PVC=env["RESULTS_PVC"])
        answer = submit(http)
        assert answer.status_code == 400
        assert "is Pending, expected Bound" in answer.json()["detail"]
        assert names(suspended) == before
    finally:
        suspended.admin.kubectl("delete", "pvc", env["RESULTS_PVC"], "--ignore-not-found", "--wait=false")
        suspended.set_env(RESULTS_PVC=None)
