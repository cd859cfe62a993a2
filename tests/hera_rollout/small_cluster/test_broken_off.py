"""What a run that breaks off says: that it had changed something, and where the flag stands then."""

import asyncio
import json
import threading
from datetime import UTC, datetime

import pytest
from IPython.utils.capture import capture_output

from hera_rollout import flag
from hera_rollout.cluster import Cluster
from hera_rollout.errors import Conflicting
from hera_rollout.phase.steps import switching
from hera_rollout.records import standing


def step_evidence(captured):
    pieces = [(output.metadata or {}).get("hera-rollout", {}) for output in captured.outputs]
    return [piece for piece in pieces if piece.get("kind") == "step"]


def test_a_step_that_breaks_off_after_a_flip_says_that_the_flag_was_changed(kube, begun, cluster):
    phase = begun("03_canary")
    with capture_output() as captured:
        with pytest.raises(Conflicting), phase.step("before"):
            raise Conflicting("It was changed since it was read.")
        change = flag.plan(cluster, enabled=True)
        with pytest.raises(Conflicting), phase.step("after"):
            asyncio.run(switching.flipping(phase, lambda live: flag.throw(cluster, change, live.line), enabled=True))
            raise Conflicting("It was changed since it was read.")
    assert [step["changed"] for step in step_evidence(captured)] == [[], ["the flag"]]
    assert kube.variable == "true"


@pytest.mark.parametrize(("variable", "file", "words"), [
    ("true", {"enabled": "true", "percent": "10"},
     "USE_HERA_SDK is 'true'; configmap/backend-flag says enabled true, percent 10"),
    (None, None, "no USE_HERA_SDK; no configmap/backend-flag"),
    ("true", None, "USE_HERA_SDK is 'true'; no configmap/backend-flag"),
])  # fmt: skip
def test_where_the_flag_stands_is_read_from_both_media_with_the_way_back(kube, cluster, variable, file, words):
    kube.variable, kube.file = variable, file
    said = standing.sentence(cluster.target, "there")
    assert words in said
    assert said.endswith("To turn it off: hera-rollout rollback --target there --yes")


def test_a_cluster_that_never_answers_makes_no_record_wait(cluster, monkeypatch):
    monkeypatch.setattr(standing, "SECONDS", 0.2)
    monkeypatch.setattr(Cluster, "connect", lambda _target: threading.Event().wait(5))
    began = datetime.now(UTC)
    said = standing.sentence(cluster.target, "there")
    assert said.startswith("Where the flag stands is not known: the cluster did not answer within")
    assert "hera-rollout rollback --target there --yes" in said
    assert (datetime.now(UTC) - began).total_seconds() < 4


def test_a_cluster_that_answers_nonsense_is_not_known(kube, cluster):
    kube.trouble = lambda _method, path: (200, json.loads("{}")) if "deployments" in path else None
    assert "not known" in standing.sentence(cluster.target, "there")
