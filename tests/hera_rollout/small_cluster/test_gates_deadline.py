"""After how long a workflow has failed is the run's own parameter, for the gates as for the scenarios."""

import pytest

from hera_rollout.phase.steps import climbing, deploying

WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
NONE = (200, {"items": [], "metadata": {"resourceVersion": "1"}})


@pytest.mark.parametrize(("given", "seconds"), [({"workflow_deadline_seconds": 7}, 7), ({}, 300)])
def test_the_gates_count_a_workflow_as_failed_when_the_parameter_says(kube, begun, given, seconds):
    kube.trouble = lambda _method, path: NONE if path == WORKFLOWS else None
    assert climbing.Climb.of(begun("03_canary", **given)).look.deadline == seconds
    assert deploying.looker(begun("04_production", **given)).deadline == seconds
