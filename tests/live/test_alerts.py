"""An alert of `hera-rollout alerts`, taken by the lab's Prometheus, fires in real trouble and in no other time.

The rules wait for minutes over a window of 15, which is longer than a test may take, and the failures that another test
caused would still be in it. So here, and only here, `for` is nothing and the window half a minute; the expression, its
limit and all words are the command's.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from hera_rollout.target import Target
from rollout_lab import preflight
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster

pytestmark = [pytest.mark.live, pytest.mark.timeout(200)]

ROOT = Path(__file__).parents[2]
GROUP = "hera-rollout"
CREATION = "HeraRolloutCreationFailing"
WINDOW_SECONDS = 30
EACH = 5
"""Submissions; three failures are the fewest that alarm."""


def eventually(what: str, condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)
    return found


def asked(lab: Any, what: str) -> Any:
    answer = httpx.get(f"{lab.prometheus_url}/api/v1/{what}", timeout=10, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def groups(lab: Any) -> list[dict[str, Any]]:
    return [group for group in asked(lab, "rules?type=alert")["groups"] if group["name"] == GROUP]


def rule(lab: Any) -> dict[str, Any]:
    (found,) = (one for group in groups(lab) for one in group["rules"] if one["name"] == CREATION)
    return dict(found)


def alerts(lab: Any, name: str = CREATION) -> list[dict[str, Any]]:
    return [one for one in asked(lab, "alerts")["alerts"] if one["labels"]["alertname"] == name]


def counted(lab: Any) -> float:
    """Submissions by Hera that made a workflow or failed to, as Prometheus knows them."""
    query = f'sum(backend_workflow_creations_total{{path="hera",namespace="{lab.namespace}"}})'
    found = asked(lab, f"query?query={query}")["result"]
    return float(found[0]["value"][1]) if found else 0.0


def evaluated(lab: Any) -> None:
    """Wait for the rule's next look but one: the next may have begun already."""
    for _ in range(2):
        now = datetime.now(UTC)
        eventually("the rule is looked at", lambda now=now: moment(rule(lab)["lastEvaluation"]) > now)
    assert rule(lab)["health"] == "ok", rule(lab).get("lastError")


def moment(text: str) -> datetime:
    """Prometheus' time has nanoseconds, and none where it has not looked yet."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text))


def shortened(document: str) -> str:
    """The same rules with a shorter window and no waiting."""
    rules = yaml.safe_load(document)
    for one in rules["groups"][0]["rules"]:
        one["for"] = "0s"
        one["expr"] = re.sub(r"\b15m\b", f"{WINDOW_SECONDS}s", one["expr"])
    assert f"[{WINDOW_SECONDS}s] offset {WINDOW_SECONDS}s" in str(rules), "the rules' window is another one by now"
    return yaml.safe_dump(rules)


@pytest.fixture
def loaded(clean_backend: Any, target_path: str) -> Iterator[Any]:
    """The lab, its Prometheus with the target's rules; without them again afterwards."""
    paths = preflight.running_paths(Paths.from_environment())
    file, roster = paths.alerts / "test-alerts.yaml", Roster(paths)
    command = [sys.executable, "-c", "from hera_rollout.cli import main; main()", "alerts", "--target", target_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    try:
        file.write_text(shortened(done.stdout))
        roster.reread("prometheus")
        eventually("Prometheus has the rules; an older lab's gets the setting by `rollout-lab up`",
                   lambda: groups(clean_backend), 20)  # fmt: skip
        yield clean_backend
    finally:
        file.unlink(missing_ok=True)
        roster.reread("prometheus")
        eventually("Prometheus has forgotten the rules", lambda: not groups(clean_backend), 20)
    assert alerts(clean_backend) == []


def test_creation_failing_fires_while_hera_makes_no_workflow(
    loaded: Any, target: Target, submit: Callable[[], str]
) -> None:
    lab = loaded
    lab.set_flag(True, 100)
    eventually("earlier tests' failures have left the window", lambda: not alerts(lab), WINDOW_SECONDS * 3)
    before = counted(lab)
    for _ in range(EACH):
        submit()
    eventually("Prometheus has counted them", lambda: counted(lab) >= before + EACH, 10)
    evaluated(lab)
    assert (rule(lab)["state"], alerts(lab)) == ("inactive", []), "submissions that make workflows raise nothing"

    lab.set_faults(all_500="on")
    statuses = [
        httpx.post(f"{lab.backend_url}/api/v1/tasks/submit", json={"pythonCode": "print(1)"}, timeout=20).status_code
        for _ in range(EACH)
    ]
    assert statuses == [500] * EACH
    (alert,) = eventually("the alert", lambda: alerts(lab), WINDOW_SECONDS)

    assert alert["state"] == "firing"
    labels = {"alertname": CREATION, "severity": "page", "target": target.name, "path": "hera"}
    assert alert["labels"] == labels
    annotations = alert["annotations"]
    assert annotations["summary"] == "Submissions by hera make no workflow."
    share = re.match(r"(\d+(\.\d+)?)% of the submissions by hera made no workflow", annotations["description"])
    assert share
    assert 20 < float(share[1]) <= 100
    assert "Limit: 20 %, at least 80 % succeed" in annotations["description"]
    assert annotations["runbook"].endswith(f"hera-rollout rollback --target {target.name} --yes")

    lab.set_faults()
    eventually("the alert ends with the trouble", lambda: not alerts(lab), WINDOW_SECONDS * 3)
