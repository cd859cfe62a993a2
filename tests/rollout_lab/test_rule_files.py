"""A real Prometheus with the lab's setting: a rule file dropped into the folder is taken without a restart."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import yaml

from rollout_lab import configuration, processes
from rollout_lab.paths import Paths
from rollout_lab.roster import Roster

RULES = {"groups": [{"name": "mine", "rules": [{"alert": "Always", "expr": "vector(1)"}]}]}


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def url(paths: Paths) -> Iterator[str]:
    """Of a Prometheus that scrapes nothing, started before there is a folder of rules."""
    program = shutil.which("prometheus")
    assert program, "`rollout-lab build` installs it"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = paths.config / "prometheus.yaml"
    configuration.write_changed(settings, yaml.safe_dump({**configuration.prometheus(paths), "scrape_configs": []}))
    words = [program, f"--config.file={settings}", f"--storage.tsdb.path={paths.state}/data"]
    roster = Roster(paths)
    processes.spawn(
        [*words, f"--web.listen-address={address}", "--log.level=warn"],
        pid_file=roster.pid_file("prometheus"),
        log=roster.log("prometheus"),
    )
    yield f"http://{address}"
    roster.stop("prometheus")


def groups(url: str) -> list[str] | None:
    try:
        answer = httpx.get(f"{url}/api/v1/rules", timeout=5, trust_env=False)
        return [group["name"] for group in answer.json()["data"]["groups"]]
    except (httpx.HTTPError, ValueError):
        return None


@pytest.mark.slow  # needs Debian's prometheus, which `make lab` installs
def test_a_rule_file_is_taken_and_forgotten_by_the_same_process(url: str, paths: Paths) -> None:
    wait(lambda: groups(url) == [])
    running = Roster(paths).running("prometheus")
    configuration.write_changed(paths.alerts / "mine.yaml", yaml.safe_dump(RULES))
    Roster(paths).reread("prometheus")
    wait(lambda: groups(url) == ["mine"])
    (paths.alerts / "mine.yaml").unlink()
    Roster(paths).reread("prometheus")
    wait(lambda: groups(url) == [])
    assert running
    assert Roster(paths).running("prometheus") == running


def test_who_does_not_run_is_not_asked_to_read(paths: Paths) -> None:
    Roster(paths).reread("prometheus")
