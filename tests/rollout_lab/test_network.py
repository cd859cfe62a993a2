"""The bridge and the chains, in a network namespace of the test's own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollout_lab import chains, network, sysctls
from rollout_lab.addresses import BRIDGE
from rollout_lab.errors import LabError
from rollout_lab.paths import Paths

FOREIGN = """*nat
:PREROUTING ACCEPT [0:0]
:THEIRS - [0:0]
-A PREROUTING -j THEIRS
-A THEIRS -p tcp -m tcp --dport 81 -j RETURN
COMMIT
"""
OURS = """*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:CNI-1234 - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A POSTROUTING -j CNI-1234
COMMIT
*filter
:KUBE-FORWARD - [0:0]
-A FORWARD -j KUBE-FORWARD
COMMIT
*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
"""


@pytest.fixture
def namespace(as_root: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All programs the code starts run in an empty network namespace."""
    name = f"rollout-lab-test-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    real = network.run

    def inside(argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return real(["ip", "netns", "exec", name, *argv], **options)

    monkeypatch.setattr(network, "run", inside)
    monkeypatch.setattr(chains, "run", inside)
    monkeypatch.setattr(sysctls, "apply", lambda: None)
    monkeypatch.setattr(sysctls, "remember", lambda _: None)
    monkeypatch.setattr(sysctls, "restore", lambda _: None)
    yield
    subprocess.run(["ip", "netns", "delete", name], check=True)


def saved(family: str) -> list[str]:
    return [line for line in network.run([f"{family}-save"]).stdout.splitlines() if line.startswith(("-A", ":", "*"))]


@pytest.mark.parametrize("family", chains.FAMILIES)
def test_our_chains_go_and_others_stay(namespace: None, family: str, tmp_path: Path) -> None:
    network.run([f"{family}-restore"], stdin=FOREIGN)
    before = {line.partition(" [")[0] for line in saved(family)}
    network.run([f"{family}-restore", "--noflush"], stdin=OURS)
    assert any("KUBE-SERVICES" in line for line in saved(family))
    chains.remove(tmp_path / "tables.json")
    after = {line.partition(" [")[0] for line in saved(family)}
    assert not any("KUBE-" in line or "CNI-" in line for line in after)
    assert before <= after


def test_tables_that_iptables_made_for_us_go_and_earlier_ones_stay(namespace: None, tmp_path: Path) -> None:
    network.run(["iptables-restore"], stdin=FOREIGN)
    before = chains.tables()
    assert ["ip", "nat"] in before
    chains.remember(tmp_path / "tables.json")
    for family in chains.FAMILIES:
        network.run([f"{family}-restore", "--noflush"], stdin=OURS)
    assert len(chains.tables()) > len(before)
    chains.remove(tmp_path / "tables.json")
    assert chains.tables() == before


def test_empty_table_that_was_there_before_stays(namespace: None, tmp_path: Path) -> None:
    network.run(["nft", "-f", "-"], stdin="table ip nat {}")
    chains.remember(tmp_path / "tables.json")
    network.run(["iptables-restore", "--noflush"], stdin=OURS)
    chains.remove(tmp_path / "tables.json")
    assert ["ip", "nat"] in chains.tables()
    assert ["ip", "mangle"] not in chains.tables()


def test_new_table_with_somebody_elses_rule_stays(namespace: None, tmp_path: Path) -> None:
    chains.remember(tmp_path / "tables.json")
    network.run(["iptables-restore"], stdin=FOREIGN)
    chains.remove(tmp_path / "tables.json")
    assert ["ip", "nat"] in chains.tables()


def test_nothing_of_ours_means_nothing_is_run() -> None:
    assert chains.removal_script(FOREIGN) == ""


def test_rule_that_only_mentions_our_name_stays() -> None:
    text = FOREIGN.replace("-j RETURN", '-m comment --comment "-j KUBE-FAKE" -j RETURN').replace(
        "-j KUBE-FAKE", "KUBE-FAKE"
    )
    assert chains.removal_script(text) == ""


def links() -> dict[str, dict[str, object]]:
    return {one["ifname"]: one for one in json.loads(network.run(["ip", "-json", "address"]).stdout)}


def test_bridge_is_made_once_and_removed_with_its_ports(namespace: None, paths: Paths) -> None:
    network.ensure(paths)
    network.ensure(paths)
    addresses = [one["local"] for one in links()[BRIDGE]["addr_info"] if one["family"] == "inet"]  # type: ignore[attr-defined]
    assert addresses == ["10.244.0.1"]
    network.run(["ip", "link", "add", "veth1", "master", BRIDGE, "type", "veth", "peer", "name", "veth2"])
    network.remove(paths)
    assert set(links()) == {"lo"}


def test_bridge_of_somebody_else_is_refused_and_left(namespace: None, paths: Paths) -> None:
    network.run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    with pytest.raises(LabError, match=r"not the lab's.*ip link delete cni0"):
        network.ensure(paths)
    assert BRIDGE in links()


def test_routed_pod_range_is_refused(namespace: None, paths: Paths) -> None:
    network.run(["ip", "link", "add", "other", "type", "veth", "peer", "name", "another"])
    network.run(["ip", "address", "add", "10.244.7.1/24", "dev", "other"])
    network.run(["ip", "link", "set", "other", "up"])
    with pytest.raises(LabError, match=r"10\.244\.0\.0/16 is already routed here \(10\.244\.7\.0/24"):
        network.ensure(paths)
    assert BRIDGE not in links()


def fake_settings(root: Path) -> None:
    for name, value in {"net/ipv4/ip_forward": "0", "kernel/panic": "1", "vm/overcommit_memory": "2"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(value + "\n")


def test_settings_come_back_as_found_even_after_two_starts(tmp_path: Path) -> None:
    root, file = tmp_path / "sys", tmp_path / "run/sysctls.json"
    fake_settings(root)
    sysctls.remember(file, root)
    sysctls.apply(root)
    (root / "kernel/panic").write_text("10")
    sysctls.remember(file, root)
    assert (root / "net/ipv4/ip_forward").read_text() == "1"
    sysctls.restore(file, root)
    assert (root / "net/ipv4/ip_forward").read_text().strip() == "0"
    assert (root / "kernel/panic").read_text().strip() == "1"
    assert not file.exists()


def test_settings_this_kernel_lacks_are_left_out(tmp_path: Path) -> None:
    fake_settings(tmp_path)
    assert set(sysctls.read(root=tmp_path)) == {"net/ipv4/ip_forward", "kernel/panic", "vm/overcommit_memory"}
