"""The flag by file and by hand, on the real backend: as a Deployment, and as a plain process."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from kubernetes.client.rest import ApiException

from hera_rollout import flag
from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Conflicting, Refused

pytestmark = pytest.mark.live


def placed(target, **changes):
    """The lab's target with another flag medium."""
    return target.model_copy(update={"flag": target.flag.model_copy(update=changes)})


def names(cluster):
    return set(cluster.pods(cluster.selector())["name"])


def alive(lab):
    """Each pod with its restarts: what a change without a restart leaves as it is."""
    return {(pod.metadata.name, sum(one.restart_count for one in pod.status.container_statuses)) for pod in lab.pods()}


def said(lab):
    """What the pods say, and who decided it."""
    return {(one["enabled"], one["percent"], one["decidedBy"]) for one in lab.flags()}


def typed(lab):
    """The environment of an operator's shell, as `make lab` prints it."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    program = Path(os.environ.get("ROLLOUT_LAB_CACHE") or f"{cache}/rollout-lab") / "bin"
    return {**os.environ, "KUBECONFIG": str(lab.kubeconfig), "PATH": f"{program}:{os.environ['PATH']}"}


# --- configmap --------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_file(clean_backend, target):
    """The lab by medium `configmap`; neither the file nor the variable is there."""
    return Cluster.connect(placed(target, medium="configmap"))


def test_on_for_a_share_for_all_and_off_reach_every_pod_in_seconds_and_restart_none(clean_backend, by_file, backend):
    before, commands = alive(clean_backend), []
    for enabled, percent in ((True, 10.0), (True, 50.0), (True, 100.0), (False, 0.0)):
        change = flag.plan(by_file, enabled, percent=percent)
        assert f'+percent: "{percent:g}"' in change.diff()
        effect = flag.apply(by_file, backend, change)
        assert said(clean_backend) == {(enabled, percent, "file")}
        assert (effect.medium, effect.percent, effect.rollout_seconds) == ("configmap", percent, 0.0)
        assert effect.seconds < 20, "a kubelet left alone takes up to a minute"
        commands.append(change.command)
    assert commands[:2] == [
        "kubectl create configmap backend-flag --from-literal=enabled=true --from-literal=percent=10 "
        f"-n {clean_backend.namespace}",
        f"kubectl patch configmap backend-flag -n {clean_backend.namespace} --type merge "
        """-p '{"data":{"enabled":"true","percent":"50"}}'""",
    ]
    again = flag.plan(by_file, enabled=False)
    assert (again.noop, again.diff()) == (True, "")
    assert alive(clean_backend) == before


def test_the_line_that_turns_it_off_by_hand_works_as_printed_each_time(clean_backend, by_file, backend):
    for _ in range(2):
        change = flag.plan(by_file, enabled=True)
        flag.apply(by_file, backend, change)
        time.sleep(1)  # the annotation's value is as fine as a second
        subprocess.run(["bash", "-c", change.undo_command], env=typed(clean_backend), check=True, timeout=30)
        began = time.monotonic()
        while said(clean_backend) != {(False, 0, "file")}:
            assert time.monotonic() - began < 20, "a kubelet left alone takes up to a minute"
            time.sleep(0.1)


def test_a_variable_that_says_off_is_named_and_nothing_is_touched(clean_backend, by_file):
    kubectl = clean_backend.operator.kubectl
    try:
        kubectl("set", "env", "deployment/backend", "USE_HERA_SDK=false")
        with pytest.raises(Refused) as caught:
            flag.plan(by_file, enabled=True, percent=10)
        assert "deployment/backend has USE_HERA_SDK=false, and off in either medium wins" in caught.value.seen
        assert f"kubectl set env deployment/backend USE_HERA_SDK- -n {clean_backend.namespace}" in caught.value.todo
        assert flag.plan(by_file, enabled=False).command.startswith("kubectl create configmap backend-flag")
        kubectl("set", "env", "deployment/backend", "USE_HERA_SDK=true")
        assert flag.plan(by_file, enabled=True, percent=10).percent == 10
    finally:
        kubectl("set", "env", "deployment/backend", "USE_HERA_SDK-")
        clean_backend.settled()
    with pytest.raises(ApiException, match="Not Found"):
        clean_backend.operator.core.read_namespaced_config_map("backend-flag", clean_backend.namespace)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("10", "25", "it says enabled=true, percent=25, and said enabled=true, percent=10"),
        ("10", None, "it says nothing, and said enabled=true, percent=10"),
        (None, "25", "it says enabled=true, percent=25, and said nothing"),
    ],
)
def test_a_file_that_was_changed_since_it_was_shown_is_left_as_it_is(clean_backend, by_file, before, now, told):
    kubectl = clean_backend.operator.kubectl

    def put(percent):
        kubectl("delete", "configmap", "backend-flag", "--ignore-not-found")
        if percent:
            literals = ("--from-literal=enabled=true", f"--from-literal=percent={percent}")
            kubectl("create", "configmap", "backend-flag", *literals)

    put(before)
    change = flag.plan(by_file, enabled=True, percent=50)
    put(now)
    with pytest.raises(Conflicting) as caught:
        flag.throw(by_file, change)
    assert f"configmap/backend-flag was changed meanwhile: {told}" in caught.value.seen
    found = kubectl("get", "configmap", "backend-flag", "--ignore-not-found", "-o", "jsonpath={.data.percent}")
    assert found == (now or "")


def test_other_keys_of_the_file_are_kept(clean_backend, by_file):
    clean_backend.operator.kubectl("create", "configmap", "backend-flag", "--from-literal=note=ours")
    flag.throw(by_file, flag.plan(by_file, enabled=True, percent=12.5))
    data = clean_backend.operator.core.read_namespaced_config_map("backend-flag", clean_backend.namespace).data
    assert data == {"note": "ours", "enabled": "true", "percent": "12.5"}


def test_a_file_that_no_pod_mounts_is_refused(target):
    other = Cluster.connect(placed(target, medium="configmap", configmap="other-flag"))
    with pytest.raises(Refused, match="mount no ConfigMap other-flag"):
        flag.plan(other, enabled=True)


# --- manual -----------------------------------------------------------------------------------------------------------


class Process:
    """The backend as a developer runs it: a plain process, whose flag is its environment."""

    def __init__(self, folder):
        self.folder = folder
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.running = None

    def start(self, flag):
        self.end()
        environment = {**os.environ, "USE_HERA_SDK": flag, "PORT": str(self.port), "POD_NAME": "my-laptop",
                       "DATABASE_URL": f"sqlite:///{self.folder}/backend.db"}  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "reference_backend"], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + 60
        while True:
            try:
                return httpx.get(f"{self.url}/healthz", timeout=2)
            except httpx.HTTPError:
                assert time.monotonic() < ends, (self.folder / "log").read_text()
                time.sleep(0.2)

    def end(self):
        if self.running:
            self.running.terminate()
            self.running.wait(30)


@pytest.fixture
def process(tmp_path):
    made = Process(tmp_path)
    made.start("false")
    yield made
    made.end()


@pytest.fixture
def laptop(target, process):
    """A target whose workflows run on the lab and whose backend is no Deployment."""
    how = "in docker-compose.dev.yaml, then `docker compose up -d`"
    manual = placed(target, medium="manual", by_hand=how)
    changes = {"name": "laptop", "deployment": "no-such-backend", "backend_url": process.url}
    place = manual.model_copy(update=changes)
    return Cluster.connect(place), Backend.connect(place)


def test_a_plain_process_is_asked_by_its_address_alone(laptop):
    cluster, backend = laptop
    seen = flag.report(cluster, backend)
    assert list(seen["pod"]) == ["my-laptop"]
    assert list(seen["enabled"]) == [False]
    assert seen.attrs["command"].startswith("curl http://127.0.0.1:")


def test_a_change_made_by_hand_is_shown_waited_for_and_believed_when_the_backend_reports_it(laptop, process):
    cluster, backend = laptop
    change = flag.plan(cluster, enabled=True)
    assert "+  - USE_HERA_SDK=true" in change.diff()
    assert change.command == "by hand: set USE_HERA_SDK=true in docker-compose.dev.yaml, then `docker compose up -d`"
    lines = []
    person = threading.Timer(2, process.start, ["true"])
    person.start()
    effect = flag.apply(cluster, backend, change, lines.append, deadline_seconds=60)
    person.join()
    assert lines[0] == change.command
    assert any("reports the flag off" in line for line in lines)
    assert (effect.medium, effect.pods, effect.seconds >= 2) == ("manual", ["my-laptop"], True)
    assert flag.apply(cluster, backend, change, deadline_seconds=60).seconds < 20, (
        "what is done is not waited for again"
    )


def test_nobody_doing_it_ends_at_the_deadline_in_a_kind_of_its_own_with_what_to_do(laptop):
    cluster, backend = laptop
    began = time.monotonic()
    with pytest.raises(flag.NotDoneByHand) as caught:
        flag.apply(cluster, backend, flag.plan(cluster, enabled=True), deadline_seconds=2)
    assert time.monotonic() - began < 30
    assert "pod my-laptop reports the flag off (decided by env)" in caught.value.seen
    assert "by hand: set USE_HERA_SDK=true" in caught.value.todo
    assert "run this again" in caught.value.todo


def test_the_stop_button_ends_the_wait(laptop):
    cluster, backend = laptop
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(flag.NotDoneByHand, match="stopped by the operator"):
        flag.apply(cluster, backend, flag.plan(cluster, enabled=True), stop=stop, deadline_seconds=60)
    assert time.monotonic() - began < 30


def test_a_process_that_is_down_is_told_and_waited_for(laptop, process):
    cluster, backend = laptop
    process.end()
    with pytest.raises(flag.NotDoneByHand, match="did not answer"):
        flag.apply(cluster, backend, flag.plan(cluster, enabled=False), deadline_seconds=1)


def test_by_hand_at_a_deployment_every_pod_is_still_asked_itself(target, backend, lab):
    cluster = Cluster.connect(placed(target, medium="manual"))
    assert set(flag.report(cluster, backend)["pod"]) == names(cluster)
