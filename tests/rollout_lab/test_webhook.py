"""The lab's receiver of notices: what Apprise sends is in its file, and nothing makes it grow without bound."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from apprise import Apprise, NotifyType

from rollout_lab import webhook

LIB = Path(__file__).parents[2] / "lib"
NOTICE = {"title": "rollout demo", "message": "one\ntwo ✓", "type": "info"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "notices.jsonl"


@pytest.fixture
def url(file: Path) -> Iterator[str]:
    with webhook.server(file, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


def post(url: str, content: bytes) -> httpx.Response:
    return httpx.post(url, content=content, timeout=10, trust_env=False)


def written(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def padded(size: int) -> bytes:
    """A notice of exactly so many bytes."""
    empty = len(json.dumps({**NOTICE, "message": ""}))
    return json.dumps({**NOTICE, "message": "x" * (size - empty)}).encode()


def test_what_apprise_sends_is_one_line_with_its_time(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    box = Apprise()
    assert box.add(f"{url.replace('http://', 'json://')}/")
    assert box.notify("two\n\u2028lines ✓", "rollout demo", notify_type=NotifyType.WARNING)
    (notice,) = written(file)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", notice.pop("time"))
    assert notice == {"title": "rollout demo", "message": "two\n\u2028lines ✓", "type": "warning"}


def test_health_writes_nothing(url: str, file: Path) -> None:
    assert httpx.get(url, trust_env=False).status_code == 200
    assert written(file) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"\xff\xfe", b"[" * 60_000, b"[]", b'{"title": "a", "type": "info"}',
     b'{"title": "a", "message": 1, "type": "info"}'],
    ids=["empty", "words", "no text", "deep", "a list", "no message", "a number"],
)  # fmt: skip
def test_what_is_no_notice_is_refused_in_a_sentence(url: str, file: Path, body: bytes) -> None:
    answer = post(url, body)
    assert answer.status_code == 400
    assert "expected is a JSON object with the texts title, message, type" in answer.text
    assert written(file) == []


def test_half_a_character_is_kept_as_it_came(url: str, file: Path) -> None:
    assert post(url, b'{"title": "\\ud83d", "message": "", "type": "info"}').status_code == 200
    assert written(file)[0]["title"] == "\ud83d"


def test_a_notice_has_64_kib_at_most(url: str, file: Path) -> None:
    assert post(url, padded(64 << 10)).status_code == 200
    assert post(url, padded((64 << 10) + 1)).status_code == 413
    assert len(written(file)) == 1


def test_a_sender_of_far_too_much_sees_the_answer_and_no_reset(url: str, file: Path) -> None:
    body = padded(900 << 10)
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as sender:
        sender.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:1000])
        time.sleep(0.3)
        for start in range(1000, len(body), 100_000):
            sender.sendall(body[start : start + 100_000])
        assert b" 413 " in sender.recv(100)
    assert written(file) == []


def test_a_body_without_a_length_is_refused(url: str, file: Path) -> None:
    answer = httpx.post(url, content=iter([b"{}"]), timeout=10, trust_env=False)
    assert answer.status_code == 411
    assert written(file) == []


def test_the_files_do_not_grow_without_bound(url: str, file: Path) -> None:
    for number in range(60):
        body = json.dumps({**NOTICE, "title": str(number), "message": "x" * 60_000}).encode()
        assert post(url, body).status_code == 200
    sizes = {path.name: path.stat().st_size for path in file.parent.iterdir()}
    assert set(sizes) == {"notices.jsonl", "notices.old.jsonl"}
    assert max(sizes.values()) <= webhook.FILE_LIMIT
    titles = [int(one["title"]) for one in written(webhook.before(file)) + written(file)]
    assert titles == list(range(titles[0], 60))


def test_notices_at_the_same_time_are_a_line_each(url: str, file: Path) -> None:
    bodies = [json.dumps({**NOTICE, "title": str(number)}).encode() for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda body: post(url, body), bodies)} == {200}
    assert {one["title"] for one in written(file)} == {str(number) for number in range(40)}


def test_what_cannot_be_written_is_not_told_as_taken(url: str, file: Path) -> None:
    file.unlink()
    file.mkdir()
    answer = post(url, json.dumps(NOTICE).encode())
    assert (answer.status_code, "could not be written" in answer.text) == (507, True)


def test_a_sender_that_stops_in_the_middle_keeps_nobody_out(url: str, file: Path) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as stuck:
        stuck.sendall(b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")
        assert post(url, json.dumps(NOTICE).encode()).status_code == 200
        assert stuck.recv(100) == b""  # given up after some seconds
    assert len(written(file)) == 1


def test_by_hand_it_says_where_and_ends_by_ctrl_c(file: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rollout_lab.cli", "notices", "--port", str(port), "--file", str(file)]
    environment = os.environ | {"PYTHONPATH": str(LIB), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == f"export HERA_ROLLOUT_NOTICES=json://127.0.0.1:{port}/\n"
        assert str(file) in process.stdout.readline()
        assert post(f"http://127.0.0.1:{port}", json.dumps(NOTICE).encode()).status_code == 200
        again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert written(file)[0]["title"] == "rollout demo"
    assert again.returncode == 1
    assert re.search(rf"Port 127\.0\.0\.1:{port} is taken by .*pid {process.pid}.*another --port", again.stderr)
