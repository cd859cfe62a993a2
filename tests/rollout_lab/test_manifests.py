"""The lab's manifests: complete, least rights, nothing pulled."""

from __future__ import annotations

from typing import Any

import pytest

from rollout_lab import api, manifests
from rollout_lab.paths import MANIFESTS, Paths

FILES = sorted(path.name for path in MANIFESTS.glob("*.yaml"))


def everything(paths: Paths) -> list[dict[str, Any]]:
    return [document for name in FILES for document in manifests.load(paths, name)]


def test_every_file_is_complete_and_every_object_can_be_applied(paths: Paths) -> None:
    for document in everything(paths):
        assert "${" not in str(document)
        assert api.path_of(document["kind"], document["metadata"]["name"])


def test_argo_is_not_administrator(paths: Paths) -> None:
    """Roles of its own namespace only, no wildcard, no role of Kubernetes's own."""
    for document in everything(paths):
        if document["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            assert document["roleRef"]["name"] not in ("cluster-admin", "admin", "edit")
            names = [subject["name"] for subject in document["subjects"]]
            if set(names) & {"argo", "argo-server", "workflow"}:
                assert document["kind"] == "RoleBinding"
        for rule in document.get("rules", []):
            assert "*" not in [*rule.get("verbs", []), *rule.get("resources", []), *rule.get("apiGroups", [])]


def test_argo_reads_no_secret_but_its_databases(paths: Paths) -> None:
    for document in everything(paths):
        if document["kind"] == "Role" and document["metadata"]["name"].startswith("argo"):
            for rule in document["rules"]:
                if "secrets" in rule["resources"]:
                    assert rule["resourceNames"] == ["argo-database"]
                    assert rule["verbs"] == ["get"]


def test_no_image_is_ever_pulled(paths: Paths) -> None:
    deployments = [one for one in everything(paths) if one["kind"] == "Deployment"]
    assert {one["metadata"]["name"] for one in deployments} == {"argo-server", "workflow-controller", "dns"}
    for deployment in deployments:
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            assert container["imagePullPolicy"] == "Never"
            assert container["image"].startswith("rollout-lab/")
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_settings_that_make_argo_fast_are_settings_only(paths: Paths) -> None:
    controller = next(one for one in everything(paths) if one["metadata"]["name"] == "workflow-controller")
    environment = {one["name"]: one["value"] for one in controller["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert environment["DEFAULT_REQUEUE_TIME"] == "100ms"
    assert environment["INFORMER_WRITE_BACK"] == "true"


def test_server_takes_the_callers_token(paths: Paths) -> None:
    server = next(
        one for one in everything(paths) if one["metadata"]["name"] == "argo-server" and one["kind"] == "Deployment"
    )
    assert "--auth-mode=client" in server["spec"]["template"]["spec"]["containers"][0]["args"]


def test_open_value_nobody_gives_is_an_error_here(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "values", lambda _: {})
    with pytest.raises(KeyError):
        manifests.load(paths, "50-argo.yaml")
