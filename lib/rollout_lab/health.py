"""Asking a component whether it works."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from rollout_lab.addresses import LOOPBACK
from rollout_lab.components import Component
from rollout_lab.errors import LabError, tail
from rollout_lab.paths import Paths
from rollout_lab.processes import PidFile

PROBE_SECONDS = 2.0
STEP = 0.05
FRESH_SECONDS = 15.0


def client_context(paths: Paths, identity: str = "admin") -> ssl.SSLContext:
    """TLS that trusts the lab's CA and shows one of its certificates."""
    folder = paths.certificates
    context = ssl.create_default_context(cafile=folder / "ca.crt")
    context.load_cert_chain(folder / f"{identity}.crt", folder / f"{identity}.key")
    return context


def _unverified() -> ssl.SSLContext:
    """For two components on loopback that make a new certificate at each start and are only asked if they live."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _answers_http(paths: Paths, url: str) -> bool:
    context: ssl.SSLContext | bool = False
    if url.startswith("https"):
        context = _unverified() if LOOPBACK in url else client_context(paths)
    try:
        return httpx.get(url, verify=context, timeout=PROBE_SECONDS, trust_env=False).status_code == 200  # noqa: PLR2004
    except (httpx.HTTPError, OSError):
        return False


def _answers_socket(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(address)
        except OSError:
            return False
    return True


def answers(paths: Paths, health: str) -> bool:
    """Whether what stands behind a health address answers now."""
    parts = urlsplit(health)
    if parts.scheme == "unix":
        return _answers_socket(socket.AF_UNIX, parts.path)
    if parts.scheme == "tcp":
        return _answers_socket(socket.AF_INET, (parts.hostname or "", parts.port or 0))
    if parts.scheme == "file":
        path = Path(parts.path)
        return path.exists() and time.time() - path.stat().st_mtime < FRESH_SECONDS
    return _answers_http(paths, health)


def wait(paths: Paths, component: Component, pid_file: PidFile, log: Path, seconds: float) -> None:
    """Wait until a component answers; stop early when its process has ended."""
    deadline = time.monotonic() + seconds
    while not answers(paths, component.health):
        if pid_file.running() is None:
            raise LabError(f"{component.name} ended right after its start. Its last words ({log}): {last_words(log)}")
        if time.monotonic() > deadline:
            raise LabError(f"{component.name} runs but did not answer within {seconds:.0f} s. Its log: {log}")
        time.sleep(STEP)


def last_words(log: Path) -> str:
    """The end of a component's log."""
    try:
        return tail(log.read_text(errors="replace")[-4000:], 3)
    except OSError:
        return "it wrote no log"
