"""`init` writes the lab's target by looking at it, and `doctor` examines the lab through that target."""

import json
import subprocess
import sys

import pytest

from hera_rollout.target import Target

pytestmark = pytest.mark.live
PROGRAM = (sys.executable, "-c", "from hera_rollout.cli import main; main()")


@pytest.fixture
def typed(tmp_path, lab):
    def call(*words):
        command = [*PROGRAM, *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return call


def test_who_may_look_finds_all_of_it_and_the_doctor_examines_it(typed, tmp_path, lab, target):
    made = typed("init", "--target", "found", "--kubeconfig", str(lab.kubeconfig), "--context", "lab-admin", "--yes")
    assert made.returncode == 0, made.stderr
    found = Target.load("found", search=tmp_path)
    named = ("namespace", "deployment", "container", "service_account", "backend_url", "argo_url", "prometheus_url")
    assert [getattr(found, name) for name in named] == [getattr(target, name) for name in named]
    assert found.workflow == target.workflow

    path = tmp_path / "targets" / "found.toml"
    path.write_text(path.read_text().replace('context = "lab-admin"', 'context = "lab"'))
    examined = typed("doctor", "--target", "found", "--json")
    assert examined.returncode == 0, examined.stdout
    assert {check["verdict"] for check in json.loads(examined.stdout)} == {"PASS"}


def test_who_may_not_list_services_is_told_so_and_which_option_it_takes(typed, tmp_path, lab):
    made = typed("init", "--target", "found", "--kubeconfig", str(lab.kubeconfig), "--yes")
    assert made.returncode == 2
    assert "services cannot be listed" in made.stderr
    assert "Give it with --argo-url" in made.stderr
    assert not (tmp_path / "targets").exists()
