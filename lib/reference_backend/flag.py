"""USE_HERA_SDK: what decides, and for which share of the tasks."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

from reference_backend.split import bucket, takes_hera
from reference_backend.watched import WatchedFolder

log = logging.getLogger(__name__)
Source = Literal["env", "file", "default"]
ALL = Decimal(100)
NONE = Decimal(0)


@dataclass(frozen=True)
class Decision:
    """The flag at one moment."""

    enabled: bool
    percent: Decimal
    decided_by: Source

    def use_hera(self, task_id: str) -> bool:
        """Whether this task is built by Hera."""
        return self.enabled and takes_hera(task_id, self.percent)

    def note(self, task_id: str) -> str:
        """What decided, for the workflow's annotation."""
        state = "on" if self.enabled else "off"
        return f"{self.decided_by}:{state}:{self.percent}%:bucket={bucket(task_id)}"


def parse_env(value: str | None) -> bool | None:
    """True for `true` in any case, None when unset, false for anything else."""
    return None if value is None or not value.strip() else value.strip().lower() == "true"


def parse_file(entries: Mapping[str, str]) -> tuple[bool, Decimal] | None:
    """The flag file's two keys; None without a file.

    Raises:
        ValueError: A key does not read as what it should be.
    """
    if "enabled" not in entries:
        return None
    enabled = entries["enabled"].lower()
    if enabled not in {"true", "false"}:
        raise ValueError(f"flag file: enabled is {entries['enabled']!r}, expected true or false")
    return enabled == "true", _percent(entries.get("percent", "100"))


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"flag file: percent is {text!r}, expected a number from 0 to 100") from None
    if not percent.is_finite() or not NONE <= percent <= ALL:
        raise ValueError(f"flag file: percent is {text}, expected a number from 0 to 100")
    return percent


def decide(env: bool | None, file: tuple[bool, Decimal] | None) -> Decision:
    """Off in either medium wins; then the file's percentage; the environment alone means all."""
    if env is False:
        return Decision(False, NONE, "env")
    if file is not None:
        enabled, percent = file
        return Decision(enabled, percent if enabled else NONE, "file")
    if env is True:
        return Decision(True, ALL, "env")
    return Decision(False, NONE, "default")


class Flag:
    """The flag as this process sees it now."""

    def __init__(self, env: str | None, folder: WatchedFolder) -> None:
        self.env = env
        self._folder = folder
        self._last: Decision | None = None

    def file(self) -> Mapping[str, str] | None:
        """The file's keys as they are; None without a file."""
        return dict(self._folder.entries()) or None

    def now(self) -> Decision:
        """The decision in effect; a file that cannot be read means off."""
        try:
            decision = decide(parse_env(self.env), parse_file(self._folder.entries()))
        except ValueError as error:
            decision = Decision(False, NONE, "file")
            if decision != self._last:
                log.error("%s: the flag is taken as off until that is mended", error)
        if decision != self._last:
            state = "on" if decision.enabled else "off"
            log.info("flag: %s for %s %%, decided by %s", state, decision.percent, decision.decided_by)
            self._last = decision
        return decision
