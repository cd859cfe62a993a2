"""What the kit asks its rights for, against what deploy/ grants: nothing needed is missing, on either medium."""

from pathlib import Path

import pytest
import yaml

from hera_rollout.cluster import permissions

ROOT = Path(__file__).parents[2]


def rules(path: str) -> list[dict]:
    documents = yaml.safe_load_all((ROOT / path).read_text())
    return next(one for one in documents if one["kind"] == "Role")["rules"]


def granted(need: permissions.Need, role: list[dict]) -> bool:
    """As Kubernetes decides it: a rule with names grants nothing that is asked for without one."""
    return any(
        need.verb in rule["verbs"]
        and need.group in rule["apiGroups"]
        and need.resource in rule["resources"]
        and (not rule.get("resourceNames") or need.name in rule["resourceNames"])
        for rule in role
    )


@pytest.mark.parametrize("medium", ["env", "configmap", "manual"])
def test_all_that_the_operator_needs_is_granted_by_deploy_rbac(make_target, medium):
    needs = permissions.operator(make_target(flag={"medium": medium}))
    assert [need for need in needs if not granted(need, rules("deploy/rbac/operator.yaml"))] == []


@pytest.mark.parametrize("medium", ["env", "configmap", "manual"])
def test_all_that_a_watch_needs_is_granted_by_deploy_watch_and_no_workflow_is_written(make_target, medium):
    role = rules("deploy/watch/rights.yaml")
    needs = permissions.operator(make_target(flag={"medium": medium}), watches=True)
    assert [need for need in needs if not granted(need, role)] == []
    written = {"create", "patch", "update", "delete"}
    assert not [rule for rule in role if "workflows" in rule["resources"] and written.intersection(rule["verbs"])]
    assert {verb for rule in role for verb in rule["verbs"]}.isdisjoint({"*", "deletecollection"})


def test_all_that_the_backend_needs_is_granted_by_deploy_base():
    assert [need for need in permissions.BACKEND if not granted(need, rules("deploy/base/role.yaml"))] == []


def test_what_the_rollout_remembers_is_asked_for_by_its_name(make_target):
    target = make_target(deployment="shop")
    state = "hera-rollout-shop"
    asked = {(need.resource, need.verb, need.name) for need in permissions.operator(target)}
    assert asked >= {("configmaps", "create", ""), ("configmaps", "get", state), ("configmaps", "update", state)}
    assert asked >= {("leases", "create", ""), *(("leases", verb, state) for verb in ("get", "update", "delete"))}


def test_the_flag_file_is_asked_for_by_its_name_and_to_be_changed_where_it_is_the_medium(make_target):
    def verbs(medium: str) -> set[str]:
        target = make_target(flag={"medium": medium, "configmap": "shop-flag"})
        return {need.verb for need in permissions.operator(target) if need.name == "shop-flag"}

    assert verbs("env") == verbs("manual") == {"get"}
    assert verbs("configmap") == {"get", "patch"}
