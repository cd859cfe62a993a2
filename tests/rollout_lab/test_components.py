"""Every component listens on loopback or on the lab's bridge, under folders of the lab's own."""

from __future__ import annotations

import ipaddress
import os
import re

import pytest
import yaml

from rollout_lab import cgroups, components, configuration, inventory, recipes, roster
from rollout_lab.errors import LabError
from rollout_lab.inventory import Inventory
from rollout_lab.paths import Paths
from rollout_lab.supervision import Supervisor

BRIDGE_RANGE = ipaddress.ip_network("10.244.0.0/16")


@pytest.fixture
def built(paths: Paths) -> Inventory:
    return Inventory(programs={recipe.name: str(paths.builds / recipe.name) for recipe in recipes.ALL})


def is_own(host: str) -> bool:
    address = ipaddress.ip_address(host)
    return address.is_loopback or address in BRIDGE_RANGE


def test_every_declared_endpoint_is_on_loopback_or_the_bridge(paths: Paths, built: Inventory) -> None:
    for component in components.all_components(paths, built).values():
        for endpoint in component.listens:
            assert is_own(endpoint.host), component.name


def test_no_argument_or_setting_names_another_address(paths: Paths, built: Inventory) -> None:
    paths.state.mkdir()
    configuration.write_all(paths)
    texts = [" ".join(component.argv) for component in components.all_components(paths, built).values()]
    texts += [path.read_text() for path in paths.config.iterdir()]
    hosts = set(re.findall(r"\b(\d+\.\d+\.\d+\.\d+)\b", "\n".join(texts)))
    foreign = {host for host in hosts if not is_own(host) and not host.startswith("10.96.")}
    assert foreign == set()


def test_names_of_the_roster_are_those_of_the_components(paths: Paths, built: Inventory) -> None:
    assert set(components.all_components(paths, built)) == set(roster.NAMES)


def test_every_component_can_be_asked_if_it_works(paths: Paths, built: Inventory) -> None:
    for component in components.all_components(paths, built).values():
        assert component.health, component.name


def test_no_component_uses_a_folder_of_the_distribution(paths: Paths, built: Inventory) -> None:
    for component in components.all_components(paths, built).values():
        for word in component.argv[1:]:
            assert not re.search(r"(^|=)/(var/lib/(?!rollout-lab)|etc/|run/containerd)", word), (component.name, word)


def test_unknown_component_is_named_with_the_known_ones(paths: Paths, built: Inventory) -> None:
    with pytest.raises(LabError, match=r"no component `etdc`. It has: containerd, etcd"):
        Supervisor(paths, built)["etdc"]


@pytest.mark.parametrize("version", [1, 2])
def test_kubelet_is_told_of_control_group_version_1_only_where_it_is_there(paths: Paths, version: int) -> None:
    settings = configuration.kubelet(paths, version)
    assert ("failCgroupV1" in settings) == (version == 1)


@pytest.mark.parametrize("may", [True, False])
def test_oom_scores_are_restricted_only_without_the_right(paths: Paths, may: bool) -> None:
    assert f"restrict_oom_score_adj = {str(not may).lower()}" in configuration.containerd(paths, may_lower=may)


def test_written_settings_follow_this_machine(paths: Paths) -> None:
    paths.state.mkdir()
    configuration.write_all(paths)
    kubelet = yaml.safe_load((paths.config / "kubelet.yaml").read_text())
    assert ("failCgroupV1" in kubelet) == (cgroups.version() == 1)


def test_unchanged_settings_are_not_written_again(paths: Paths) -> None:
    """kube-proxy watches its file and ends itself when it is written."""
    paths.state.mkdir()
    configuration.write_all(paths)
    file = paths.config / "kube-proxy.yaml"
    os.utime(file, (1, 1))
    configuration.write_all(paths)
    assert file.stat().st_mtime == 1
    file.write_text("other")
    configuration.write_all(paths)
    assert file.read_text() != "other"


def test_node_ports_are_on_loopback_only(paths: Paths) -> None:
    assert configuration.kube_proxy(paths)["nodePortAddresses"] == ["127.0.0.0/8"]


def test_pods_have_no_way_to_the_internet(paths: Paths) -> None:
    assert configuration.cni(paths)["plugins"][0].get("ipMasq", False) is False


def test_nothing_built_is_said_in_one_sentence(paths: Paths) -> None:
    with pytest.raises(LabError, match=r"The lab is not built.*rollout-lab build"):
        inventory.load(paths)


def test_half_built_is_said_in_one_sentence(paths: Paths, built: Inventory) -> None:
    built.inputs = inventory.current_inputs()
    built.save(paths)
    with pytest.raises(
        LabError, match=r"half built: .*/etcd is not there.*rollout-lab build.*goes on where it stopped"
    ):
        inventory.load(paths)


def test_build_of_another_checkout_is_said_in_one_sentence(paths: Paths, built: Inventory) -> None:
    for folder in built.programs.values():
        (paths.builds / folder).mkdir(parents=True)
    built.crds = str(paths.builds)
    built.inputs = {**inventory.current_inputs(), "argo": "older"}
    built.save(paths)
    with pytest.raises(LabError, match=r"other inputs than this checkout's \(argo\)"):
        inventory.load(paths)


def test_inventory_cut_off_while_written_counts_as_not_built(paths: Paths) -> None:
    paths.cache.mkdir()
    (paths.cache / "inventory.json").write_text('{"programs": {"etcd": "/x')
    with pytest.raises(LabError, match="not built"):
        inventory.load(paths)
