"""What servers say of a manifest goes by the status of their answer, and not by words that the manifest may hold."""

import pytest

from hera_rollout.errors import RolloutError
from hera_rollout.workflows import linting

KUBERNETES = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows"
ARGO = "/api/v1/workflows/argo/lint"
DOCUMENT = {"kind": "Workflow", "metadata": {"name": "w"}, "spec": {"entrypoint": "it answered 403 to me"}}


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (422, 'spec.entrypoint: Invalid value: "it answered 403 to me"', "refused"),
        (400, "template it answered 401 to me undefined", "refused"),
        (403, "workflows is forbidden", "not asked"),
        (401, "token not valid", "not asked"),
        (404, "no such route", "not asked"),
        (200, "", "accepted"),
    ],
)
def test_a_refusal_is_told_from_a_missing_right(kube, cluster, status, message, said):
    kube.trouble = lambda _method, path: (status, {"message": message}) if path in (KUBERNETES, ARGO) else None
    found = linting.lint(cluster, DOCUMENT)
    assert [one.said for one in found] == [said, said]
    assert all(message in one.reason for one in found)


def test_an_argo_server_that_cannot_read_a_manifest_refuses_it_and_one_that_is_away_says_nothing(kube, cluster):
    answers = {KUBERNETES: (200, {}), ARGO: (500, {"message": "json: cannot unmarshal"})}
    kube.trouble = lambda _method, path: answers.get(path)
    assert linting.lint(cluster, DOCUMENT)[1].said == "refused"
    for away in (429, 502, 503):
        answers[ARGO] = (away, {"message": "the last one answered 500 "})
        with pytest.raises(RolloutError, match=f"answered {away} "):
            linting.lint(cluster, DOCUMENT)
