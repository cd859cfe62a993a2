"""Switchable faults: each reproduces what went wrong in a real rollout. All off unless a file says otherwise."""

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType

from reference_backend.watched import WatchedFolder

log = logging.getLogger(__name__)
REMIND_SECONDS = 60.0

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "all-500": "create() without an Argo host: every Hera submission answers 500",
        "orphan-after-success": "an unbound variable after the create: 500, and a workflow nobody knows",
        "orphan-after-timeout": "the create's answer is lost: 500, and a workflow nobody knows",
        "dead-cancel": "cancel looks the task id up as a workflow name: always 404",
        "cancel-deletes": "cancel deletes the running workflow",
        "compare-nothing": "the answer's workflowId is no workflow",
        "paths-differ": "the Hera path drops the mutex and the RESULTS_DIR env entry",
        "bad-image": "the Hera path names an image that is not there",
        "slow-hera": "the Hera path is slower: a share (0.3) or a delay in ms (250)",
        "flaky-hera": "this share of the Hera path's workflows exits 1",
        "leak": "this many MiB are kept with each Hera submission",
        "bad-input-500": "bad input is answered 500 with the right status in the text",
    }
)
OFF = frozenset({"", "off", "false"})
DEFAULTS: Mapping[str, float] = MappingProxyType({"slow-hera": 0.3, "flaky-hera": 0.3, "leak": 8.0})


class Faults:
    """The faults that are on now, read from the mounted files."""

    def __init__(self, folder: WatchedFolder) -> None:
        self._folder = folder
        self._last: Mapping[str, str] = {}
        self._reminded = float("-inf")

    def active(self) -> Mapping[str, str]:
        """Every fault that is on, with its value; a change is shouted into the log."""
        active = {name: value for name, value in self._folder.entries().items() if value.lower() not in OFF}
        self._shout(active)
        return active

    def on(self, name: str) -> bool:
        """Whether the fault is on."""
        return name in self.active()

    def value(self, name: str) -> str:
        """The fault's value, empty when it is off."""
        return self.active().get(name, "")

    def number(self, name: str) -> float:
        """The fault's parameter: 0 when off, its default when just `on` or unreadable."""
        value = self.value(name).lower().removesuffix("ms").removesuffix("mib").strip()
        if not value:
            return 0.0
        try:
            return float(value)
        except ValueError:
            return DEFAULTS[name]

    def _shout(self, active: Mapping[str, str]) -> None:
        changed = active != self._last
        if not changed and (not active or time.monotonic() - self._reminded < REMIND_SECONDS):
            return
        for name, value in active.items():
            log.warning("FAULT ON: %s=%s (%s)", name, value, KNOWN.get(name, "unknown to this service: no effect"))
        for name in self._last.keys() - active.keys():
            log.warning("FAULT OFF: %s", name)
        self._last, self._reminded = active, time.monotonic()
