"""The kubelet's own count of probes, as it tells it."""

from __future__ import annotations

import pytest

from rollout_lab import certificates, probing
from rollout_lab.paths import Paths

METRICS = """# TYPE prober_probe_total counter
prober_probe_total{container="argo-server",pod="a",pod_uid="1",probe_type="Readiness",result="successful"} 3
prober_probe_total{container="backend",pod="b",pod_uid="2",probe_type="Liveness",result="successful"} 9
prober_probe_total{container="backend",pod="b",pod_uid="2",probe_type="Readiness",result="failed"} 4
prober_probe_total{container="dns",pod="d",pod_uid="3",probe_type="Readiness",result="successful"} 0
"""


def test_only_readiness_probes_that_succeeded_count() -> None:
    assert probing.found_ready(METRICS) == {"argo-server"}


def test_kubelet_that_has_not_probed_yet_has_found_nothing() -> None:
    assert probing.found_ready("") == set()


def test_kubelet_that_does_not_answer_has_found_nothing_ready(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates.ensure(paths.certificates)
    monkeypatch.setattr(probing, "URL", "https://127.0.0.1:1/metrics/probes")
    assert not probing.ready(paths, {"dns"})
