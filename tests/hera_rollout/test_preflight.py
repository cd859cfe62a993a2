"""The preflight's own judgements without a cluster: versions, claims, Prometheus."""

import pytest

from hera_rollout import preflight
from hera_rollout.errors import Retryable
from hera_rollout.gates import Verdict


@pytest.mark.parametrize(
    ("hera", "argo", "fits"),
    [("7.1.0", "v4.0.5", True), ("7.1.0", "v3.7.3", False), ("6.0.0", "v4.0.5", False), ("", "v4.0.5", False),
     ("7.1.0", "unknown", False), ("", "", False)],
)  # fmt: skip
def test_hera_fits_the_argo_its_models_are_from(hera, argo, fits):
    assert preflight._fits(hera, argo) is fits


def row(**values):
    return {"pod": "p", "problem": "", "hera_import": "ok", "hera_version": "7.1.0"} | values


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, ""),
        ({"hera_import": "ImportError: cannot import name 'Workflow'"}, "cannot import Hera: ImportError"),
        ({"hera_import": ""}, "it does not say why"),
        ({"hera_version": "6.1.0"}, "has hera 6.1.0, Argo is v4.0.5"),
        ({"hera_version": ""}, "hera of no version"),
        ({"problem": "no answer"}, "did not say: no answer"),
    ],
)
def test_each_pod_must_import_a_hera_that_fits(values, told):
    fault = preflight._pod_fault(row(**values), "v4.0.5")
    assert (told in fault) if told else fault == ""


def deployment(env=(), volumes=()):
    containers = [{"name": "sidecar", "env": [{"name": "RESULTS_PVC", "value": "other"}]},
                  {"name": "backend", "env": list(env)}]  # fmt: skip
    return {"spec": {"template": {"spec": {"containers": containers, "volumes": list(volumes)}}}}


def test_the_claim_is_the_deployments_and_else_the_targets(make_target):
    target = make_target()
    assert preflight.claims(target, deployment()) == ["task-results-pvc"]
    assert preflight.claims(target, deployment([{"name": "RESULTS_PVC", "value": "mine"}])) == ["mine"]
    from_elsewhere = [{"name": "RESULTS_PVC", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    assert preflight.claims(target, deployment(from_elsewhere)) == ["task-results-pvc"]
    assert preflight.claims(target, None) == ["task-results-pvc"]


def test_each_claim_of_the_pods_is_looked_at_once(make_target):
    volumes = [{"name": "a", "persistentVolumeClaim": {"claimName": name}} for name in ("data", "task-results-pvc")]
    found = preflight.claims(make_target(), deployment(volumes=[*volumes, {"name": "tmp", "emptyDir": {}}]))
    assert found == ["task-results-pvc", "data"]


@pytest.mark.parametrize("means", Verdict)
def test_a_target_without_prometheus_is_told_so_and_what_it_means(make_target, means):
    check = preflight._prometheus(make_target(), means)
    assert (check.verdict, check.evidence["checked"]) == (means, False)
    assert check.seen.startswith("not checked")
    assert ("Add prometheus_url" in check.todo) == (means != "PASS")


def test_a_prometheus_that_answers_passes_with_its_number_of_targets(make_target, answering):
    said = '{"status": "success", "data": {"result": [{"metric": {}, "value": [1, "6"]}]}}'
    url = answering({"/api/v1/query": (200, said)})
    check = preflight._prometheus(make_target(prometheus_url=url))
    assert check.verdict == "PASS"
    assert "6 targets" in check.seen


def test_a_prometheus_that_is_not_there_is_an_error_that_becomes_fail_with_the_guides_entry(make_target, closed_url):
    target = make_target(prometheus_url=closed_url)
    with pytest.raises(Retryable):
        preflight._prometheus(target)
    entry = preflight.Entry.NETWORK
    check = preflight._guarded("Prometheus", entry, lambda: preflight._prometheus(target))
    assert (check.verdict, check.name) == ("FAIL", "Prometheus")
    assert check.todo.endswith(f"({entry.reference})")
    assert "prometheus_url" in check.todo


def test_a_backend_without_the_flag_route_is_hold_and_says_what_to_do(make_target, answering):
    url = answering({"/api/v1/tasks": (200, '{"tasks": []}')})
    check = preflight._backend(make_target(backend_url=url))
    assert (check.verdict, check.name) == ("HOLD", "backend")
    assert check.seen == f"{url} answers, but it has no route /api/v1/flag: whether the flag is on is not known"
    assert "A backend of your own" in check.todo
