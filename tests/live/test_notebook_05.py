"""Notebook 05 on the lab by the kit's command: the cleaned backend runs, and what must not be is put back.

With the service's whole suite, and as a person without approvals at hand walks it: the reference copy in tests/nbval/,
replayed by tests/run before these; here the suite is cut to what a minute allows. Its whole suite on the cleaned source
is in tests/hera_rollout/cleanup/test_golden.py, and what it refuses in test_cleanup_steps.py there.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from hera_rollout import records
from hera_rollout.parameters import validate
from hera_rollout.phase.steps.cleaning import planned
from rollout_lab import service_repository

pytestmark = [pytest.mark.live, pytest.mark.timeout(500)]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
GOLDEN = ROOT / "tests" / "golden" / "cleaned_backend"
PACKAGE = "lib/reference_backend"
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
"""The target's commands are looked for in PATH, as in a shell where the kit's environment is active."""
SUITE = f"sh -c 'cd {PACKAGE} && python -m pytest -q -x -p no:cacheprovider tests/test_submission.py'"
CLEANS = {"known": f"{GOLDEN}.toml", "mends": f"{GOLDEN}.patch", "templates": "True"}
COMMON = {
    "dry_run": "False",
    "rollout": "cleanup-test",
    "tests": SUITE,
    "experience": "fewer templates",
    "asked": "Ann",
}
DEPLOY, EARLY = "deploy the cleaned service", "clean up before the guide's 2 to 4 weeks"


@pytest.fixture
def before(clean_backend, passed):
    """Where the records are that 05 asks for: production's that passed, of nbval's run."""
    assert "04_production" in passed, (
        "tests/run leaves it; by hand: tests/nbval/prepare.py FOLDER 03_canary 04_production"
    )
    return str(passed["04_production"].folder.parent.parent)


@pytest.fixture
def service(tmp_path):
    """The practice backend's own git repository."""
    folder = tmp_path / "service"
    service_repository.make(ROOT, folder)
    return folder


@pytest.fixture
def on_by_file(clean_backend):
    """The flag on as a canary leaves it."""
    clean_backend.set_flag(True)
    return clean_backend


@pytest.fixture
def in_production(on_by_file):
    """The flag on by its variable, too; afterwards the checkout's own backend."""
    on_by_file.set_env(USE_HERA_SDK="true")
    image = deployed(on_by_file)["image"]
    yield on_by_file
    if deployed(on_by_file)["image"] != image:
        subprocess.run(
            [BIN / "rollout-lab", "load-backend", "--project", ROOT], env=ENVIRONMENT, check=True, timeout=300
        )
        on_by_file.settled()
    assert deployed(on_by_file)["image"] == image


def deployed(lab):
    """The backend's container as deployed."""
    found = lab.operator.apps.read_namespaced_deployment("backend", lab.namespace)
    container = found.spec.template.spec.containers[0]
    return {"image": container.image, "env": {entry.name for entry in container.env}}


def git(folder, *words):
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True)
    return done.stdout


def digest(service):
    """Of the plan that is to be approved."""
    values = {**CLEANS, "repository": str(service)}
    return planned(validate("05_cleanup", values), "USE_HERA_SDK").digest


def approvals(*subjects):
    """As the parameter takes them."""
    return json.dumps([{"approver": "Ann", "rollout": "cleanup-test", "phase": "05_cleanup", "what": what,
                        "reason": "a test", "at": datetime.now(UTC).isoformat()} for what in subjects])  # fmt: skip


def run(folder, before, service, target, **parameters):
    """`hera-rollout run 05`; its exit code and its record."""
    given = {**COMMON, **CLEANS, "records": before, "repository": str(service), **parameters}
    options = [word for name, value in given.items() for word in ("-p", name, str(value))]
    command = [BIN / "hera-rollout", "run", "05", "--target", target, "--records", folder, *options]
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=450, check=False)
    found = [record for record in records.find(folder) if record.data["notebook"] == "05_cleanup"]
    assert found, done.stderr
    return done.returncode, found[0]


def checks(record):
    return {check["name"]: check for check in record.data["checks"]}


@pytest.mark.soak  # tests/nbval/05_cleanup.ipynb comes to the same end, in one run
def test_flag_and_yaml_path_leave_the_service_and_the_cleaned_one_runs(
    in_production, before, service, tmp_path, target_path
):
    """In two runs: nobody approved the deploy in the first, and the second goes on from its branch."""
    flagged, main = deployed(in_production), git(service, "rev-parse", "main")
    code, record = run(tmp_path, before, service, target_path, experience="",
                       approval=approvals(EARLY, f"remove USE_HERA_SDK, plan {digest(service)}"))  # fmt: skip
    assert (code, record.verdict) == (3, "HOLD"), record.data["reason"]
    assert "hera-rollout approve" in checks(record)[f"approval: {DEPLOY}"]["todo"]
    assert deployed(in_production) == flagged
    branch = git(service, "rev-parse", "cleanup/use-hera-sdk")

    code, record = run(tmp_path, before, service, target_path, approval=approvals(DEPLOY))
    found = checks(record)
    assert (code, record.verdict) == (0, "PASS"), record.data["reason"]
    assert "is a deviation, approved by Ann: a test" in found["settled"]["seen"]
    assert "where the guide asks for 2 to 4 weeks" in (record.folder / "report.html").read_text(encoding="utf-8")
    assert "6 of 6 scenarios ran and passed" in found["scenarios with the flag on"]["seen"]
    assert "0 differences matter" in found["same manifest"]["seen"]
    assert found["final report"]["evidence"]["without"] == []
    assert (git(service, "rev-parse", "main"), git(service, "rev-parse", "cleanup/use-hera-sdk")) == (main, branch)
    assert git(service, "status", "--porcelain") == ""
    assert tree(service, "cleanup/use-hera-sdk") == golden()
    now = deployed(in_production)
    assert now["image"] != flagged["image"]
    assert "USE_HERA_SDK" in flagged["env"] - now["env"]
    assert httpx.get(f"{in_production.backend_url}/api/v1/flag", timeout=5).status_code == 404


def tree(service, branch):
    """The backend's package on the branch: every file's text by its path in the package."""
    names = git(service, "ls-tree", "-r", "--name-only", branch, f"{PACKAGE}/").split()
    return {name.removeprefix(f"{PACKAGE}/"): git(service, "show", f"{branch}:{name}") for name in names} | ELSEWHERE


def golden():
    """The tree that was cleaned by hand."""
    files = [path for path in GOLDEN.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(GOLDEN).as_posix(): path.read_text() for path in files} | ELSEWHERE


ELSEWHERE = {"tests/ruff.toml": "the project's linter would read it in the golden tree"}


NOWHERE = """
from kubernetes import client, config
api = client.AppsV1Api(config.new_client_from_config("{kubeconfig}", "{context}"))
containers = [dict(name="backend", image="rollout-lab/backend:nowhere", imagePullPolicy="Never")]
patch = dict(spec=dict(template=dict(spec=dict(containers=containers))))
api.patch_namespaced_deployment("backend", "{namespace}", patch)
"""


@pytest.mark.soak
def test_a_deploy_that_fails_half_way_is_put_back(in_production, before, service, target_file, tmp_path):
    """Its command deploys an image that is not there, and says that all went well."""
    program = NOWHERE.format(kubeconfig=in_production.kubeconfig, context=in_production.admin.context,
                             namespace=in_production.namespace)  # fmt: skip
    (tmp_path / "deploy.py").write_text(program, encoding="utf-8")
    text = Path(target_file(medium='"env"')).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("build =", "load =", "deploy ="))]
    lines.append(f'deploy = "python {tmp_path}/deploy.py"')
    (tmp_path / "wrong.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    flagged = deployed(in_production)
    every = approvals(EARLY, DEPLOY, f"remove USE_HERA_SDK, plan {digest(service)}")
    code, record = run(tmp_path, before, service, str(tmp_path / "wrong.toml"), approval=every, tests="true")
    assert (code, record.verdict) == (1, "FAIL")
    assert "new pods cannot start" in checks(record)["deployed"]["seen"]
    in_production.settled()
    assert deployed(in_production) == flagged
    assert {said["enabled"] for said in in_production.flags()} == {True}
