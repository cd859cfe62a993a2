"""Equivalence on the lab: what each path really left in the cluster, how it ran, and what the servers say of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from hera_rollout.equivalence import compare, compare_runs
from hera_rollout.equivalence.schemas import KINDS, of_openapi
from hera_rollout.workflows import linting

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "test_workflow_comparison.sh"
SHAPES = {
    "simple": {},
    "dependencies": {"dependencies": "six"},
    "requirements": {"requirementsFile": "six\nhumanize\n"},
}
CODE = "print('the same on both paths', 6 * 7)"


def submit(lab, shape, task=None):
    """One run of a task; the answer has its id, its workflow and the run's number."""
    body = {"pythonCode": CODE, **SHAPES[shape], **({"taskId": task} if task else {})}
    answer = httpx.post(f"{lab.backend_url}/api/v1/tasks/submit", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def kit(*words):
    program = Path(sys.executable).with_name("hera-rollout")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


@pytest.fixture
def script(lab, target_path):
    """The guide's script, at this place by the variables it names."""
    place = {"API_URL": lab.backend_url, "TARGET": target_path}

    def run(*words):
        return subprocess.run(
            [SCRIPT, *words], env=os.environ | place, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.fixture(scope="module")
def schema(cluster):
    found = of_openapi(cluster.connection.get("/openapi/v3/apis/argoproj.io/v1alpha1"), "the lab's CRDs")
    assert found is not None, "the lab has the full CRDs"
    assert set(found.kinds) == set(KINDS)
    return found


@pytest.fixture(scope="module")
def both(lab, workflows):
    """For each shape one task that ran by the YAML path first and by the Hera path then: its id and both names."""
    lab.clean()
    lab.set_flag(enabled=False)
    yaml = {shape: submit(lab, shape) for shape in SHAPES}
    lab.set_flag(enabled=True)
    hera = {shape: submit(lab, shape, yaml[shape]["id"]) for shape in SHAPES}
    found = {shape: (yaml[shape]["id"], yaml[shape]["workflowId"], hera[shape]["workflowId"]) for shape in SHAPES}
    for _, *names in found.values():
        for name in names:
            assert workflows.wait(name, 180).succeeded, name
    yield found
    lab.clean()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_healthy_paths_leave_and_run_the_same(both, workflows, schema, shape):
    _, *names = both[shape]
    yaml, hera = (workflows.get(name) for name in names)
    labels = [one["metadata"]["labels"]["hera-rollout/path"] for one in (yaml, hera)]
    assert labels == ["yaml", "hera"]
    manifests = compare(yaml, hera, schema=schema, namespace=workflows.target.namespace)
    assert manifests.worst == "none", [d for d in manifests.differences if d.severity != "none"]
    by_shape = set() if shape == "simple" else {"shell-comments"}
    used = {rule.name for rule in manifests.rules_used} - {"key-order"}
    assert used == {"main-container-name", "chosen-name", "rollout-labels", "server-metadata", "status"} | by_shape
    logs = [{row["node"]: row["logs"] for _, row in workflows.logs(one).iterrows()} for one in (yaml, hera)]
    assert all("the same on both paths 42" in "".join(side.values()) for side in logs)
    runs = compare_runs(yaml, hera, *logs)
    assert runs.same, runs.differences
    assert (runs.nodes, runs.logs) == (1, 1)
    assert {m.what for m in runs.measures} >= {"seconds", "resourcesDuration cpu (indicative)"}


def test_the_command_compares_them_in_the_cluster_and_creates_nothing(both, lab, target_path):
    task, *names = both["dependencies"]
    mine = f"hera-rollout/task={task}"
    before = {one["metadata"]["name"] for one in lab.operator.workflows(mine)}
    done = kit("diff", *names, "--live", "--target", target_path, "--dry-run-server", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["pairs"][0]
    assert found["runs"]["same"]
    assert [(one["side"], one["said"]) for one in found["servers"]] == [
        ("yaml", "accepted"), ("yaml", "accepted"), ("hera", "accepted"), ("hera", "accepted"),
    ]  # fmt: skip
    assert {one["metadata"]["name"] for one in lab.operator.workflows(mine)} == before == set(names)
    shown = kit("diff", *names, "--live", "--target", target_path)
    assert "rule shell-comments" in shown.stdout
    assert "1 compared: 1 same" in shown.stdout
    other = kit("diff", names[0], both["simple"][2], "--live", "--target", target_path)
    assert other.returncode == 1
    gone = kit("diff", names[0], "no-such-workflow", "--live", "--target", target_path)
    assert gone.returncode == 2


def test_the_guides_script_compares_what_the_backend_keeps(both, lab, script):
    tasks = [task for task, *_ in both.values()]
    done = script(*tasks, "--api-url", lab.backend_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 compared: 3 same, 0 different; 0 not comparable" in done.stdout
    live = script("--live", *both["simple"][1:])
    assert live.returncode == 0, live.stdout + live.stderr
    assert script("--help").stdout.startswith("Usage:")
    assert script("--api-url", "http://127.0.0.1:1").returncode == 2


def test_paths_that_differ_are_found(both, lab, workflows, script):
    task, yaml, _ = both["dependencies"]
    lab.set_faults(paths_differ="on")
    try:
        broken = submit(lab, "dependencies", task)["workflowId"]
    finally:
        lab.set_faults()
    made = compare(workflows.get(yaml), workflows.get(broken), namespace=workflows.target.namespace)
    assert [(d.path, d.op, d.severity) for d in made.differences if not d.harmless] == [
        ("spec.synchronization", "only-yaml", "behavioural"),
        ("spec.templates[main].script.env[RESULTS_DIR]", "only-yaml", "behavioural"),
    ]
    done = script(task)
    assert done.returncode == 1
    assert "spec.synchronization" in done.stdout
    workflows.wait(broken, 120)


def test_a_dirty_yaml_side_is_found_though_the_server_drops_it_silently(both, lab, workflows, script):
    lab.set_flag(enabled=False)
    lab.set_faults(dirty_yaml="on")
    try:
        dirty = submit(lab, "simple")
    finally:
        lab.set_faults()
        lab.set_flag(enabled=True)
    task = dirty["id"]
    submit(lab, "simple", task)
    stored = workflows.get(dirty["workflowId"])
    assert "_env" not in stored["spec"]["templates"][0], "what is in the cluster shows nothing of it"
    done = script(task, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["pairs"][0]["manifests"]["differences"]
    illegal = {one["path"]: one for one in found if one["severity"] == "illegal"}
    assert set(illegal) == {"spec.templates[main]._env", "spec.templates[main]._volume_mounts"}
    assert all("yaml" in one and "hera" not in one for one in illegal.values())


def test_what_each_server_sees_and_that_neither_creates(both, lab, cluster, workflows):
    _, name, _ = both["simple"]
    document = linting.submittable(workflows.get(name))
    document["metadata"]["labels"] = {"kit-test/lint": name}
    dirty, senseless = (
        {**document, "spec": {**document["spec"], **extra}} for extra in ({"_env": 1}, {"entrypoint": "x"})
    )
    assert [found.said for found in linting.lint(cluster, document)] == ["accepted", "accepted"]
    strict, argo = linting.lint(cluster, dirty)
    assert (strict.said, argo.said) == ("refused", "accepted")
    assert 'unknown field "spec._env"' in strict.reason
    strict, argo = linting.lint(cluster, senseless)
    assert (strict.said, argo.said) == ("accepted", "refused")
    assert "'x' undefined" in argo.reason
    cron = {"kind": "CronWorkflow", "apiVersion": "argoproj.io/v1alpha1", "metadata": {"name": "kit-test"}}
    cron["spec"] = {"schedules": ["* * * * *"], "workflowSpec": document["spec"]}
    strict, _ = linting.lint(cluster, cron)
    assert (strict.said, "cannot create" in strict.reason) == ("not asked", True)
    assert lab.operator.workflows(f"kit-test/lint={name}") == []
