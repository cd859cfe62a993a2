"""What a rollout remembers between its notebooks, as documents of bounded size. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from hera_rollout.answers import plain
from hera_rollout.errors import Full, Refused
from hera_rollout.redaction import REDACTOR
from hera_rollout.target import Medium

SCHEMA: Final = "1"
MOST_BYTES: Final = 480 * 1024
"""A ConfigMap may have 1 MiB; half of that is never reached."""
MOST_RESULT_BYTES: Final = 16 * 1024
MOST_FLAGS, MOST_APPROVALS, MOST_RECORDS, MOST_RUNS = 100, 100, 200, 10
GUARDED: Final = frozenset({"03_canary", "04_production"})
"""Phases with users on Hera: going back there is an incident."""
_TEXT: Final = 500
_SUFFIX: Final = ".json"

Text = Annotated[str, BeforeValidator(lambda value: plain(value, _TEXT) if isinstance(value, str) else value)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rollout(_Document):
    """Which rollout this is, and where it stands."""

    id: Text
    phase: Text
    rung: float | None = None
    since: datetime


class KnownGood(_Document):
    """What ran before phase 1: the way back. Revision numbers move on with each undo, the ReplicaSet's hash stays."""

    revision: Text
    template_hash: Text
    image: Text
    env: Text | None = None
    at: datetime


class FlagSet(_Document):
    """One setting of the flag by the kit, with both media as they stood right after it."""

    at: datetime
    by: Text
    rollout: Text = ""
    medium: Medium
    enabled: bool
    percent: float
    env: Text | None = None
    file: dict[str, Text] | None = None
    why: Text = ""


class RolledBack(_Document):
    """The newest way back from a canary or from production: its code is not rolled out again just so."""

    at: datetime
    by: Text
    why: Text = ""
    rollout: Text
    phase: Text
    code_revision: Text = ""


class Approval(_Document):
    """What is remembered of an approval that counted: who, what, why, and about which code (any, if empty)."""

    at: datetime
    by: Text
    rollout: Text
    phase: Text
    rung: float | None = None
    reason: Text = ""
    code_revision: Text = ""


class RecordHash(_Document):
    """A record that was kept, by its seal."""

    at: datetime
    rollout: Text
    phase: Text
    verdict: Text
    folder: Text
    sha256: Text


class RunState(_Document):
    """One run of one phase, over all its attempts until it is concluded."""

    id: Text
    began: datetime
    touched: datetime
    by: Text
    attempts: int = 1
    code_revision: Text = ""
    concluded: Text = ""
    steps: dict[str, Any] = {}


class Change(_Document):
    """The newest write: who, when, what."""

    by: Text
    at: datetime
    what: Text


class Facts(_Document):
    """All of it."""

    rollout: Rollout | None = None
    known_good: KnownGood | None = None
    rolled_back: RolledBack | None = None
    flags: tuple[FlagSet, ...] = ()
    approvals: tuple[Approval, ...] = ()
    records: tuple[RecordHash, ...] = ()
    runs: dict[str, RunState] = {}
    changed: Change | None = None

    def bounded(self) -> Facts:
        """The same with the oldest entries left out, and of concluded runs no results."""
        newest = sorted(self.runs.items(), key=lambda item: item[1].touched)[-MOST_RUNS:]
        return self.model_copy(
            update={
                "flags": self.flags[-MOST_FLAGS:],
                "approvals": self.approvals[-MOST_APPROVALS:],
                "records": self.records[-MOST_RECORDS:],
                "runs": {
                    phase: run.model_copy(update={"steps": {}}) if run.concluded else run for phase, run in newest
                },
            }
        )


def encoded(facts: Facts) -> dict[str, str]:
    """The facts as a ConfigMap's data, one JSON document a key; secrets are masked.

    Raises:
        Full: They would be larger than MOST_BYTES.
    """
    parts = REDACTOR.data(facts.bounded().model_dump(mode="json"))
    data = {f"{name}{_SUFFIX}": json.dumps(part, indent=1, ensure_ascii=False) for name, part in parts.items() if part}
    data["schema"] = SCHEMA
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    if size > MOST_BYTES:
        largest = max(data, key=lambda key: len(data[key]))
        raise Full(
            f"The rollout's state would take {size // 1024} KiB; most of it is {largest}.",
            expected=f"at most {MOST_BYTES // 1024} KiB.",
            todo="Conclude the phases that are open: results of steps are kept only until then.",
        )
    return data


def decoded(data: Mapping[str, str], where: str) -> Facts:
    """The facts out of a ConfigMap's data.

    Raises:
        Refused: Another kit wrote it, or somebody edited it into something that cannot be read.
    """
    todo = f"Look at it (kubectl get {where} -o yaml); mend it, or delete it to begin this rollout's state anew."
    if data.get("schema", SCHEMA) != SCHEMA:
        raise Refused(
            f"The rollout's state in {where} has schema {plain(data['schema'], 20)!r}.",
            expected=f"schema {SCHEMA}, which this kit writes.",
            todo="Use the kit's version that wrote it, or delete it to begin this rollout's state anew.",
        )
    parts = {key.removesuffix(_SUFFIX): value for key, value in data.items() if key.endswith(_SUFFIX)}
    try:
        return Facts.model_validate_json(json.dumps({key: json.loads(value) for key, value in parts.items()}))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        fault = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ValueError as error:
        fault = str(error)
    raise Refused(f"The rollout's state in {where} cannot be read: {plain(fault)}.", todo=todo)
