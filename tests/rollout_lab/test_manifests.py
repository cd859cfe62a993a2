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


def rules_of(paths: Paths, account: str, kind: str) -> list[dict[str, Any]]:
    """What an account of the lab may by its bindings of one kind."""
    bound = [one for one in everything(paths) if one["kind"] == f"{kind}Binding"]
    names = {one["roleRef"]["name"] for one in bound if account in [subject["name"] for subject in one["subjects"]]}
    roles = [one for one in everything(paths) if one["kind"] == kind and one["metadata"]["name"] in names]
    return [rule for role in roles for rule in role["rules"]]


def test_argo_is_not_administrator(paths: Paths) -> None:
    """No wildcard, no role of Kubernetes's own; what the pods of workflows may, they may in their namespace only."""
    for document in everything(paths):
        if document["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            assert document["roleRef"]["name"] not in ("cluster-admin", "admin", "edit")
        for rule in document.get("rules", []):
            assert "*" not in [*rule.get("verbs", []), *rule.get("resources", []), *rule.get("apiGroups", [])]
    assert rules_of(paths, "workflow", "ClusterRole") == []


def test_argo_reads_no_secret_but_its_databases(paths: Paths) -> None:
    for account in ("argo", "argo-server"):
        secrets = [rule for rule in rules_of(paths, account, "Role") if "secrets" in rule["resources"]]
        assert [(rule["resourceNames"], rule["verbs"]) for rule in secrets] == [(["argo-database"], ["get"])]
        assert not [rule for rule in rules_of(paths, account, "ClusterRole") if "secrets" in rule["resources"]]


def test_the_argo_server_itself_changes_nothing_in_another_namespace(paths: Paths) -> None:
    """It acts with its callers' tokens: of its own it only looks."""
    everywhere = rules_of(paths, "argo-server", "ClusterRole")
    assert {resource for rule in everywhere for resource in rule["resources"]} == {"workflows", "workflowtemplates"}
    assert {verb for rule in everywhere for verb in rule["verbs"]} == {"get", "list", "watch"}


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
