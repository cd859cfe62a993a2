"""The dashboard's queries against the lab's Prometheus, and the commands of its texts against the lab, under load."""

import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hera_rollout.backend import Backend
from hera_rollout.metrics import Prometheus
from hera_rollout.target import Target
from hera_rollout.workflows import Workflows

pytestmark = pytest.mark.live

DASHBOARD = Path(__file__).parents[2] / "deploy" / "dashboards" / "hera-rollout.json"
PANELS = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for panel in PANELS
    for target in panel.get("targets", [])
]
TEXTS = [pytest.param(panel["options"]["content"], id=panel["title"]) for panel in PANELS if panel["type"] == "text"]
MAY_FIND_NOTHING = ("ERROR", "WARNING")
"""A service without errors has no line to show."""
EACH = 2
"""Submissions by each path."""


@pytest.fixture(scope="module")
def prometheus(target: Target) -> Prometheus:
    return Prometheus.of(target)


@pytest.fixture(scope="module")
def load(lab, backend: Backend, workflows: Workflows) -> Iterator[dict[str, int]]:
    """Workflows by both paths, ended and scraped. Without load no path has a series, and the truth is no data."""
    lab.clean()
    sent = []
    try:
        for enabled in (False, True):
            lab.set_flag(enabled=enabled)
            ours = [backend.submit(f"print({number})") for number in range(EACH)]
            sent += ours
            for one in ours:
                assert workflows.wait(one.workflow, 90).succeeded
        time.sleep(12)  # Prometheus asks every 2 s, the API server every 10 s
        yield {"yaml": EACH, "hera": EACH}
    finally:
        for one in sent:
            backend.delete(one.task)
        lab.clean()


def filled(text: str, target: Target) -> str:
    """A text of the dashboard as Grafana sends it."""
    values = {
        "namespace": target.namespace,
        "deployment": target.deployment,
        "window": "10m",
        "__rate_interval": "1m",
    }
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values[found[1]], text)


def asked(prometheus: Prometheus, query: str) -> pd.DataFrame:
    """A query's series that have a number."""
    return prometheus.instant(query).dropna(subset=["value"])


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_is_accepted_and_has_series(
    prometheus: Prometheus, target: Target, load: dict[str, int], query: str
) -> None:
    found = asked(prometheus, filled(query, target))
    assert len(found) > 0
    if 'path=~"yaml|hera"' in query:
        assert set(found["path"]) == set(load)


def test_requests_are_counted_from_the_first_one_on(
    prometheus: Prometheus, target: Target, load: dict[str, int]
) -> None:
    query = next(one.values[0] for one in QUERIES if one.id == "API endpoint performance A")
    found = asked(prometheus, filled(str(query), target))
    counted = found[found["route"] == "/api/v1/tasks/submit"].set_index("path")["value"]
    for path, count in load.items():
        assert counted[path] >= count


def test_every_line_of_the_guides_checklist_has_a_panel(guide: str) -> None:
    section = guide.split("## Monitoring Checklist")[1].split("\n## ", maxsplit=1)[0]
    lines = re.findall(r"- \[ \] (.+)", section)
    assert len(lines) == 16
    assert set(lines) <= {panel["title"] for panel in PANELS}


@pytest.mark.parametrize("content", TEXTS)
def test_the_command_of_a_log_line_shows_it(lab: Any, target: Target, load: dict[str, int], content: str) -> None:
    command = filled(content.partition("```sh\n")[2].partition("\n```")[0], target)
    logs, _, chosen = command.partition(" | ")
    text = lab.operator.kubectl(*shlex.split(logs)[1:])
    grep = subprocess.run(shlex.split(chosen), input=text, capture_output=True, text=True, check=False)
    nothing = grep.returncode == 1 and any(word in chosen for word in MAY_FIND_NOTHING)
    assert grep.returncode == 0 or nothing, grep.stderr or "no line"
    if "created" in chosen:
        assert all(f" by {path} " in grep.stdout for path in load)
