import pytest

from hera_rollout.cluster import environment
from hera_rollout.cluster.environment import EnvChange
from hera_rollout.errors import Missing

OTHER = {"name": "ARGO_NAMESPACE", "value": "argo"}
FLAG = {"name": "USE_HERA_SDK", "value": "false"}
FROM_FILE = {"name": "USE_HERA_SDK", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "hera"}}}


def deployment(env):
    return {"spec": {"template": {"spec": {"containers": [{"name": "backend", "env": env}, {"name": "proxy"}]}}}}


def test_an_unset_variable_is_added_and_the_rest_kept():
    after, entry = environment.with_variable([OTHER], "USE_HERA_SDK", "true")
    assert after == [OTHER, {"name": "USE_HERA_SDK", "value": "true"}]
    assert entry == {"name": "USE_HERA_SDK", "value": "true"}


def test_a_set_variable_is_changed_in_its_place():
    after, _ = environment.with_variable([FLAG, OTHER], "USE_HERA_SDK", "true")
    assert after == [{"name": "USE_HERA_SDK", "value": "true"}, OTHER]


def test_removing_uses_the_merge_patchs_own_word():
    assert environment.with_variable([FLAG, OTHER], "USE_HERA_SDK", None) == (
        [OTHER],
        {"name": "USE_HERA_SDK", "$patch": "delete"},
    )


def test_a_reference_is_reported_as_one_and_cleared_when_a_value_is_set():
    assert environment._value([FROM_FILE], "USE_HERA_SDK") == "(from configMapKeyRef flags hera)"
    _, entry = environment.with_variable([FROM_FILE], "USE_HERA_SDK", "true")
    assert entry["valueFrom"] is None


def test_the_last_of_two_entries_wins_as_in_the_kubelet():
    assert environment._value([FLAG, {"name": "USE_HERA_SDK", "value": "true"}], "USE_HERA_SDK") == "true"
    assert environment._value([OTHER], "USE_HERA_SDK") is None


def test_a_container_that_is_not_there_is_named_with_those_that_are(make_target):
    with pytest.raises(Missing, match="it has: backend, proxy"):
        environment._env(deployment([]), make_target(container="main"))


def test_the_diff_shows_the_one_line_that_changes():
    change = EnvChange(
        "USE_HERA_SDK", "false", "true", {}, "kubectl …", [OTHER, FLAG], [OTHER, {**FLAG, "value": "true"}]
    )
    lines = change.diff().splitlines()
    assert [line for line in lines if line.startswith("-") and not line.startswith("---")] == ["-  value: 'false'"]
    assert [line for line in lines if line.startswith("+") and not line.startswith("+++")] == ["+  value: 'true'"]
    assert not change.noop


def test_no_change_is_no_diff():
    change = EnvChange("USE_HERA_SDK", "true", "true", {}, "", [FLAG], [FLAG])
    assert change.noop
    assert change.diff() == ""
