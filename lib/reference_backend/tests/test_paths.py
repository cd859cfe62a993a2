"""Both paths build the same workflow; what differs is named here, so that nothing else ever does."""

import pytest

from reference_backend import hera_path, yaml_path
from reference_backend.job import Job
from reference_backend.settings import Settings

TRICKY = "print('{}: \"x\" $HOME ${name}')\n# ü 😀 \u2028 \x7f\tend\n"
JOBS = {
    "simple": Job("task-0123456789ab", 1, TRICKY, code_revision="c", flag_note="n"),
    "dependencies": Job("task-0123456789ab", 2, TRICKY, dependencies="six,humanize"),
    "requirements": Job("task-0123456789ab", 3, TRICKY, requirements_file="six==1.17.0\n"),
}


def differences(left, right, where=""):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key), right.get(key), f"{where}/{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, pair in enumerate(zip(left, right, strict=True)):
            yield from differences(*pair, f"{where}/{index}")
    elif left != right:
        yield where


@pytest.mark.parametrize("name", JOBS)
def test_the_only_differences(name):
    settings = Settings(workflow_suspend=True)
    left, right = yaml_path.build(JOBS[name], settings), hera_path.build(JOBS[name], settings).to_dict()
    kind = "container" if name == "simple" else "script"
    expected = {"/metadata/labels/hera-rollout/path", f"/spec/templates/0/{kind}/name"}
    if kind == "script":
        expected.add("/spec/templates/0/script/source")
    assert set(differences(left, right)) == expected


def test_scripts_differ_in_comments_only():
    settings = Settings()
    left = yaml_path.build(JOBS["dependencies"], settings)["spec"]["templates"][0]["script"]["source"]
    right = hera_path.build(JOBS["dependencies"], settings).to_dict()["spec"]["templates"][0]["script"]["source"]
    assert "\n".join(line for line in left.split("\n") if not line.strip().startswith("#")) == right
    assert left != right


def test_code_is_the_one_argument_and_survives_unchanged():
    container = yaml_path.build(JOBS["simple"], Settings())["spec"]["templates"][0]["container"]
    assert container["command"] == ["python", "-c"]
    assert container["args"] == [TRICKY]


def test_shape_of_the_contract():
    spec = yaml_path.build(JOBS["simple"], Settings())["spec"]
    assert spec["entrypoint"] == "main"
    assert len(spec["templates"]) == 1
    assert spec["volumes"][0]["persistentVolumeClaim"]["claimName"] == "task-results-pvc"
    assert spec["templates"][0]["container"]["volumeMounts"][0]["mountPath"] == "/mnt/results"
    assert spec["templates"][0]["container"]["image"] == "python:3.11-slim"
    assert spec["synchronization"]["mutexes"] == [{"name": "results-task-0123456789ab"}]


def test_requirements_and_dependencies_are_handed_over_by_environment():
    for job, key, value in (
        ("dependencies", "DEPENDENCIES", "six,humanize"),
        ("requirements", "REQUIREMENTS", "six==1.17.0\n"),
    ):
        script = yaml_path.build(JOBS[job], Settings())["spec"]["templates"][0]["script"]
        env = {entry["name"]: entry["value"] for entry in script["env"]}
        assert env[key] == value
        assert env["PYTHON_CODE"] == TRICKY
        assert "/tmp/venv-{{workflow.name}}" in script["source"]
