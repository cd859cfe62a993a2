"""What to commit: YAML that says the same as the patch."""

import pytest
import yaml

from hera_rollout import flag
from hera_rollout.target import Target

TARGET = Target(name="lab", backend_url="http://127.0.0.1:8000", argo_url="http://127.0.0.1:32746")


@pytest.mark.parametrize(("enabled", "value"), [(True, "true"), (False, "false")])
def test_by_the_variable_it_is_a_patch_of_the_container(enabled, value):
    overlay = yaml.safe_load(flag.to_commit(TARGET, "env", enabled=enabled))
    patch = yaml.safe_load(overlay["patches"][0]["patch"])
    assert (patch["kind"], patch["metadata"]) == ("Deployment", {"name": "backend", "namespace": "argo"})
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "backend", "env": [{"name": "USE_HERA_SDK", "value": value}]}


@pytest.mark.parametrize(("enabled", "percent"), [(True, 25.0), (False, 0.0)])
def test_by_the_file_it_is_the_configmap_with_text_values(enabled, percent):
    made = yaml.safe_load(flag.to_commit(TARGET, "configmap", enabled=enabled, percent=percent))
    assert (made["kind"], made["metadata"]["name"]) == ("ConfigMap", "backend-flag")
    assert made["data"] == {"enabled": str(enabled).lower(), "percent": f"{percent:g}"}


def test_by_hand_there_is_no_manifest():
    with pytest.raises(ValueError, match="manual"):
        flag.to_commit(TARGET, "manual", enabled=True)
