"""A notice of the kit arrives in the file of the lab's own receiver."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout_lab import addresses
from rollout_lab.lab import Lab

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]


def test_a_notice_by_the_lines_that_up_prints_is_written_down(unique: str) -> None:
    states = {line.name: line.up for line in Lab().status()}
    assert states["webhook"], "`rollout-lab up` starts it"
    environment = os.environ | {
        "HERA_ROLLOUT_NOTICES": f"json://{addresses.LOOPBACK}:{addresses.NOTICES_PORT}/",
        "no_proxy": addresses.LOOPBACK,
    }
    words = ["notify", "--target", "lab", "--moment", "during", "--rollout", f"notices-{unique}", "--verdict", "HOLD"]
    command = [sys.executable, "-c", "from hera_rollout.cli import main; main()", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    notice = json.loads(Lab().notices.read_text().splitlines()[-1])
    assert notice["title"] == f"rollout notices-{unique} at Lab on this machine is under way, HOLD so far"
    assert "To take it back: hera-rollout rollback --target lab --yes" in notice["message"]
    assert notice["type"] == "warning"
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(notice["time"]) < timedelta(seconds=60)
