"""A watch goes on with a run that was left open, and begins none."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from hera_rollout.cli.going_on import open_rollout
from hera_rollout.errors import RolloutError
from hera_rollout.state.documents import Facts, Rollout, RunState, encoded

WATCH = "04_production"
WHERE = "/api/v1/namespaces/argo/configmaps/hera-rollout-backend"


@pytest.fixture
def place(tmp_path, answering):
    """A target whose API server has this state; None: it has none."""

    def make(facts):
        answers = {"/version": (200, '{"gitVersion": "v1"}')}
        if facts is not None:
            document = {"metadata": {"resourceVersion": "1"}, "data": encoded(facts)}
            answers[WHERE] = (200, json.dumps(document))
        url = answering(answers)
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"token": "sesame"}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        target = tmp_path / "there.toml"
        target.write_text(f'kubeconfig = "{tmp_path}/kubeconfig"\nbackend_url = "{url}"\nargo_url = "{url}"\n')
        return str(target)

    return make


def facts(phase=WATCH, concluded="", hours=1.0):
    left = datetime.now(UTC) - timedelta(hours=hours)
    run = RunState(id="04-1", began=left, touched=left, by="Ada", code_revision="abc", concluded=concluded)
    return Facts(rollout=Rollout(id="backend-2026-11", phase=phase, since=left), runs={phase: run})


def test_the_run_that_is_open_is_found_with_its_rollout(place):
    assert open_rollout(WATCH, place(facts()), {}) == "backend-2026-11"
    assert open_rollout(WATCH, place(facts()), {"rollout": "backend-2026-11"}) == "backend-2026-11"


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (None, {}),
        (Facts(), {}),
        (facts(concluded="PASS"), {}),
        (facts(concluded="FAIL"), {}),
        (facts(phase="03_canary"), {}),
        (facts(hours=80), {}),
        (facts(), {"rollout": "another"}),
    ],
    ids=["no state", "empty", "passed", "failed", "another phase", "left days ago", "another rollout"],
)
def test_nothing_else_is_gone_on_with(place, kept, asked):
    assert open_rollout(WATCH, place(kept), asked) == ""


def test_a_cluster_that_does_not_answer_is_an_error_and_not_nothing_to_do(place, closed_url, tmp_path):
    path = place(facts())
    kubeconfig = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    kubeconfig["clusters"][0]["cluster"]["server"] = closed_url
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    with pytest.raises(RolloutError, match="did not answer"):
        open_rollout(WATCH, path, {})
