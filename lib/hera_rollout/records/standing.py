"""Where a run that was broken off left the flag, read from the cluster within a short time; and the way back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Final

from hera_rollout.answers import plain
from hera_rollout.errors import in_words
from hera_rollout.state import picture
from hera_rollout.target import Target

SECONDS: Final = 10.0
"""So long all of it is waited for: a record of a run that ended must not hang."""


def sentence(target: Target, name: str) -> str:
    """Where the flag stands now, by both media, and the command that takes it back.

    Args:
        target: where.
        name: the target as the operator named it.
    """
    answers: list[str] = []
    reader = threading.Thread(target=lambda: answers.append(_read(target, name)), daemon=True)
    reader.start()
    reader.join(SECONDS)
    return answers[0] if answers else unknown(f"the cluster did not answer within {SECONDS:g} s", name)


def unknown(why: str, name: str) -> str:
    """The same where it could not be read."""
    return f"Where the flag stands is not known: {why.rstrip('.')}. {_way_back(name)}"


def _way_back(name: str) -> str:
    return f"To turn it off: hera-rollout rollback --target {name} --yes"


def _read(target: Target, name: str) -> str:
    try:
        from hera_rollout.cluster import Cluster

        cluster = Cluster.connect(target)
        cluster.env(target.flag.env)  # a Deployment that is not there, or no Deployment, says nothing of its variable
        seen = picture.read(cluster)
    except Exception as error:  # whatever it is, the record is kept
        return unknown(in_words(error), name)
    return in_full(seen, target, name, datetime.now(UTC))


def in_full(seen: picture.Picture, target: Target, name: str, now: datetime) -> str:
    """What both media say, and the command that turns it off; off only where neither can turn it on. Pure."""
    variable = f"{target.flag.env} is {plain(seen.env, 40)!r}" if seen.env is not None else f"no {target.flag.env}"
    data = ", ".join(f"{key} {plain(value, 40)}" for key, value in (seen.file or {}).items())
    file = f"configmap/{target.flag.configmap} says {data}" if data else f"no configmap/{target.flag.configmap}"
    return f"The flag as it was left, at {now:%H:%M:%S} UTC: {variable}; {file}. {_way_back(name)}"
