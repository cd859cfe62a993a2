"""A flag that was changed by hand since the kit last set it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hera_rollout.cluster.connection import AGENT
from hera_rollout.state.comparing import clock
from hera_rollout.state.documents import FlagSet
from hera_rollout.state.picture import Picture, Writer
from hera_rollout.target import Target


def drift(target: Target, last: FlagSet | None, now: Picture) -> list[str]:
    """One sentence a medium that no longer says what it said right after the kit's last setting."""
    if last is None:
        return []
    set_by = f"when the kit last set the flag ({clock(last.at)}, by {last.by})"
    told = []
    if now.env != last.env:
        told.append(
            f"{target.flag.env} on deployment/{target.deployment} is now {_shown(now.env)}; it was {_shown(last.env)} "
            f"{set_by}. {_who(now.env_writer, last)}"
        )
    if now.file != last.file:
        told.append(
            f"configmap/{target.flag.configmap} now says {_told(now.file)}; it said {_told(last.file)} {set_by}. "
            f"{_who(_file_writer(now, last), last, gone=now.file is None)}"
        )
    return told


def _file_writer(now: Picture, last: FlagSet) -> Writer | None:
    """Who wrote the newest of the keys that changed."""
    before, after = last.file or {}, now.file or {}
    found = [one for key, one in now.file_writers.items() if one and before.get(key) != after.get(key)]
    return max(found, key=lambda one: (one.sure, one.time), default=None)


def _who(writer: Writer | None, last: FlagSet, *, gone: bool = False) -> str:
    if writer is None and gone:
        return "It was deleted; Kubernetes keeps no note of who did that."
    if writer is None or (not writer.sure and _before(writer, last.at)):
        return "Nothing says who changed it."
    when = clock(datetime.fromisoformat(writer.time)) if writer.time else "an unknown time"
    if writer.manager == AGENT:
        return f"It was changed with this kit at {when}, by a run that did not write it into the rollout's state."
    what = "It was changed by" if writer.sure else "The object was last changed by"
    return f"{what} {writer.manager} at {when}, not by the kit."


def _before(writer: Writer, moment: datetime) -> bool:
    """Whether it wrote before that moment, as finely as Kubernetes notes it: a second."""
    return bool(writer.time) and datetime.fromisoformat(writer.time) < moment.replace(microsecond=0)


def _shown(value: str | None) -> str:
    return "unset" if value is None else repr(value)


def _told(data: Mapping[str, str] | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(data.items())) if data else "nothing (it is not there)"
