"""The flag by file and by hand, on the real backend: as a Deployment, and as a plain process."""

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import httpx
import pytest

from hera_rollout import flag
from hera_rollout.backend import Backend
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Refused

pytestmark = pytest.mark.live


def placed(target, **changes):
    """The lab's target with another flag medium."""
    return target.model_copy(update={"flag": target.flag.model_copy(update=changes)})


def names(cluster):
    return set(cluster.pods(cluster.selector())["name"])


# --- configmap --------------------------------------------------------------------------------------------------------


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
    assert flag.apply(cluster, backend, change, deadline_seconds=5).seconds < 2, "what is done is not waited for again"


def test_nobody_doing_it_ends_at_the_deadline_in_a_kind_of_its_own_with_what_to_do(laptop):
    cluster, backend = laptop
    began = time.monotonic()
    with pytest.raises(flag.NotDoneByHand) as caught:
        flag.apply(cluster, backend, flag.plan(cluster, enabled=True), deadline_seconds=2)
    assert time.monotonic() - began < 6
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
    assert time.monotonic() - began < 10


def test_a_process_that_is_down_is_told_and_waited_for(laptop, process):
    cluster, backend = laptop
    process.end()
    with pytest.raises(flag.NotDoneByHand, match="did not answer"):
        flag.apply(cluster, backend, flag.plan(cluster, enabled=False), deadline_seconds=1)


def test_by_hand_at_a_deployment_every_pod_is_still_asked_itself(target, backend, lab):
    cluster = Cluster.connect(placed(target, medium="manual"))
    assert set(flag.report(cluster, backend)["pod"]) == names(cluster)
