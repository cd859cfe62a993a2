"""deploy/ and the backend's package fit each other and the contract."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def load(path):
    return list(yaml.safe_load_all((DEPLOY / path).read_text()))


@pytest.fixture
def deployment():
    return load("base/deployment.yaml")[0]["spec"]


@pytest.fixture
def container(deployment):
    return deployment["template"]["spec"]["containers"][0]


def test_the_backends_dependencies_are_written_down_the_same_in_both_places():
    own = tomllib.loads((ROOT / "lib/reference_backend/pyproject.toml").read_text())["project"]["dependencies"]
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["backend"]
    assert own == extra


def test_the_images_lock_has_each_dependency_with_hashes_and_no_index():
    text = (DEPLOY / "requirements-backend.lock").read_text()
    own = tomllib.loads((ROOT / "lib/reference_backend/pyproject.toml").read_text())["project"]["dependencies"]
    locked = dict(re.findall(r"(?m)^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", text))
    assert {re.match(r"[a-z-]+", name)[0] for name in own} <= locked.keys()
    assert "http" not in text
    assert "--index" not in text
    assert all("--hash=sha256:" in block for block in re.split(r"(?m)^(?=[a-z])", text) if "==" in block)


def test_the_images_lock_agrees_with_the_projects_lock():
    versions = [
        dict(re.findall(r"(?m)^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", path.read_text()))
        for path in (DEPLOY / "requirements-backend.lock", ROOT / "requirements.lock")
    ]
    assert {name: versions[1].get(name) for name in versions[0]} == versions[0]


def test_zero_drop_rolling_update(deployment, container):
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 2, "maxUnavailable": 0}
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] >= 2
    assert container["readinessProbe"]["periodSeconds"] == 1
    # The pause and the server's own grace fit into the pod's.
    from reference_backend.__main__ import GRACE_SECONDS

    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] > 2 + GRACE_SECONDS


def test_names_of_the_contract(container):
    from reference_backend.settings import Settings

    service = load("base/service.yaml")[0]
    assert (container["name"], service["metadata"]["name"]) == ("backend", "backend")
    assert service["spec"]["ports"][0]["port"] == 8000
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounts["flag"] == str(Settings().flag_dir)
    assert mounts["faults"] == str(Settings().faults_dir)


def test_flag_and_faults_are_optional_and_not_made_by_the_base(deployment):
    volumes = {volume["name"]: volume.get("configMap") for volume in deployment["template"]["spec"]["volumes"]}
    assert volumes["flag"] == {"name": "backend-flag", "optional": True}
    assert volumes["faults"] == {"name": "backend-faults", "optional": True}
    assert not [path for path in DEPLOY.rglob("*.yaml") if "kind: ConfigMap" in path.read_text()]


def test_the_flag_is_unset_so_that_the_file_decides(container):
    assert "USE_HERA_SDK" not in {entry["name"] for entry in container["env"]}


def test_every_variable_of_the_deployment_is_a_setting(container):
    from reference_backend.settings import Settings

    assert {entry["name"].lower() for entry in container["env"]} <= set(Settings.model_fields)


def test_rbac_gap_takes_out_what_it_says():
    patch = yaml.safe_load(load("components/rbac-gap/kustomization.yaml")[0]["patches"][0]["patch"])
    rules = load("base/role.yaml")[0]["rules"]
    assert rules[0]["resources"] == ["workflows"]
    assert set(rules[0]["verbs"]) - set(patch[0]["value"]) == {"patch", "delete"}
    assert (patch[1]["op"], rules[2]["resources"]) == ("remove", ["pods/log"])


def test_containerfile_starts_the_server_without_a_shell():
    text = (DEPLOY / "Containerfile").read_text()
    assert 'CMD ["python3", "-m", "reference_backend"]' in text
    assert re.search(r"(?m)^USER \d+", text)
    assert text.count("ARG BASE=python:3.11-slim") == 1
