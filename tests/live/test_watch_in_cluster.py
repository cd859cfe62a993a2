"""deploy/watch in the lab: a Job with the kit's own image goes on with a run, keeps its record on the volume, and may
do no more than it has to. The pod, its account, its addresses and its volume are real; the schedule is not waited for.
"""

import json
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from kubernetes import client

from hera_rollout import records, state
from hera_rollout.state import State

pytestmark = [pytest.mark.live, pytest.mark.soak, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
ACCOUNT = "hera-rollout-watch"
OVERLAY = ROOT / "deploy/overlays/lab-watch"
CORE, APPS, ARGO = (
    "/api/v1/namespaces/argo",
    "/apis/apps/v1/namespaces/argo",
    "/apis/argoproj.io/v1alpha1/namespaces/argo",
)
FORBIDDEN = 403
WITHHELD = {
    "operator: create workflows (submit a workflow from the notebook)",
    "operator: patch workflows (stop a workflow)",
    "operator: delete workflows (delete a workflow)",
    "operator: create configmaps (what the rollout remembers)",
}


class Watch:
    """The CronJob, and what its Jobs leave."""

    def __init__(self, lab):
        self.kubectl = lab.admin.kubectl
        self.folder = lab.kubeconfig.parent / "volumes" / "hera-rollout-records"

    def job(self, name, *words):
        """A Job from the CronJob, to its end: its condition, its pod's exit code and log.

        Other words for the kit than the CronJob's take their place.
        """
        made = self.kubectl("create", "job", name, f"--from=cronjob/{ACCOUNT}", "--dry-run=client", "-o", "json")
        document = json.loads(made)
        if words:
            document["spec"]["template"]["spec"]["containers"][0]["args"] = list(words)
        self.kubectl("apply", "-f", "-", stdin=json.dumps(document))
        condition = self._ended(name)
        log = self.kubectl("logs", f"job/{name}")
        (pod,) = json.loads(self.kubectl("get", "pods", "-l", f"job-name={name}", "-o", "json"))["items"]
        ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
        return condition, ended["exitCode"], log

    def _ended(self, name, seconds=150):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = json.loads(self.kubectl("get", f"job/{name}", "-o", "json"))["status"]
            for condition in status.get("conditions") or []:
                if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
                    return condition["type"]
            time.sleep(0.5)
        pytest.fail(f"job {name} did not end: {self.kubectl('describe', 'pods', '-l', f'job-name={name}')}")

    def record(self):
        """The newest record on the volume: as it was kept, and judged the same again."""
        newest = next(iter(records.find(self.folder)))
        assert [*records.verify(newest.folder), *records.recompute(newest.folder)] == []
        return newest


@pytest.fixture(scope="module")
def watch(lab):
    """Applied as a user applies it; its schedule is off, so that only the tests' Jobs run."""
    lab.clean()
    made = Watch(lab)
    command = [Path(sys.executable).parent / "rollout-lab", "load-kit", "--project", ROOT]
    subprocess.run(command, check=True, timeout=500)
    lab.admin.kubectl("apply", "-k", str(OVERLAY))
    lab.admin.kubectl("patch", f"cronjob/{ACCOUNT}", "-p", '{"spec": {"suspend": true}}')
    lab.admin.kubectl("rollout", "status", "deployment/prometheus-door", "--timeout=60s", timeout=70)
    yield made
    lab.admin.kubectl("delete", "jobs", "-l", f"app={ACCOUNT}", "--cascade=foreground")
    lab.admin.kubectl("delete", "-k", str(OVERLAY), timeout=120)
    lab.admin.kubectl("delete", "pv/hera-rollout-records", "--ignore-not-found")
    shutil.rmtree(made.folder, ignore_errors=True)
    lab.clean()


def test_without_an_open_run_a_job_does_nothing_and_succeeds(lab, watch):
    """It must never begin a rollout by itself."""
    lab.forget()
    condition, code, log = watch.job("watch-nothing")
    assert (condition, code) == ("Complete", 0), log
    assert "No run of 04_production is open" in log
    assert list(records.find(watch.folder)) == []


def test_a_job_goes_on_with_the_open_run_and_a_hold_is_no_failed_job(lab, watch, cluster):
    """Begun by a person; the Job has no canary's record on its volume, so it must say HOLD and change nothing."""
    lab.forget()
    begun = State.load(cluster)
    begun.enter("watched", "04_production", by="Ada")
    first = state.begin(begun, "04_production", by="Ada")
    before = lab.generation()
    condition, code, log = watch.job("watch-hold")
    assert (condition, code) == ("Complete", 0), log
    record = watch.record()
    assert (record.verdict, record.data["notebook"], record.data["rollout"]) == ("HOLD", "04_production", "watched")
    assert record.data["operator"] == ACCOUNT
    assert record.data["versions"]
    kept = State.load(cluster).facts
    run = kept.runs["04_production"]
    assert (run.id, run.attempts, run.by, run.concluded) == (first.id, 2, ACCOUNT, "")
    assert [(one.verdict, one.sha256) for one in kept.records] == [("HOLD", record.data["seal"])]
    assert state.holder(cluster) is None, "it did not give the lease back"
    assert lab.generation() == before, "it changed the Deployment"


def test_in_the_pod_everything_is_reached_and_only_what_is_withheld_is_missing(watch):
    """Phase 1's preflight asks for all of the operator's rights; it is FAIL without them, and so is the Job."""
    words = ("run", "01", "--target=watch", "--records=/records", "-p", "rollout", "looked")
    condition, code, log = watch.job("watch-preflight", *words)
    assert (condition, code) == ("Failed", 1), log
    checks = {check["name"]: check for check in watch.record().data["checks"]}
    reached = ("Argo Server", "Argo CRDs", "backend", "Hera in the backend", "PVC", "Prometheus")
    assert {name: checks[name]["verdict"] for name in reached} == dict.fromkeys(reached, "PASS")
    assert set(checks["permissions"]["evidence"]["missing"]) == WITHHELD


def test_records_are_copied_in_and_out_as_the_readme_says(watch, tmp_path):
    """Into the volume as the image's user, who has to read them there."""
    (tmp_path / "backend-2026-11").mkdir()
    (tmp_path / "backend-2026-11/word").write_text("kept")
    desk = (ROOT / "deploy/watch/desk.yaml").read_text()
    watch.kubectl("apply", "-f", "-", stdin=desk.replace("image: hera-rollout-kit", "image: rollout-lab/kit:lab"))
    try:
        watch.kubectl("wait", "pod/hera-rollout-desk", "--for=condition=Ready", "--timeout=40s")
        watch.kubectl("cp", str(tmp_path / "backend-2026-11"), "argo/hera-rollout-desk:/records/")
        assert (watch.folder / "backend-2026-11/word").read_text() == "kept"
        assert (watch.folder / "backend-2026-11/word").stat().st_uid == 10001
        watch.kubectl("cp", "argo/hera-rollout-desk:/records", str(tmp_path / "back"))
        assert (tmp_path / "back/backend-2026-11/word").read_text() == "kept"
    finally:
        watch.kubectl("delete", "pod/hera-rollout-desk")


@pytest.fixture(scope="module")
def as_watch(lab, watch):
    """The API server, asked with the account's own token."""
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600))
    token = lab.admin.core.create_namespaced_service_account_token(ACCOUNT, "argo", request).status.token
    settings = lab.admin.api.configuration
    trusted = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=settings.host, verify=trusted, headers=headers, timeout=10) as asked:
        yield asked


WORKFLOW = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "watch-"},
    "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]},
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "watch-probe"}}
NOT = [
    ("POST", f"{ARGO}/workflows", WORKFLOW),
    ("PATCH", f"{ARGO}/workflows/any", {"spec": {"shutdown": "Stop"}}),
    ("DELETE", f"{ARGO}/workflows/any", None),
    ("DELETE", f"{ARGO}/workflows", None),
    ("GET", f"{CORE}/secrets", None),
    ("GET", f"{CORE}/secrets/backend-database", None),
    ("POST", f"{CORE}/configmaps", CONFIG),
    ("GET", f"{CORE}/configmaps", None),
    ("GET", f"{CORE}/configmaps/hera-rollout-watch", None),
    ("DELETE", f"{CORE}/configmaps/hera-rollout-backend", None),
    ("POST", f"{CORE}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "watch-probe"}}),
    ("DELETE", f"{CORE}/pods/any", None),
    ("POST", f"{CORE}/pods/any/exec?command=id", None),
    ("PATCH", f"{APPS}/deployments/argo-server", {"metadata": {"annotations": {"watch": "probe"}}}),
    ("DELETE", f"{APPS}/deployments/backend", None),
    ("POST", f"{CORE}/serviceaccounts/operator/token", {}),
    ("GET", "/api/v1/namespaces/kube-system/pods", None),
    ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", None),
]


@pytest.mark.parametrize(("method", "path", "body"), NOT, ids=lambda value: value if isinstance(value, str) else "")
def test_what_it_does_not_need_is_refused(as_watch, method, path, body):
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    content = None if body is None else json.dumps(body)
    answer = as_watch.request(method, path, content=content, headers={"Content-Type": kind}, params={"dryRun": "All"})
    assert answer.status_code == FORBIDDEN, answer.text


def test_the_way_back_is_its_right(as_watch):
    """It can turn the flag off on the Deployment, which is what a FAIL does by itself."""
    body = {"spec": {"template": {"spec": {"containers": [{"name": "backend", "env": [
        {"name": "USE_HERA_SDK", "value": "false"}]}]}}}}  # fmt: skip
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    where = f"{APPS}/deployments/backend"
    answer = as_watch.patch(where, content=json.dumps(body), headers=headers, params={"dryRun": "All"})
    assert answer.status_code == 200, answer.text
