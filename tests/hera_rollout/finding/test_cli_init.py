"""`hera-rollout init` and `doctor`, as they are typed, against a server that answers as an API server does."""

import json

import pytest
import yaml
from click.testing import CliRunner

from hera_rollout.cli import main
from hera_rollout.target import Target

GIVEN = ("--backend-url", "http://127.0.0.1:9", "--argo-url", "http://127.0.0.1:9", "--prometheus-url", "")


def listed(*names):
    template = {"spec": {"containers": [{"name": "main"}]}}
    return json.dumps({"items": [{"metadata": {"name": name}, "spec": {"template": template}} for name in names]})


@pytest.fixture
def typed(tmp_path, monkeypatch, answering):
    """Types `init` where the namespace `jobs` has these Deployments; answers what came of it."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, deployments=("api",), stdin=""):
        server = answering({
            "/version": (200, '{"gitVersion": "v1.35.0"}'),
            "/apis/apps/v1/namespaces/jobs/deployments": (200, listed(*deployments)),
            "/api/v1/services": (403, '{"message": "services is forbidden"}'),
            "/api/v1/namespaces/jobs/services": (403, '{"message": "services is forbidden"}'),
            "/apis/networking.k8s.io/v1/ingresses": (200, '{"items": []}'),
        })  # fmt: skip
        content = {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "sesame"}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "jobs"}}],
            "current-context": "here",
        }
        (tmp_path / "config").write_text(yaml.safe_dump(content))
        words = ["init", "--target", "qa", "--kubeconfig", "config", *arguments]
        return CliRunner().invoke(main, words, input=stdin)

    return call


def test_the_defaults_make_a_target_that_loads(typed, tmp_path):
    done = typed("--yes", *GIVEN)
    assert done.exit_code == 0, done.output
    target = Target.load("qa", search=tmp_path)
    assert (target.context, target.namespace, target.deployment, target.container) == ("here", "jobs", "api", "main")
    assert (target.kubeconfig, target.prometheus_url) == (tmp_path / "config", None)
    assert "hera-rollout doctor --target qa" in done.output
    assert "services cannot be listed" in done.output
    assert "sesame" not in done.output + (tmp_path / "targets" / "qa.toml").read_text()


def test_answers_are_asked_for_one_by_one_and_an_empty_line_takes_the_default(typed, tmp_path):
    done = typed(*GIVEN, deployments=("api", "web"), stdin="\n\nweb\n")
    assert done.exit_code == 0, done.output
    assert "context [here]" in done.output
    assert Target.load("qa", search=tmp_path).deployment == "web"


@pytest.mark.parametrize(
    ("arguments", "deployments", "told"),
    [
        (("--yes",), ("api", "web"), "Which Deployment submits workflows cannot be told"),
        (("--yes",), ("argo-server",), "Namespace jobs has no Deployment but Argo's own"),
        (("--yes", "--deployment", "ap"), ("api",), "has no Deployment 'ap'"),
        (("--yes", "--context", "there"), ("api",), "no context 'there'"),
        (("--yes", "--namespace", "No!"), ("api",), "No namespace can be called 'No!'"),
        ((), ("api",), "Nobody answered"),
    ],
)
def test_what_is_not_found_is_refused_with_what_there_is_and_nothing_is_written(
    typed, tmp_path, arguments, deployments, told
):
    done = typed(*arguments, *GIVEN, deployments=deployments)
    assert done.exit_code == 2, done.output
    assert told in done.output
    assert "Expected:" in done.output
    assert not (tmp_path / "targets").exists()


def test_a_target_that_is_there_is_left_alone_but_for_force(typed, tmp_path):
    assert typed("--yes", *GIVEN).exit_code == 0
    path = tmp_path / "targets" / "qa.toml"
    path.write_text("mine")
    done = typed("--yes", *GIVEN)
    assert (done.exit_code, path.read_text()) == (2, "mine")
    assert typed("--yes", "--force", *GIVEN).exit_code == 0
    assert path.read_text() != "mine"


@pytest.mark.parametrize("name", ["../qa", "a/b", "", "Qa"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["init", "--target", name, "--yes"])
    assert done.exit_code == 2
    assert "No target can be called" in done.output


def test_a_kubeconfig_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["init", "--target", "qa", "--kubeconfig", "none", "--yes"])
    assert done.exit_code == 2
    assert "The kubeconfig none cannot be read" in done.output


def test_doctor_refuses_a_target_whose_cluster_is_not_there(typed, tmp_path):
    assert typed("--yes", *GIVEN).exit_code == 0
    (tmp_path / "config").unlink()
    done = CliRunner().invoke(main, ["doctor", "--target", "qa"])
    assert done.exit_code == 2
    assert "There is no kubeconfig at" in done.output


def test_doctor_is_1_where_a_check_fails_and_says_what_to_do_about_each(typed):
    assert typed("--yes", *GIVEN).exit_code == 0
    done = CliRunner().invoke(main, ["doctor", "--target", "qa"])
    assert done.exit_code == 1, done.output
    assert "✗ FAIL   Argo Server" in done.output
    assert "✓ PASS   Prometheus" in done.output
    assert "guide, “Workflows not creating”: PVC is available" in done.output
    assert "1 of 8 checks are PASS." in done.output
