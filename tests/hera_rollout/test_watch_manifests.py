"""deploy/watch, its overlay for the lab and the kit's image fit the kit: rights, parameters, targets, packages."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from hera_rollout.cli.running import typed
from hera_rollout.parameters import validate
from hera_rollout.target import Target

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LEFT_OUT = {"jupyterlab", "libcst", "radon", "ruamel-yaml", "ruff"}
BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
import hera_rollout.cli, hera_rollout.records, hera_rollout.phase.steps, hera_rollout.notify.delivering
"""


def load(path):
    return list(yaml.safe_load_all((DEPLOY / path).read_text()))


def rules(path):
    return next(one for one in load(path) if one["kind"] == "Role")["rules"]


def triples(role):
    """Each right with each name that it is narrowed to; "" where it is not."""
    return {
        (group, resource, verb, name)
        for rule in role
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


@pytest.fixture
def spec():
    return load("watch/cronjob.yaml")[0]["spec"]


@pytest.fixture
def container(spec):
    return spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


def test_a_watch_may_nothing_that_the_operator_may_not():
    wider = triples(rules("rbac/operator.yaml"))
    mine = triples(rules("watch/rights.yaml"))
    assert {one for one in mine if one not in wider and (*one[:3], "") not in wider} == set()
    assert len(mine) < len(wider)


def test_every_right_says_what_needs_it():
    lines = (DEPLOY / "watch/rights.yaml").read_text().splitlines()
    assert [line for line in lines if line.startswith("      - ") and "# " not in line] == []


def test_the_notebook_takes_what_the_cronjob_gives_it(container):
    values = {entry["name"]: entry.get("value", "") for entry in container["env"]}
    words = [re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], word) for word in container["args"]]
    (notebook,) = [path.stem for path in (ROOT / "notebooks").glob(f"{words[1]}*.ipynb")]
    given = tuple((words[at + 1], words[at + 2]) for at, word in enumerate(words) if word == "-p")
    checked = validate(notebook, typed(notebook, given) | {"target": "watch"}).model_dump()
    assert (checked["dry_run"], checked["on_fail"]) == (False, "rollback")
    assert {"--only-open", "--hold-is-fine"} <= set(words)


def test_one_job_at_a_time_that_ends_before_the_next_begins(spec):
    job = spec["jobTemplate"]["spec"]
    values = {entry["name"]: entry.get("value") for entry in job["template"]["spec"]["containers"][0]["env"]}
    assert spec["concurrencyPolicy"] == "Forbid"
    assert job["backoffLimit"] == 0, "a FAIL must not be tried again"
    assert int(values["PATIENCE_SECONDS"]) < job["activeDeadlineSeconds"] < 3600


def test_nothing_is_written_but_to_volumes_and_nobody_is_root(spec, container):
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    image = (DEPLOY / "Containerfile.kit").read_text()
    assert f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" in image
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/records", "/tmp"}
    assert "HOME=/tmp" in image


def test_its_target_is_the_pods_own_cluster():
    target = Target.load(str(DEPLOY / "watch/watch.toml"))
    assert (target.kubeconfig, target.context) == (None, None)


def test_the_labs_target_from_within_is_the_labs_but_for_how_it_is_reached():
    paths = (ROOT / "targets/lab.toml", DEPLOY / "overlays/lab-watch/watch.toml")
    outer, inner = (tomllib.loads(path.read_text()) for path in paths)
    reached = {"title", "kubeconfig", "context", "backend_url", "argo_url", "prometheus_url", "packages", "commands"}
    assert {key: inner.get(key) for key in outer if key not in reached} == {
        key: value for key, value in outer.items() if key not in reached
    }
    assert not {"kubeconfig", "context"} & inner.keys()


def requirements(text):
    return {re.match(r"[a-z0-9-]+", line)[0]: line for line in text.splitlines() if re.match(r"[a-z]", line)}


def test_the_images_packages_are_the_kits_less_those_that_no_headless_run_imports():
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = {name: line for name, line in requirements("\n".join(own)).items() if name not in LEFT_OUT}
    assert requirements((DEPLOY / "requirements-kit.in").read_text()) == wanted
    script = BLOCKED.format(blocked={name.replace("-yaml", "") for name in LEFT_OUT})
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_the_images_lock_has_hashes_no_index_and_the_projects_versions():
    text = (DEPLOY / "requirements-kit.lock").read_text()
    mine, all_of_it = (
        dict(re.findall(r"(?m)^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", one))
        for one in (text, (ROOT / "requirements.lock").read_text())
    )
    assert requirements((DEPLOY / "requirements-kit.in").read_text()).keys() <= mine.keys()
    assert {name: all_of_it.get(name) for name in mine} == mine
    assert "://" not in text
    assert all("--hash=sha256:" in block for block in re.split(r"(?m)^(?=[a-z])", text) if "==" in block)
