"""`hera-rollout status` as an operator types it, and how its watch ends."""

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from hera_rollout.cli import main
from hera_rollout.status import Known, watch
from hera_rollout.status.watching import dated

pytestmark = pytest.mark.timeout(120)

COMMAND = [sys.executable, "-c", "from hera_rollout.cli import main; main()", "status"]


def run(*words):
    return CliRunner().invoke(main, ["status", *words])


def test_shown_is_0_and_plain_in_a_pipe(place):
    done = run("--target", place.file(), "--records", str(place.records))
    assert done.exit_code == 0, done.output
    assert "backend-2026-11 at 03_canary, rung 25 %" in done.output
    assert "\x1b" not in done.output
    assert len(done.output.splitlines()) <= 24


def test_json_is_one_document(place):
    done = run("--target", place.file(), "--records", str(place.records), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["rollout"]["value"]["id"] == "backend-2026-11"


def test_a_target_that_is_not_there_is_refused_with_2(tmp_path):
    done = run("--target", str(tmp_path / "none.toml"))
    assert done.exit_code == 2
    assert "There is no target file" in done.output


def test_a_cluster_that_is_not_there_is_2_with_what_else_can_be_seen(place, closed_url):
    done = run("--target", place.file(closed_url), "--records", str(place.records))
    assert done.exit_code == 2
    assert "not known: the cluster cannot be reached." in done.output
    assert "every criterion holds" in done.output


def watched(looks, console, write=None):
    """Watch these statuses, then Ctrl-C."""
    waiting = iter(looks)

    def look():
        for status in waiting:
            return status
        raise KeyboardInterrupt

    watch(look, 0.01, console, write)


def test_elsewhere_than_in_a_terminal_each_change_is_one_line(made):
    console = Console(file=io.StringIO(), width=240)
    same, other = made.status(), made.status(drift=Known(("it says false",)))
    watched([same, made.status(), other, other, same], console)
    assert console.file.getvalue().splitlines() == [dated(same), dated(other), dated(same)]


def test_json_is_watched_as_one_object_a_change(made):
    console = Console(file=io.StringIO(), width=240)
    watched([made.status(), made.status()], console, lambda status: json.dumps(status.plain()))
    assert [json.loads(text)["target"] for text in console.file.getvalue().splitlines()] == ["lab"]


def started(place, *, url=None, patience=1, **streams):
    where = ["--target", place.file(url, patience), "--records", str(place.records)]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    return subprocess.Popen([*COMMAND, *where, "--watch", "--interval", "0.5"], env=env, **streams)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_watch_in_a_pipe_ends_at_a_signal_without_a_word(place, number):
    process = started(place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    assert "backend-2026-11 at 03_canary rung 25 %" in first
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.slow
def test_the_watch_ends_in_the_middle_of_a_look(place, silent_url):
    process = started(place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, url=silent_url, patience=600)
    wait_until_asked(process)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def wait_until_asked(process):
    """Until it catches SIGTERM: its first look begins right then."""
    while not catches(process, signal.SIGTERM):
        assert process.poll() is None
        time.sleep(0.05)


def catches(process, number):
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    mask = next(text.split()[1] for text in status if text.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.slow
def test_the_watch_in_a_terminal_gives_the_cursor_back_at_sigterm(place):
    ours, theirs = pty.openpty()
    process = started(place, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = until(ours, b"records")
    process.send_signal(signal.SIGTERM)
    seen += until(ours, None)
    assert process.wait(60) == 0
    assert b"backend-2026-11" in seen
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l"), "the cursor is hidden still"
    assert b"Traceback" not in seen
    os.close(ours)


def until(terminal, text):
    """What is written until a text came; without one, until the other side is closed."""
    seen = b""
    while text is None or text not in seen:
        select.select([terminal], [], [], 60)
        try:
            more = os.read(terminal, 65_536)
        except OSError:  # Linux says so when the last writer is gone
            more = b""
        if not more:
            return seen
        seen += more
    return seen
