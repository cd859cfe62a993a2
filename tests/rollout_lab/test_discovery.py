"""From EndpointSlices to what Prometheus reads."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from rollout_lab import configuration, discovery
from rollout_lab.paths import Paths


def one_slice(service: str, addresses: list[str], ports: list[int], namespace: str = "argo") -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "endpoints": [
            {"addresses": [address], "targetRef": {"kind": "Pod", "name": f"{service}-{address}"}}
            for address in addresses
        ],
        "ports": [{"port": port, "protocol": "TCP"} for port in ports],
    }


def test_every_pod_of_a_service_is_a_target_with_its_name() -> None:
    found = discovery.targets([one_slice("backend", ["10.244.0.9", "10.244.0.8"], [8000])])
    assert [one["targets"] for one in found] == [["10.244.0.8:8000"], ["10.244.0.9:8000"]]
    assert found[0]["labels"]["pod"] == "backend-10.244.0.8"
    assert found[0]["labels"]["service"] == "backend"


def test_the_services_of_every_namespace_are_asked_for_and_told_apart() -> None:
    slices = [one_slice("backend", ["10.244.0.7"], [8000], "tenant-1"), one_slice("backend", ["10.244.0.9"], [8000])]
    found = discovery.targets(slices)
    assert [(one["labels"]["namespace"], one["targets"]) for one in found] == [
        ("argo", ["10.244.0.9:8000"]),
        ("tenant-1", ["10.244.0.7:8000"]),
    ]
    assert "/namespaces/" not in discovery.PATH


def test_service_without_pods_has_no_target() -> None:
    empty = {**one_slice("backend", [], []), "endpoints": None, "ports": None}
    assert discovery.targets([empty]) == []


def test_file_is_replaced_whole_and_only_touched_when_nothing_changed(tmp_path: Path) -> None:
    file = tmp_path / "sd/services.json"
    found = discovery.targets([one_slice("backend", ["10.244.0.8"], [8000])])
    discovery.publish(file, found)
    assert json.loads(file.read_text()) == found
    inode = file.stat().st_ino
    os.utime(file, (1, 1))
    discovery.publish(file, found)
    assert file.stat().st_ino == inode
    assert file.stat().st_mtime > 1
    discovery.publish(file, [])
    assert json.loads(file.read_text()) == []
    assert [path.name for path in file.parent.iterdir()] == ["services.json"]


def test_prometheus_accepts_its_configuration_and_the_targets_file(paths: Paths) -> None:
    """By Prometheus's own checker."""
    paths.state.mkdir()
    for name in ("ca.crt", "prometheus.crt", "prometheus.key"):
        (paths.certificates / name).parent.mkdir(exist_ok=True)
        (paths.certificates / name).touch()
    configuration.write_all(paths)
    found = discovery.targets([one_slice("backend", ["10.244.0.8"], [8000])])
    discovery.publish(paths.state / "prometheus-targets/services.json", found)
    done = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", paths.config / "prometheus.yaml"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
