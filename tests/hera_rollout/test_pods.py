import pytest

from hera_rollout.cluster import description, events, pods, rollouts


def pod(**parts):
    running = {"name": "backend", "ready": True, "restartCount": 2, "state": {"running": {}}}
    base = {
        "metadata": {"name": "backend-1", "creationTimestamp": "2026-11-24T10:00:00Z", "labels": {}},
        "spec": {"containers": [{"name": "backend", "image": "b:1"}], "nodeName": "n1"},
        "status": {"phase": "Running", "containerStatuses": [running]},
    }
    return {key: {**value, **parts.get(key, {})} for key, value in base.items()}


def waiting(reason, message="", kind="containerStatuses"):
    return state({"waiting": {"reason": reason, "message": message}}, "Pending", kind)


def state(value, phase, kind="containerStatuses"):
    return {"status": {"phase": phase, kind: [{"name": "backend", "image": "b:1", "state": value}]}}


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({}, "Running"),
        (waiting("ImagePullBackOff"), "ImagePullBackOff"),
        (waiting("CrashLoopBackOff"), "CrashLoopBackOff"),
        (waiting("ContainerCreating"), "ContainerCreating"),
        (waiting("ErrImagePull", kind="initContainerStatuses"), "Init:ErrImagePull"),
        ({"metadata": {"name": "x", "deletionTimestamp": "2026-11-24T10:00:00Z"}}, "Terminating"),
        ({"status": {"phase": "Failed", "reason": "Evicted"}}, "Evicted"),
        (state({"terminated": {"reason": "Completed"}}, "Succeeded"), "Completed"),
        (state({"terminated": {"exitCode": 3}}, "Failed"), "ExitCode:3"),
    ],
)
def test_the_status_column_says_what_kubectl_says(parts, word):
    assert pods.status_word(pod(**parts)) == word


def test_the_table_has_kubectls_columns_and_its_line(make_target):
    frame = pods.frame([pod()], make_target(), "app=backend")
    assert list(frame.columns) == pods.COLUMNS
    assert frame.iloc[0][["ready", "restarts", "node", "image"]].to_list() == ["1/1", 2, "n1", "b:1"]
    assert frame.attrs["command"] == "kubectl get pods -n argo -l app=backend -o wide"


def test_an_empty_table_still_has_its_columns(make_target):
    assert list(pods.frame([], make_target(), "").columns) == pods.COLUMNS


def test_a_pod_that_cannot_start_says_why_and_one_that_still_may_does_not():
    told = pods.blocked(pod(**waiting("ImagePullBackOff", "Back-off pulling image nosuch:1")))
    assert told == "backend-1: ImagePullBackOff: Back-off pulling image nosuch:1"
    assert pods.blocked(pod(**waiting("ContainerCreating"))) == ""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    assert pods.unscheduled(pod(status={"conditions": [condition]})) == "backend-1: Unschedulable: 0/1 nodes"


def test_a_pod_on_its_way_out_is_not_ready():
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert pods.ready(pod(status=ready))
    assert not pods.ready(pod(status=ready, metadata={"deletionTimestamp": "2026-11-24T10:00:00Z"}))
    assert not pods.ready(pod())


def test_describe_gives_names_of_variables_and_never_values():
    document = pod(
        spec={"containers": [{"name": "backend", "image": "b:1", "env": [{"name": "DATABASE_URL", "value": "secret"}]}]}
    )
    frame = events.DataFrame([{"type": "Warning", "reason": "BackOff", "count": 3, "message": "pulling"}])
    text = description.pod(document, frame)
    assert "DATABASE_URL" in text
    assert "secret" not in text
    assert "Warning  BackOff  x3  pulling" in text


def deployment(generation=2, observed=2, **status):
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": observed, **status},
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (deployment(observed=1), "waiting for the controller"),
        (deployment(updatedReplicas=1), "1 of 2 new pods have been made"),
        (deployment(updatedReplicas=2, replicas=3), "1 old pods are still to be ended"),
        (deployment(updatedReplicas=2, replicas=2, availableReplicas=1), "1 of 2 new pods are available"),
    ],
)
def test_a_rollout_says_what_is_missing_as_kubectl_does(document, said):
    assert said in rollouts.progress(document)


def test_a_rollout_with_nothing_missing_is_done():
    assert rollouts.progress(deployment(updatedReplicas=2, replicas=2, availableReplicas=2)) == ""


def test_events_are_about_an_object_or_those_named_after_it():
    def about(name):
        return {"involvedObject": {"name": name}}

    assert events._is_about(about("backend"), "backend")
    assert events._is_about(about("backend-5d-x"), "backend")
    assert not events._is_about(about("backendish"), "backend")
