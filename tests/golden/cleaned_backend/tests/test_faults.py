"""Each fault does what its row says, and nothing when it is off."""

import time
from pathlib import Path

import pytest

from reference_backend import defects
from reference_backend.faults import KNOWN
from reference_backend.split import bucket


def post(client, code="print(1)", **fields):
    return client.post("/api/v1/tasks/submit", json={"pythonCode": code, **fields})


def only(argo):
    (workflow,) = argo.workflows.values()
    return workflow


def labels(argo):
    return only(argo)["metadata"]["labels"]


def test_all_off_by_default(hera_client, argo):
    assert hera_client.app.state.services.faults.active() == {}
    assert post(hera_client).status_code == 200
    assert labels(argo)["hera-rollout/path"] == "hera"


def test_every_fault_has_a_test_here():
    source = Path(__file__).read_text()
    assert [name for name in KNOWN if f"def test_{name.replace('-', '_')}" not in source] == []


@pytest.mark.parametrize("value", ["off", "false", ""])
def test_off_is_off(hera_client, faults, argo, value):
    faults.put(all_500=value)
    assert post(hera_client).status_code == 200


def test_loud_in_the_log(hera_client, faults, caplog):
    faults.put(slow_hera="0.1")
    post(hera_client)
    faults.put()
    post(hera_client)
    assert "FAULT ON: slow-hera=0.1" in caplog.text
    assert "FAULT OFF: slow-hera" in caplog.text


def test_all_500(hera_client, faults, argo):
    faults.put(all_500="on")
    answers = [post(hera_client) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {500}
    assert hera_client.get("/healthz").status_code == 200
    assert "AttributeError" in answers[0].json()["detail"]
    assert argo.workflows == {}
    assert hera_client.get("/api/v1/tasks").json()["tasks"] == []


@pytest.mark.parametrize(
    ("fault", "word"), [("orphan_after_success", "UnboundLocalError"), ("orphan_after_timeout", "ConnectionError")]
)
def test_orphans(hera_client, faults, argo, fault, word):
    faults.put(**{fault: "on"})
    answers = [post(hera_client) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [500, 500]
    assert word in answers[0].json()["detail"]
    assert len(argo.workflows) == 2
    assert hera_client.get("/api/v1/tasks").json()["tasks"] == []


def test_orphan_after_success(hera_client, faults, argo):
    test_orphans(hera_client, faults, argo, "orphan_after_success", "UnboundLocalError")


def test_orphan_after_timeout_and_the_retry_makes_the_duplicate(hera_client, faults, argo):
    faults.put(orphan_after_timeout="on")
    post(hera_client, "print('once')")
    faults.put()
    assert post(hera_client, "print('once')").status_code == 200
    code = [workflow["spec"]["templates"][0]["container"]["args"] for workflow in argo.workflows.values()]
    assert code == [["print('once')"]] * 2


def test_dead_cancel(client, faults, argo):
    task = post(client).json()
    argo.running(task["workflowId"])
    faults.put(dead_cancel="on")
    answer = client.delete(f"/api/v1/tasks/{task['id']}")
    assert answer.status_code == 404
    assert only(argo)["status"]["phase"] == "Running"


def test_cancel_deletes(client, faults, argo):
    task = post(client).json()
    argo.running(task["workflowId"])
    faults.put(cancel_deletes="on")
    assert client.delete(f"/api/v1/tasks/{task['id']}").status_code == 200
    assert argo.workflows == {}


def test_compare_nothing(client, faults, argo):
    faults.put(compare_nothing="on")
    answer = post(client).json()
    assert answer["workflowId"].startswith("python-job-")
    assert answer["workflowId"] not in argo.workflows
    assert len(argo.workflows) == 1


def test_paths_differ(hera_client, faults, argo):
    faults.put(paths_differ="on")
    post(hera_client)
    spec = only(argo)["spec"]
    assert "synchronization" not in spec
    assert not spec["templates"][0]["container"].get("env")


def test_bad_image(hera_client, faults, argo):
    faults.put(bad_image="on")
    post(hera_client)
    assert only(argo)["spec"]["templates"][0]["container"]["image"] == "python:does-not-exist"


@pytest.mark.parametrize(("value", "least"), [("200", 0.2), ("200ms", 0.2), ("3", 0.3)])
def test_slow_hera(hera_client, faults, argo, value, least):
    argo.delay = 0.1
    faults.put(slow_hera=value)
    started = time.monotonic()
    assert post(hera_client).status_code == 200
    assert least + 0.1 <= time.monotonic() - started < least + 1.5


def test_flaky_hera(hera_client, faults, argo):
    faults.put(flaky_hera="0.3")
    tasks = [post(hera_client).json() for _ in range(40)]
    for task in tasks:
        code = argo.workflows[task["workflowId"]]["spec"]["templates"][0]["container"]["args"][0]
        assert code.endswith("raise SystemExit(1)\n") == (bucket(task["workflowId"]) < 3000)


def test_flaky_hera_with_packages(hera_client, faults, argo):
    faults.put(flaky_hera="1")
    post(hera_client, dependencies="six")
    source = only(argo)["spec"]["templates"][0]["script"]["source"]
    assert source.endswith("exit 1\n")
    assert "exec" not in source


def test_leak(hera_client, faults):
    before = sum(map(len, defects._kept))
    faults.put(leak="2")
    for _ in range(3):
        post(hera_client)
    assert sum(map(len, defects._kept)) - before == 6 * defects.MIB
    defects._kept.clear()


def test_bad_input_500(client, faults):
    faults.put(bad_input_500="on")
    answer = post(client, dependencies="a;b")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("400: dependencies contain")


def test_route_tells_what_is_on(client, faults):
    faults.put(slow_hera="0.1", something_else="1")
    answer = client.get("/api/v1/faults").json()
    assert answer["active"] == {"slow-hera": "0.1", "something-else": "1"}
    assert answer["known"].keys() == KNOWN.keys()
